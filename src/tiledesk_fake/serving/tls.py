"""The bytes of one client, encrypted on their way: a stream that speaks TLS, as the server.

This module knows no HTTP, and no certificates but by name. The handshake and the records are the `ssl` module's, in
memory; what it reads and writes there passes the same socket in the same way as the bytes of a plain stream.
"""

import ssl
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, cast

from .certificates import Certificates, Session
from .loop import READ, READ_BYTES, Loop
from .rejection import PLAIN_TO_TLS, TLS_HANDSHAKE, Rejection
from .stream import Owner, Stream

if TYPE_CHECKING:
    import socket

_ENDED_EARLY = Rejection(400, "the connection ended in the middle of the TLS handshake")
# What a client says whose user has not told it of the authority.
_DISTRUST = ("UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN")


class _Phase(Enum):
    NEW = auto()  # nothing has come
    SHAKING = auto()  # hands
    OPEN = auto()
    DONE = auto()  # the client is told that nothing more will come, and is not listened to any more
    PLAIN = auto()  # the client does not speak TLS, and is told so in plain
    FAILED = auto()  # nothing can be said to the client any more


class TlsStream(Stream):
    """As a Stream, to its owner; `unsent` counts what is written before the handshake is complete, and leaves then."""

    __slots__ = ("_at_end", "_decrypting", "_incoming", "_outgoing", "_phase", "_tls", "_waiting")

    def __init__(self, certificates: Certificates, loop: Loop, client: "socket.socket", owner: Owner) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: Session = certificates.session(client.getsockname()[0], self._incoming, self._outgoing)
        self._phase = _Phase.NEW
        self._waiting = b""
        self._decrypting = False
        self._at_end = False
        super().__init__(loop, client, owner)

    @property
    def handshaking(self) -> bool:  # type: ignore[override]
        """Whether the client has begun what is not complete."""
        return self._phase is _Phase.SHAKING

    @property
    def server_name(self) -> str | None:  # type: ignore[override]
        """The name that the client wants to reach; None if it does not say."""
        return self._tls.asked_for

    @property
    def unsent(self) -> int:
        return super().unsent + len(self._waiting)

    def write(self, data: bytes) -> None:
        if self._closing or self._phase in (_Phase.FAILED, _Phase.DONE):
            return
        if self._phase is _Phase.PLAIN:
            super().write(data)
        elif self._phase is _Phase.OPEN:
            self._encrypt(data)
            self._pass_on()
        else:
            self._waiting += data
            self._owner.congested()

    def resume(self) -> None:
        super().resume()
        held = self._tls.pending() or self._incoming.pending or self._at_end
        if held and self._phase is _Phase.OPEN and not self._decrypting and not self._ended:
            # No more need come from the socket for the owner to hear of it.
            self._loop.call_soon(self._go_on)

    def end_writing(self) -> None:
        self._say_goodbye()
        super().end_writing()

    def close(self) -> None:
        self._say_goodbye()
        super().close()

    def _arrived(self, data: memoryview) -> None:
        if self._phase is _Phase.NEW and data[0] != TLS_HANDSHAKE:
            self._phase = _Phase.PLAIN
            waiting, self._waiting = self._waiting, b""
            if waiting:
                super().write(waiting)
                self._tell_if_flushed()
            self._owner.misunderstood(PLAIN_TO_TLS)
            return
        if self._phase in (_Phase.FAILED, _Phase.DONE):
            return
        self._incoming.write(data)
        if self._phase in (_Phase.NEW, _Phase.SHAKING):
            self._shake_hands()
        if self._phase is _Phase.OPEN:
            self._decrypt()

    def _arrived_all(self) -> None:
        if self._phase is _Phase.OPEN:
            # Told to the ssl module, an end without a goodbye would keep it from writing too.
            self._at_end = True
            self._decrypt()
            return
        if self._phase in (_Phase.NEW, _Phase.SHAKING):
            was_shaking = self._phase is _Phase.SHAKING
            self._phase = _Phase.FAILED
            if was_shaking:
                self._ended = True
                self._owner.misunderstood(_ENDED_EARLY)
        super()._arrived_all()
        self._give_up_waiting()

    def _shake_hands(self) -> None:
        is_new, self._phase = self._phase is _Phase.NEW, _Phase.SHAKING
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._pass_on()
            if is_new:
                self._owner.handshook()
        except ssl.SSLError as error:
            self._pass_on()  # the alert
            self._phase = _Phase.FAILED
            self._owner.misunderstood(Rejection(400, f"the TLS handshake failed: {_words(error)}"))
            self._give_up_waiting()
        else:
            self._phase = _Phase.OPEN
            waiting, self._waiting = self._waiting, b""
            self._encrypt(waiting)
            self._pass_on()
            self._owner.handshook()
            if waiting:
                self._tell_if_flushed()

    def _decrypt(self) -> None:
        self._decrypting = True
        try:
            while self._watched & READ and self._phase is _Phase.OPEN:
                try:
                    size = self._read_into(self._loop.buffer)
                except ssl.SSLWantReadError:
                    if not self._at_end:
                        break
                    size = 0
                except ssl.SSLZeroReturnError:
                    size = 0
                except ssl.SSLError:
                    self._pass_on()  # the alert
                    self.abort()
                    return
                if not size:
                    super()._arrived_all()
                    break
                self._owner.received(self._loop.buffer[:size])
            self._pass_on()
        finally:
            self._decrypting = False

    def _read_into(self, buffer: memoryview) -> int:
        # With a buffer, it tells how much is in there.
        return cast(int, self._tls.read(READ_BYTES, buffer))

    def _go_on(self) -> None:
        try:
            self._decrypt()
        except Exception:
            self._break_down()

    def _encrypt(self, data: bytes) -> None:
        rest: memoryview[int] = memoryview(data)
        while rest:
            rest = rest[self._tls.write(rest) :]  # takes a record at a time

    def _pass_on(self) -> None:
        """Send what the ssl module has to say."""
        if self._outgoing.pending:
            super().write(self._outgoing.read())

    def _say_goodbye(self) -> None:
        if self._phase is _Phase.OPEN and not self._closing:
            with suppress(ssl.SSLError):  # that the client has yet to say it too, or still sends
                self._tls.unwrap()
            self._pass_on()
            self._phase = _Phase.DONE

    def _tell_if_flushed(self) -> None:
        if not self._backlog and not self._closing:
            self._owner.flushed()

    def _give_up_waiting(self) -> None:
        """Let a client go that can never be told what waits for it."""
        if self._waiting:
            self._waiting = b""
            self.abort()


def _words(error: ssl.SSLError) -> str:
    reason = error.reason or "unknown reason"
    hint = "; the client does not trust this server: give it the CA" if reason.endswith(_DISTRUST) else ""
    return reason.lower().replace("_", " ") + hint
