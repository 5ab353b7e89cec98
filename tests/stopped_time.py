"""Tools that stop the time of a process, what to do meanwhile, and what they leave in this package.

Scripts use this too, which import the package when time is stopped; so nothing of it is imported here.
"""

import gc
import http.client
import socket
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import freezegun
import time_machine

from tests.raw_http import PATIENCE_S

STOPS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "future": lambda: freezegun.freeze_time("2030-01-01"),
    "past": lambda: freezegun.freeze_time("1980-01-01"),
    "ticking": lambda: freezegun.freeze_time("2030-01-01", tick=True),
    "stepping": lambda: freezegun.freeze_time("2030-01-01", auto_tick_seconds=3600),
    "in another zone": lambda: freezegun.freeze_time("2030-01-01", tz_offset=-11),
    "patched": lambda: mock.patch.multiple("time", time=lambda: 2e9, monotonic=lambda: 2e9, perf_counter=lambda: 2e9),
    "travelled": lambda: time_machine.travel("2030-01-01", tick=False),
    "travelled and running": lambda: time_machine.travel("2030-01-01"),
}


def status(fake: Any, authorization: str) -> int:
    url = urlsplit(fake.url)
    connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", f"{url.path}/jwt/history", headers={"Authorization": authorization})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def use(fake: Any) -> list[int]:
    """The statuses of a call that is held back, and of one with a new token."""
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.faults.add("listTokens", delay_s=0.05)
    return [status(fake, ada.authorization), status(fake, fake.issue_token(ada).authorization)]


def refused(server: Any) -> list[str]:
    """What a server says whose client stops in the middle of a head, and to one that says nothing."""
    server.start()
    try:
        return [_said(server.port, sent) for sent in (b"GET / HT", b"")]
    finally:
        server.stop()


def _said(port: int, sent: bytes) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        client.sendall(sent)
        with client.makefile("rb") as answer:
            return answer.read().decode().partition("\r\n")[0]


def left_of_freezegun() -> list[str]:
    """Where this package still holds anything of freezegun: by modules, classes, signatures and constants."""
    seen: set[int] = set()
    modules = [(name, module) for name, module in sorted(sys.modules.items()) if is_ours(name)]
    return [path for name, module in modules for path in _left(module, name, seen)]


def is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] in ("tiledesk_fake", "pytest_tiledesk_fake")


def _left(thing: object, path: str, seen: set[int]) -> Iterator[str]:
    if _is_freezeguns(thing):
        yield path
    elif id(thing) not in seen:
        seen.add(id(thing))
        for name, part in _parts(thing):
            yield from _left(part, f"{path}.{name}", seen)


def _is_freezeguns(thing: object) -> bool:
    named = getattr(thing, "__module__", None) if isinstance(thing, type | types.FunctionType) else None
    return freezegun.api.__name__ in (named, type(thing).__module__)


def _parts(thing: Any) -> list[tuple[str, object]]:
    """What hangs on a thing of ours; others' modules, classes and functions are theirs."""
    if isinstance(thing, types.ModuleType):
        return list(vars(thing).items()) if is_ours(thing.__name__) else []
    if isinstance(thing, type):
        return list(vars(thing).items()) if is_ours(thing.__module__) else []
    if isinstance(thing, types.FunctionType):
        if not is_ours(thing.__module__):
            return []
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        return [
            *vars(thing).items(),
            ("annotations", thing.__annotations__),
            ("defaults", thing.__defaults__),
            *_enumerated(cells),
        ]
    if isinstance(thing, dict):
        return [(str(key)[:40], value) for key, value in thing.items()]
    return _enumerated(gc.get_referents(thing))


def _enumerated(things: list[Any]) -> list[tuple[str, object]]:
    return [(str(number), thing) for number, thing in enumerate(things)]
