"""The client that sends exactly the bytes it is given, over TLS: the same tests ask the same of an encrypted server."""

import io
import socket
import ssl
from typing import Any

from tests.raw_http import PATIENCE_S, Client
from tiledesk_fake.serving.certificates import certificates, trusting


class Encrypted(io.RawIOBase):
    """TLS over a socket, with what a `Client` asks of that; it can end one direction, which an SSLSocket cannot."""

    def __init__(self, plain: socket.socket, name: str, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._peeked = b""
        self._until(self.tls.do_handshake)

    def _until(self, act: Any) -> Any:
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._flush()
                data = self._plain.recv(65_536)
                self._incoming.write(data) if data else self._incoming.write_eof()
            except ssl.SSLError:
                self._flush()  # the alert
                raise
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._plain.sendall(self._outgoing.read())

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), 16_384):
            self.tls.write(data[start : start + 16_384])
            self._flush()

    def recv(self, size: int, flags: int = 0) -> bytes:
        try:
            data: bytes = self._peeked or self._until(lambda: self.tls.read(size))
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            data = b""
        self._peeked = data if flags & socket.MSG_PEEK else data[size:]
        return data[:size]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def shutdown(self, how: int) -> None:
        # Without a goodbye: to say one, the ssl module throws away what has come meanwhile.
        self._plain.shutdown(how)

    def settimeout(self, seconds: float) -> None:
        self._plain.settimeout(seconds)

    def setsockopt(self, *what: Any) -> None:
        self._plain.setsockopt(*what)

    def getsockname(self) -> Any:
        return self._plain.getsockname()

    def close(self) -> None:
        self._plain.close()
        super().close()


def connect(
    self: Client,
    port: int,
    host: str = "127.0.0.1",
    *,
    name: str = "localhost",
    context: ssl.SSLContext | None = None,
) -> None:
    """As `Client.__init__`, and a handshake."""
    plain = socket.create_connection((host, port), timeout=PATIENCE_S)
    try:
        encrypted = Encrypted(plain, name, context or trusting(certificates().pem))
    except BaseException:
        plain.close()
        raise
    self.socket = encrypted  # type: ignore[assignment]
    self._file = encrypted.makefile("rb")
