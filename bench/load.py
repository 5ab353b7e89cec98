"""Clients over sockets that cost little, so that a server is what is measured."""

import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """A request as bytes, by method, target and headers."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def bytes(self, port: int) -> bytes:
        """The request to the server on this port."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: 127.0.0.1:{port}", "User-Agent: bench", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Client:
    """One connection that is kept for as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> None:
        """Send a request, over a new connection if the last one has ended."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the answer to what was sent."""
        head, rest = self._head()
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            body = self._until_last_chunk(rest)
        elif (at := lower.find(b"\r\ncontent-length:")) >= 0:
            body = self._exactly(int(lower[at + 17 :].split(b"\r\n", 1)[0]), rest)
        elif b" 204 " in lower.split(b"\r\n", 1)[0] + b" ":
            body = b""
        else:
            body = self._until_end(rest)
        if b"\r\nconnection: close" in lower or (
            lower.startswith(b"http/1.0") and b"\r\nconnection: keep-alive" not in lower
        ):
            self.close()
        return int(head.split(b" ", 2)[1]), body

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _head(self) -> tuple[bytes, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        return received[: end + 2], received[end + 4 :]

    def _exactly(self, length: int, body: bytes) -> bytes:
        parts, missing = [body], length - len(body)
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        return b"".join(parts)

    def _until_last_chunk(self, body: bytes) -> bytes:
        while not body.endswith(b"0\r\n\r\n"):
            body += self._more()
        return body

    def _until_end(self, body: bytes) -> bytes:
        assert self._socket
        while more := self._socket.recv(65_536):
            body += more
        self.close()
        return body

    def _more(self) -> bytes:
        assert self._socket
        received = self._socket.recv(65_536)
        if not received:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        return received


class Clients:
    """Some connections that all ask at the same time, over and over."""

    def __init__(self, port: int, connections: int) -> None:
        self._clients = [Client(port) for _ in range(connections)]

    def ask(self, request: bytes, times: int) -> float:
        """Ask so often, in turns over the connections; the seconds that took. AssertionError for a failure."""
        began = time.perf_counter()
        for _ in range(times // len(self._clients)):
            for client in self._clients:
                client.send(request)
            for client in self._clients:
                status, _ = client.answer()
                assert status < 300, status
        return time.perf_counter() - began

    def close(self) -> None:
        """End the connections."""
        for client in self._clients:
            client.close()
