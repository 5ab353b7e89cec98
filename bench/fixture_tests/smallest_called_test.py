"""The limit of the others: the same call to a server that answers the same bytes to everything."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

_BODY = json.dumps({"perPage": 40, "count": 1, "jwts": [{"jti": "0b6f0f5e-1b1f-4f0e-8b0e-5f2f0e7a9c11"}]}).encode()
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v3/jwt/history"


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):  # the session is over
        while True:
            client, _ = listener.accept()
            with client:
                while client.recv(65_536):
                    client.sendall(_ANSWER)


def test_call(url: str, number: int) -> None:
    with requests.Session() as session:
        answer = session.get(url, headers={"Authorization": "JWT a.b.c"})
    assert answer.json()["jwts"]
