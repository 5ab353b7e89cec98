"""Memory: what clients send is forgotten, whatever it is."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from tests.hardening.served import ADA, BASIC, LIST, SIGNING_SECRET, Served, serving
from tests.raw_http import Client
from tiledesk_fake.gate.jwt import sign

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory as Linux tells it")

MIB = 1024 * 1024
MOST_GROWTH = 6 * MIB
KINDS = 12
LONG = 8_000
AT_ONCE = 8
WIDE = "%F0%9F%98%80"


def long_in(kind: int, unique: str) -> tuple[str, str, list[str]]:
    """Target, host and headers of a request that is long in one part; `unique` is in that part."""
    basic = f"Authorization: {BASIC}"
    match kind:
        case 0:
            return LIST, "fake", [basic, f"X-Long: {unique * (LONG // 8)}"]
        case 1:
            return LIST, "fake", [basic, *(f"X-{unique}-{name}: {'v' * 60}" for name in range(LONG // 80))]
        case 2:
            return LIST, "fake", [basic, f"X-{unique * (LONG // 8)}: v"]
        case 3:
            return f"{LIST}/{unique}{'a' * LONG}", "fake", [basic]
        case 4:
            return f"{LIST}/{WIDE}{unique}{'a' * LONG}", "fake", [basic]
        case 5:
            return f"{LIST}?{WIDE}{unique}{'a' * LONG}={WIDE}{'b' * (LONG // 2)}", "fake", [basic]
        case 6:
            return f"{LIST}?" + "&".join(f"{unique}{name}=" for name in range(LONG // 14)), "fake", [basic]
        case 7:
            return f"/v3/{unique}{chr(39) * LONG}", "fake", [basic]
        case 8:
            return LIST, f"{unique}{chr(39) * LONG}", ["Authorization: x"]
        case 9:
            return LIST, "fake", [f"Authorization: {unique * (LONG // 8)}"]
        case 10:
            # Empty lists take twenty times as much memory as their text.
            claims = {"_id": ADA, "sub": "user", "jti": unique, "a": [[]] * (LONG // 5)}
            return LIST, "fake", [f"Authorization: JWT {sign(claims, SIGNING_SECRET.encode())}"]
        case _:
            return LIST, "fake", [basic, f"Content-Type: text/{unique * (LONG // 8)}", "Content-Length: 1"]


def requests(number: int, kinds: Sequence[int] = range(KINDS)) -> Iterator[bytes]:
    """Requests of 8 KB each, no two alike in any part, long in every part in turn that a server might remember."""
    for each in range(number):
        target, host, headers = long_in(kinds[each % len(kinds)], f"{each:08}")
        method = "DELETE" if target.startswith(f"{LIST}/") else "GET"
        body = "x" if "Content-Length: 1" in headers else ""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "", body]
        yield "\r\n".join(lines).encode()


def send(port: int, sent: Iterable[bytes]) -> None:
    """Send requests over one connection, a few at a time, and read all answers."""
    waiting = iter(sent)
    with Client(port) as client:
        while few := list(islice(waiting, AT_ONCE)):
            client.send(b"".join(few))
            for _ in few:
                client.reply()


def growth(served: Served, number: int, kinds: Sequence[int] = range(KINDS)) -> int:
    """By how many bytes the server grows from its first answers on."""
    send(served.port, requests(KINDS))
    before = served.resident_bytes()
    send(served.port, requests(number, kinds))
    return served.resident_bytes() - before


def test_requests_of_8_kb_do_not_fill_the_memory(tmp_path: Path) -> None:
    """A few hundred, which is enough to tell; 100,000 of them, sent by hand, take no more."""
    with serving(tmp_path) as served:
        assert growth(served, 30 * KINDS) < MOST_GROWTH


LEAKS = {
    "journal": (
        200,
        (5, 6),
        """
import tiledesk_fake.core.journal as journal
journal.MOST_EXCHANGES = journal.MOST_BYTES = 10**12
""",
    ),
    "tokens": (
        250,
        (10,),
        """
import tiledesk_fake.gate.gate as gate
gate._LONGEST_REMEMBERED = 10**6
""",
    ),
    "names of headers": (
        800,
        (2,),
        """
import functools, tiledesk_fake.serving.reader as reader
reader._environ_key = functools.cache(reader._environ_key)
""",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kinds", "leak"), LEAKS.values(), ids=LEAKS)
def test_what_is_remembered_too_long_is_found(tmp_path: Path, number: int, kinds: Sequence[int], leak: str) -> None:
    with serving(tmp_path, before=leak) as served:
        assert growth(served, number, kinds) > MOST_GROWTH
