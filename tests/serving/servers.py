"""Servers to test, and what they are doing."""

import time
from collections.abc import Callable
from typing import Any

from tests import raw_http
from tests.raw_http import Client
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.server import Server

LIMITS = Limits()
INTERNAL_ERROR = b'{"success":false,"msg":"Internal error in tiledesk-fake; this is a bug."}'
BODIES = {
    413: ("application/json; charset=utf-8", b'{"err":"Request entity too large","limit":512000}'),
    500: ("application/json; charset=utf-8", INTERNAL_ERROR),
}

Serve = Callable[..., Server]
Refused = list[tuple[str, int, str]]
"""What `on_refused` was told: reason, status, client."""


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + raw_http.PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def open_connections(server: Server) -> int:
    assert server._listening
    return len(server._listening.service.open)


def assert_refused(client: Client, status: int) -> Any:
    """The next answer has this status and is the last one."""
    reply = client.reply()
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    assert client.rest() == b""
    return reply
