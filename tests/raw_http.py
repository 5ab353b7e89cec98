"""A client that sends exactly the bytes it is given, and reads answers with the parser of the standard library."""

import contextlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from types import TracebackType
from typing import IO, Any, cast

# Long enough for any answer on a busy machine; a test that waits this long has failed.
PATIENCE_S = 10.0


@dataclass(frozen=True)
class Reply:
    """An answer, header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """One connection to `host:port`."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=PATIENCE_S)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_despite_close(self, data: bytes) -> None:
        """Send as much as the server lets through."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def end_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def reply(self, method: str = "GET") -> Reply:
        """The next answer, `method` being the one it answers."""
        response = HTTPResponse(cast(socket.socket, _Unclosing(self._file)), method=method)
        response.begin()
        body = response.read()
        return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def line(self) -> bytes:
        return self._file.readline()

    def rest(self) -> bytes:
        """All bytes until the server closes; ConnectionResetError if it resets."""
        return self._file.read()

    def rest_or_reset(self) -> bytes:
        """All bytes until the server closes or resets."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(1_000_000):
                received += part
        return received

    def until_reset(self) -> bytes:
        """All bytes until the server resets; AssertionError if it closes in order."""
        received = b""
        try:
            while part := self.socket.recv(1_000_000):
                received += part
        except ConnectionResetError:
            return received
        raise AssertionError(f"closed without a reset after {len(received)} bytes")

    def is_silent_for(self, seconds: float) -> bool:
        """Whether the server neither says anything nor closes."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False


class _Unclosing:
    """Lets `HTTPResponse` read from a file that it must not close, as the next answer comes from there too."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def makefile(self, mode: str) -> "_Unclosing":
        return self

    def close(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def get(target: str = "/", *headers: str, version: str = "1.1", method: str = "GET") -> bytes:
    """A request without a body."""
    return "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/{version}", "Host: fake", *headers, "")).encode(
        "latin-1"
    )


def post(body: bytes, *headers: str, target: str = "/") -> bytes:
    """A request with a body of known length."""
    return get(target, *headers, f"Content-Length: {len(body)}", method="POST") + body


def chunked(*chunks: bytes, headers: tuple[str, ...] = (), trailers: tuple[str, ...] = ()) -> bytes:
    """A request with a body in chunks."""
    lines = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    end = "".join(f"{line}\r\n" for line in ("0", *trailers, "")).encode("latin-1")
    return get("/", *headers, "Transfer-Encoding: chunked", method="POST") + b"".join(lines) + end
