"""`fake.intercept`: who reaches the fake, how it begins and ends, and what it leaves alone."""

import asyncio
import concurrent.futures
import functools
import http.client
import os
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
import uvloop

from tests.serving.conftest import listening_to
from tiledesk_fake import MisuseError, TiledeskFake
from tiledesk_fake.errors import NetworkRefused
from tiledesk_fake.intercept import Guard
from tiledesk_fake.intercept.registry import REGISTRY
from tiledesk_fake.log import log, refusal_listeners

ORIGIN = "https://api.tiledesk.com"
URL = f"{ORIGIN}/v3/jwt/history"


@pytest.fixture
def fake() -> TiledeskFake:
    return TiledeskFake()


@pytest.fixture
def headers(fake: TiledeskFake) -> dict[str, str]:
    return {"Authorization": fake.add_user(email="ada@example.com", password="secret").authorization}


@pytest.fixture
def refusals() -> Iterator[list[str]]:
    told: list[str] = []

    def listen(text: str, owner: object) -> None:
        told.append(text)

    refusal_listeners.append(listen)
    yield told
    refusal_listeners.remove(listen)


Call = Callable[[dict[str, str]], list[int]]


def by_urllib(headers: dict[str, str]) -> list[int]:
    with urllib.request.urlopen(urllib.request.Request(URL, headers=headers), timeout=5) as answer:
        return [answer.status]


def by_http_client(headers: dict[str, str]) -> list[int]:
    connection = http.client.HTTPSConnection("api.tiledesk.com", timeout=5)
    statuses = []
    for _ in range(2):
        connection.request("GET", "/v3/jwt/history", headers=headers)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()
    return statuses


def by_requests(headers: dict[str, str]) -> list[int]:
    with requests.Session() as session:
        return [session.get(URL, headers=headers, timeout=5).status_code for _ in range(2)]


def by_urllib3(headers: dict[str, str]) -> list[int]:
    with urllib3.PoolManager() as pool:
        return [pool.request("GET", URL, headers=headers).status for _ in range(2)]


def by_httpx(headers: dict[str, str]) -> list[int]:
    with httpx.Client() as client:
        return [client.get(URL, headers=headers).status_code for _ in range(2)]


async def httpx_async(headers: dict[str, str]) -> list[int]:
    async with httpx.AsyncClient() as client:
        return [(await client.get(URL, headers=headers)).status_code for _ in range(2)]


async def aiohttp_with(resolver: Any, headers: dict[str, str]) -> list[int]:
    statuses = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=resolver())) as session:
        for _ in range(2):
            async with session.get(URL, headers=headers) as answer:
                statuses.append(answer.status)
    return statuses


CALLS: dict[str, Call] = {
    "urllib": by_urllib,
    "http.client": by_http_client,
    "requests": by_requests,
    "urllib3": by_urllib3,
    "httpx": by_httpx,
    "httpx-async": lambda headers: asyncio.run(httpx_async(headers)),
    "httpx-uvloop": lambda headers: uvloop.run(httpx_async(headers)),
    "aiohttp-threads": lambda headers: asyncio.run(aiohttp_with(aiohttp.ThreadedResolver, headers)),
    "aiohttp-threads-uvloop": lambda headers: uvloop.run(aiohttp_with(aiohttp.ThreadedResolver, headers)),
    "aiohttp-aiodns": lambda headers: asyncio.run(aiohttp_with(aiohttp.AsyncResolver, headers)),
    "aiohttp-aiodns-uvloop": lambda headers: uvloop.run(aiohttp_with(aiohttp.AsyncResolver, headers)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_clients_of_the_origin_reach_the_fake_and_keep_their_connections(
    fake: TiledeskFake, headers: dict[str, str], call: Call
) -> None:
    with fake.intercept(ORIGIN):
        assert set(call(headers)) == {200}

    assert {exchange.origin for exchange in fake.journal.exchanges} == {ORIGIN}
    assert f"GET {URL} -> 200" in str(fake.journal.exchanges[0])


def test_in_threads_all_reach_it(fake: TiledeskFake, headers: dict[str, str]) -> None:
    with fake.intercept(ORIGIN), concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: by_requests(headers), range(16)))

    assert statuses == [[200, 200]] * 16
    assert len(fake.journal) == 32


def test_a_client_made_before_reaches_it_too(fake: TiledeskFake, headers: dict[str, str]) -> None:
    session, client, pool = requests.Session(), httpx.Client(), urllib3.PoolManager()
    with session, client, pool, fake.intercept(ORIGIN):
        assert session.get(URL, headers=headers, timeout=5).status_code == 200
        assert client.get(URL, headers=headers).status_code == 200
        assert pool.request("GET", URL, headers=headers).status == 200


def test_a_kept_connection_goes_to_the_innermost_fake_of_each_moment(refusals: list[str]) -> None:
    outer, inner = TiledeskFake(), TiledeskFake()
    with requests.Session() as session:
        with outer.intercept(ORIGIN):
            session.get(URL, timeout=5)
            with inner.intercept(ORIGIN):
                session.get(URL, timeout=5)
            session.get(URL, timeout=5)
        assert session.get(URL, timeout=5).status_code == 410
        with inner.intercept(ORIGIN):
            assert session.get(URL, timeout=5).status_code == 401

    assert (len(outer.journal), len(inner.journal)) == (2, 2)
    assert refusals == [f"GET {URL} came when nobody intercepted that origin any more"]


def test_the_order_of_ends_does_not_matter(fake: TiledeskFake) -> None:
    other = TiledeskFake()
    first, second = fake.intercept(ORIGIN), other.intercept(ORIGIN)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    requests.get(URL, timeout=5)
    second.__exit__(None, None, None)

    assert (len(fake.journal), len(other.journal)) == (0, 1)
    assert REGISTRY.hosts == frozenset()


def test_two_fakes_answer_for_two_origins_and_for_two_ports_of_a_host() -> None:
    fakes = {
        origin: TiledeskFake()
        for origin in ("https://a.example", "https://b.example", "https://a.example:8443", "http://a.example")
    }
    with (
        fakes["https://a.example"].intercept("https://a.example"),
        fakes["https://b.example"].intercept("https://b.example"),
        fakes["https://a.example:8443"].intercept("https://a.example:8443"),
        fakes["http://a.example"].intercept("http://a.example"),
    ):
        for origin in fakes:
            requests.get(f"{origin}/v3/jwt/history", timeout=5)

    assert {origin: [each.origin for each in fake.journal.exchanges] for origin, fake in fakes.items()} == {
        origin: [origin] for origin in fakes
    }


def world() -> list[object]:
    functions = [
        getattr(socket, name) for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")
    ]
    classes = [(kind, dict(vars(kind))) for kind in (socket.socket, ssl.SSLContext, ssl.SSLSocket, ssl.SSLObject)]
    libraries = [dict(vars(uvloop.Loop)), dict(vars(sys.modules["aiodns"].DNSResolver))]
    return [functions, classes, libraries, list(sys.meta_path), dict(os.environ)]


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:1"], ids=["direct", "proxy"])
def test_everything_is_restored_after_the_end_after_an_exception_and_after_nesting(
    fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch, proxy: str | None
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    if proxy:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "other.example")
    before = world()
    for _ in range(3):
        with fake.intercept(ORIGIN), fake.intercept(ORIGIN), fake.intercept("https://b.example", block_network=True):
            assert world() != before
            assert requests.get(URL, timeout=5).status_code == 401
    with pytest.raises(ZeroDivisionError), fake.intercept(ORIGIN):
        _ = 1 / 0

    assert world() == before


def test_what_others_have_patched_meanwhile_stays(fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch) -> None:
    with fake.intercept(ORIGIN):
        inside = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", functools.partial(inside))
        patched = socket.getaddrinfo
        assert requests.get(URL, timeout=5).status_code == 401

    assert socket.getaddrinfo is patched
    assert socket.getaddrinfo("127.0.0.1", 80)[0][4] == ("127.0.0.1", 80)


def test_other_hosts_are_left_alone(fake: TiledeskFake) -> None:
    with TiledeskFake() as other, TiledeskFake(tls=True) as encrypted, fake.intercept(ORIGIN):
        assert requests.get(other.url, timeout=5).status_code == 404
        assert requests.get(encrypted.url, timeout=5, verify=encrypted.ca_file).status_code == 404
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(encrypted.url, timeout=5)
        assert requests.get(other.url, headers={"Host": "api.tiledesk.com"}, timeout=5).status_code == 404
    assert len(fake.journal) == 0
    assert other.journal.exchanges[0].origin is None


def test_a_blocked_network_leaves_this_machine_and_refuses_all_else_with_a_sentence(
    fake: TiledeskFake, refusals: list[str]
) -> None:
    with TiledeskFake() as other, fake.intercept(ORIGIN, block_network=True):
        assert requests.get(URL, timeout=5).status_code == 401
        assert requests.get(other.url, timeout=5).status_code == 404
        for address in ("example.com", "192.0.2.1"):
            with pytest.raises(requests.ConnectionError, match=r"is refused: intercept\(block_network=True\)"):
                requests.get(f"https://{address}/", timeout=5)
        with pytest.raises(NetworkRefused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("192.0.2.1", 53))

    assert len(refusals) >= 3


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://api.tiledesk.com/", "intercept this origin too"), ("https://api.tiledesk.com:444/", "is intercepted;")],
)
def test_other_origins_of_the_host_are_refused(fake: TiledeskFake, url: str, said: str) -> None:
    with fake.intercept(ORIGIN), pytest.raises(requests.ConnectionError, match=said):
        requests.get(url, timeout=5)


def test_trust_is_real(fake: TiledeskFake) -> None:
    """The client verifies, whatever it was told, and it trusts nobody else for this name."""
    with TiledeskFake(tls=True) as other, fake.intercept(ORIGIN):
        with socket.create_connection(("api.tiledesk.com", 443)) as plain:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain, server_hostname="api.tiledesk.com") as sock:
                assert sock.context.verify_mode is ssl.CERT_REQUIRED
                assert sock.getpeercert()
        port = int(other.url.rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(NetworkRefused):
            context.wrap_socket(plain, server_hostname="api.tiledesk.com")


def test_faults_and_violations_are_as_ever(fake: TiledeskFake, headers: dict[str, str]) -> None:
    fake.faults.add("listTokens", status=503)
    fake.faults.add("listTokens", drop="before-answer")
    fake.faults.add("listTokens", drop="mid-body")
    with fake.intercept(ORIGIN):
        assert requests.get(URL, headers=headers, timeout=5).status_code == 503
        for _ in range(2):
            with pytest.raises(requests.RequestException):
                requests.get(URL, headers=headers, timeout=5)
        requests.get(URL, headers={"Authorization": "Bearer x"}, timeout=5)

    assert [violation.rule for violation in fake.journal.violations] == ["auth-scheme"]
    assert f"{URL}" in fake.journal.violations[0].curl


def test_a_guarded_origin_stays_refused_while_nobody_intercepts_it(fake: TiledeskFake) -> None:
    with Guard(ORIGIN):
        assert requests.get(URL, timeout=5).status_code == 410
        with fake.intercept(ORIGIN):
            assert requests.get(URL, timeout=5).status_code == 401
        assert requests.get(URL, timeout=5).status_code == 410
    assert REGISTRY.hosts == frozenset()


def test_a_refusal_is_logged_too(fake: TiledeskFake) -> None:
    logged = listening_to(log)
    records = next(logged)
    with fake.intercept(ORIGIN), pytest.raises(requests.ConnectionError):
        requests.get("http://api.tiledesk.com/", timeout=5)
    next(logged, None)

    assert "api.tiledesk.com:80 is refused" in records[-1].getMessage()


@pytest.mark.parametrize(
    "origin",
    ["api.tiledesk.com", "ftp://a.example", "https://", "https://a.example/v3", "https://a.example?x", "https://127.0.0.1",
     "https://localhost:1", "https://[::1]", "https://a b", "https://a.example:0", "https://a.example:99999",
     "https://u:secret@a.example", "https://[", "", "https://.", "https://" + "a" * 300],
)  # fmt: skip
def test_what_is_no_origin_is_refused_at_once(fake: TiledeskFake, origin: str) -> None:
    with pytest.raises(MisuseError, match=r"expected an origin like 'https://api\.tiledesk\.com'") as raised:
        fake.intercept(origin)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "origin", ["HTTPS://API.TILEDESK.COM", "https://api.tiledesk.com:443/", "https://api.tiledesk.com."]
)
def test_an_origin_may_be_spelt_as_in_urls(fake: TiledeskFake, origin: str) -> None:
    with fake.intercept(origin):
        assert requests.get(URL, timeout=5).status_code == 401


def test_names_are_found_however_they_are_asked_for(fake: TiledeskFake) -> None:
    with fake.intercept(ORIGIN):
        address = socket.gethostbyname("API.tiledesk.com.")
        assert address.startswith("127.")
        assert socket.gethostbyname_ex("api.tiledesk.com")[2] == [address]
        assert socket.gethostbyaddr("api.tiledesk.com")[2] == [address]
        assert {info[4] for info in socket.getaddrinfo(b"api.tiledesk.com", "https")} == {(address, 443)}
        assert socket.getaddrinfo("api.tiledesk.com", 443, socket.AF_INET6)[0][4][0] == f"::ffff:{address}"
        with socket.socket(socket.AF_INET6) as sock:
            sock.connect((f"::ffff:{address}", 443))


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_uvloop_and_aiodns_are_led_also_where_they_are_first_imported_inside() -> None:
    program = """
        import asyncio, sys
        from tiledesk_fake import TiledeskFake
        fake = TiledeskFake()
        with fake.intercept("https://api.tiledesk.com"):
            assert not {"uvloop", "aiodns", "aiohttp"} & {*sys.modules}
            import aiohttp, uvloop
            async def call():
                async with aiohttp.ClientSession() as session, session.get("https://api.tiledesk.com/v3/x") as answer:
                    return answer.status, type(session.connector._resolver).__name__
            print(uvloop.run(call()), asyncio.run(call()))
        print([type(each).__name__ for each in sys.meta_path if "tiledesk_fake.intercept" in type(each).__module__])
    """
    done = run(program)

    assert (done.stdout, done.stderr) == ("(404, 'AsyncResolver') (404, 'AsyncResolver')\n[]\n", "")


def test_neither_an_authority_nor_a_key_is_written(tmp_path: Path) -> None:
    program = f"""
        import os, sys
        sys.dont_write_bytecode = True
        written = []

        def note(event, arguments):
            if event == "open" and isinstance(arguments[0], str) and arguments[0] != os.devnull:
                _, mode, flags = arguments
                if set(mode or "") & set("wax+") or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                    written.append(arguments[0])

        sys.addaudithook(note)
        import requests
        from tiledesk_fake import TiledeskFake

        fake = TiledeskFake()
        with fake.intercept("{ORIGIN}"), fake.intercept("https://b.example"):
            for host in ("api.tiledesk.com", "b.example"):
                assert requests.get(f"https://{{host}}/v3/jwt/history", timeout=5).status_code == 401
        print(written)
        open("{tmp_path / "seen"}", "w").close()
        print(len(written))
    """
    done = run(program)

    assert (done.stdout, done.stderr) == ("[]\n1\n", "")


def test_a_test_without_intercept_imports_nothing_of_it() -> None:
    program = """
        import sys
        from tiledesk_fake import TiledeskFake
        with TiledeskFake() as fake:
            fake.add_user(email="ada@example.com")
        print([name for name in sys.modules if "tiledesk_fake.intercept" in name or name in ("ssl", "trustme")])
    """
    done = run(program)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_entering_in_many_threads_at_once_leaves_nothing_behind(fake: TiledeskFake) -> None:
    before = world()

    def come_and_go() -> None:
        for _ in range(20):
            with fake.intercept(ORIGIN):
                socket.gethostbyname("api.tiledesk.com")

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert world() == before
