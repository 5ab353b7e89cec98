"""Servers with one defect each, to see that the checks find it."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.raw_http import PATIENCE_S

Defect = Callable[[bytes], bytes | None]
"""From all that a client sent to all that it gets; None holds the connection until the client gives up."""


@contextmanager
def serving_defect(defect: Defect, *, reset: bool = False) -> Iterator[int]:
    """The port of a server with this defect, which may also reset each connection after its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, defect, reset), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Closing alone does not wake who waits in accept().
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE_S)


def _serve(listener: socket.socket, defect: Defect, reset: bool) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(ConnectionError):
                client.settimeout(PATIENCE_S)
                sent = b""
                while part := client.recv(1_000_000):
                    sent += part
                answer = defect(sent)
                if answer is None:
                    # The client has closed its sending side already, so this ends when it is gone altogether.
                    while not _is_gone(client):
                        pass
                elif reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                else:
                    client.sendall(answer)


def _is_gone(client: socket.socket) -> bool:
    try:
        client.sendall(b"H")
        threading.Event().wait(0.02)
        client.sendall(b"H")
    except OSError:
        return True
    return False


def answer(
    body: bytes = b"{}", *headers: bytes, status: bytes = b"200 OK", content_type: bytes = b"application/json"
) -> bytes:
    lines = [
        b"HTTP/1.1 " + status,
        b"Content-Type: " + content_type,
        b"Content-Length: %d" % len(body),
        *headers,
        b"",
        b"",
    ]
    return b"\r\n".join(lines) + body


def _line(sent: bytes) -> bytes:
    return sent.partition(b"\r\n")[0]


DEFECTS: Mapping[str, tuple[Defect, str]] = {
    "answers a hidden request": (lambda sent: answer() * 2, "2 answers"),
    "closes without an answer": (lambda sent: b"", "0 answers"),
    "fails": (lambda sent: answer(status=b"500 Internal Server Error"), "status 500"),
    "is overwhelmed": (lambda sent: answer(status=b"503 Service Unavailable"), "status 503"),
    "takes everything for valid": (lambda sent: answer(), "status 200 for what must be refused"),
    "shows its code": (lambda sent: answer(b'  File "/usr/lib/app.py", line 3, in f'), "traceback"),
    "names its exception": (lambda sent: answer(b"KeyError: 'a'"), "traceback"),
    "says the request again as a page": (lambda sent: answer(sent, content_type=b"text/html"), "reflected in a page"),
    "says the request again": (answer, "token told"),
    "tells a password": (lambda sent: answer(sent[sent.find(b"planted-password") :]), "password told"),
    "says the line again in a header": (
        lambda sent: answer(b"{}", b"X-Line: " + _line(sent).replace(b"%20", b" ")),
        "reflected in a header",
    ),
    "lets headers be injected": (
        lambda sent: answer(b"{}", b"X-Line: " + _line(sent).replace(b"%0d%0a", b"\r\n").replace(b":%20", b": ")),
        "reflected in a header",
    ),
    "redirects anywhere": (
        lambda sent: answer(b"", b"Location: " + _line(sent).split(b" ")[1], status=b"302 Found"),
        "redirected",
    ),
    "evaluates templates": (
        lambda sent: answer(_line(sent).replace(b"%7B%7B202*200%2B4%7D%7D", b"40404")),
        "template evaluated",
    ),
    "tears its answers": (lambda sent: answer(b"{}")[:-1], "torn answer: IncompleteRead"),
    "is not HTTP": (lambda sent: b"hello\r\n", "torn answer: BadStatusLine"),
    "has no length": (lambda sent: b"HTTP/1.1 200 OK\r\n\r\n{}", "torn answer: an answer without a length"),
}
