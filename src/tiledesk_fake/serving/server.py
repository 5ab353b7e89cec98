"""A WSGI app behind a real socket, in a thread of this process: start and stop, nothing left behind.

This module knows threads, listening sockets and forks; what happens on a connection is the matter of `connection`.
"""

import contextlib
import functools
import os
import socket
import threading
import weakref
from types import MappingProxyType
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

from ..errors import MisuseError, NotListening
from ..log import log
from .binding import bind, spell
from .connection import Connection
from .gateway import Gateway
from .limits import Limits
from .loop import Loop
from .rejection import Bodies, OnRefused
from .service import Service
from .stream import MakeStream, Stream

if TYPE_CHECKING:
    from .certificates import Certificates


class Server:
    """Serves a WSGI app on a port of this machine until it is stopped.

    `port=0` takes a free port, a new one at each start. The app is called in the server's thread, one request at a
    time; clients that are slow, idle or held do not keep others waiting. The thread never keeps the interpreter from
    ending. `host` may be a name: the server listens at each of its addresses, at both loopback addresses for
    `localhost`. `limits` holds from the next start on.

    Bodies are 512,000 bytes at most. An app may say by a method `ignores(environ)` that it does not look at that of a
    request, by its head; it may have any size then, and comes cut off. A method `too_large(environ)` may give the
    content type and the body of the answer to one that is refused; None is for `bodies`.

    Some requests the app never hears of: what is no HTTP or offers another protocol (400), comes too slowly (408), is
    too large (413, 431), expects what is not done (417) or is one too many (503). `bodies` are for these answers and
    for that of an app which raises (500): by status, a content type and a body; without one, the body is empty, but for
    an offer to upgrade. `on_refused` is told the reason, the status and the client of each such request, in the
    server's thread, so it must not wait; so is the log.

    With `certificates` it speaks TLS, and nothing else.

    A thread of its own takes longer to start than most tests. A server that is started while the one it is `beside`
    listens is served by that one's thread; stop it before that one.

    >>> from wsgiref.simple_server import demo_app
    >>> server = Server(demo_app)
    >>> server.start()
    >>> server.port > 0
    True
    >>> server.stop()
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        beside: "Server | None" = None,
        bodies: Bodies = MappingProxyType({}),
        on_refused: OnRefused | None = None,
        certificates: "Certificates | None" = None,
    ) -> None:
        self.certificates = certificates
        self.host = host
        self.beside = beside
        self.limits = Limits()
        self._app = app
        self._bodies = bodies
        self._on_refused = on_refused
        self._wanted_port = port
        self._listening: _Listening | None = None
        self._lock = threading.RLock()

    def start(self) -> None:
        """Listen; on return clients can connect.

        Raises CannotListen if the address cannot be had, MisuseError if this server listens already.
        """
        with self._lock:
            if self._listening:
                raise MisuseError(
                    f"this server listens already, on {spell(self.host, self.port)}; stop it first, or make another"
                )
            _let_forks_go()  # not at import, which must change nothing
            beside = self.beside._listening if self.beside else None
            if beside and not beside.alive:
                beside = None
            self._listening = _Listening(self, beside)
            _servers.add(self)

    def stop(self) -> None:
        """Close everything; on return no request is answered any more. A server that does not listen is left alone.

        Answers that were held back or not taken by their client are lost. The server can be started again.
        """
        listening = self._listening
        if listening and listening.is_current_thread():
            raise MisuseError(
                "the app cannot stop the server that is waiting for its answer; stop it from another thread"
            )
        with self._lock:
            if self._listening:
                self._listening.end()
                self._listening = None

    def stop_soon(self) -> None:
        """Do as `stop`, without waiting for it, where another server's thread serves this one."""
        with self._lock:
            listening, self._listening = self._listening, None
        if listening:
            listening.end_soon()

    def hand_over(self, app: WSGIApplication) -> None:
        """Answer by another app from the next request on, and close what the first one holds back."""
        with self._lock:
            self._app = app
            if self._listening:
                self._listening.service.gateway.app = app
        self.close_held()

    def close_held(self) -> None:
        """Close the connections of clients that wait for an answer which is held back, soon."""
        with self._lock:
            # Waking the thread costs more than a test without a call.
            if self._listening and self._listening.service.open:
                self._listening.close_held_soon()

    @property
    def listening(self) -> bool:
        return self._listening is not None

    @property
    def port(self) -> int:
        """The port clients can connect to; NotListening while there is none."""
        listening = self._listening
        if not listening:
            raise NotListening("this server has no port while it does not listen; start() it first")
        return listening.port

    def _forget(self) -> None:
        """In a forked child: give up the parent's sockets."""
        self._lock = threading.RLock()  # some thread of the parent may have held it
        listening, self._listening = self._listening, None
        if listening:
            listening.disown()


class _Listening:
    """One stretch from start to stop: the listening sockets, the clients, and the loop, of its own or another's."""

    ACCEPT_RETRY_S = 0.1

    def __init__(self, server: Server, beside: "_Listening | None") -> None:
        with contextlib.ExitStack() as held:
            self._listeners = [held.enter_context(listener) for listener in bind(server.host, server._wanted_port)]
            self.port: int = self._listeners[0].getsockname()[1]
            self._has_own_loop = beside is None
            self._ended = False
            self._loop: Loop = beside._loop if beside else Loop()
            scheme, make_stream = _speaking(server.certificates)
            gateway = Gateway(server._app, server.host, self.port, server._bodies, scheme)
            self.service = Service(gateway, server.limits, self._loop, server._on_refused, make_stream)
            if beside is None:
                held.callback(self._loop.stop)
                self._loop.start(f"tiledesk-fake:{self.port}")
            for listener in self._listeners:
                self._watch(listener)
            held.pop_all()  # from now on `end` lets go of them

    @property
    def alive(self) -> bool:
        return self._loop.alive

    def is_current_thread(self) -> bool:
        return self._loop.is_current_thread()

    def end(self) -> None:
        self._loop.do(self._close)
        if self._has_own_loop:
            self._loop.stop()

    def end_soon(self) -> None:
        if self._has_own_loop:
            self.end()
        elif not self._loop.learns_while_waiting:
            self._loop.call(self._close)
        else:
            # Here, and not in the loop's thread: two threads that both call the system take turns at each call, which
            # takes ten times as long as the calls.
            self._ended = True
            self._stop_listening()
            if self.service.open:
                self._loop.call(self.service.cut_off)

    def close_held_soon(self) -> None:
        # In the loop's thread: a request that the app has in hand may be held back after this.
        self._loop.call(self.service.cut_off_held)

    def disown(self) -> None:
        """Replace all descriptors by one of /dev/null, in a forked child where the thread does not exist.

        Closing them would leave objects behind that close them once more when they are collected, by then perhaps
        somebody else's descriptors; and unregistering them would change the parent's epoll.
        """
        null = os.open(os.devnull, os.O_RDWR)
        clients = [client.fileno() for client in self.service.open]
        listeners = [listener.fileno() for listener in self._listeners]
        for descriptor in (*listeners, *clients, *self._loop.descriptors()):
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

    def _close(self) -> None:
        self._stop_listening()
        self.service.cut_off()

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            self._loop.unwatch(listener)
            listener.close()

    def _watch(self, listener: socket.socket) -> None:
        self._loop.watch(listener, lambda events: self._accept(listener))

    def _accept(self, listener: socket.socket) -> None:
        # One at a time: a look for a second one costs more than being called again where there is one.
        try:
            client, peer = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass
        except OSError:
            # Out of descriptors: the client stays in the queue and the listener readable, so look away for a while.
            self._loop.unwatch(listener)
            self._loop.call_later(self.ACCEPT_RETRY_S, lambda: self._accept_again(listener))
        else:
            connection = Connection(self.service, client, peer)
            there_is_room = self.service.admit(connection)
            if self._ended:
                # In this moment: who ended it may not have seen this client.
                connection.cut_off()
            elif not there_is_room:
                connection.turn_away()

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._watch(listener)


def _speaking(certificates: "Certificates | None") -> tuple[str, MakeStream]:
    """The scheme of a server's URL, and what its streams are."""
    if certificates is None:
        return "http", Stream
    # Many a server never needs it.
    from .tls import TlsStream  # noqa: PLC0415

    return "https", functools.partial(TlsStream, certificates)


_servers: weakref.WeakSet[Server] = weakref.WeakSet()


@functools.cache  # a hook cannot be taken back
def _let_forks_go() -> None:
    """From now on, forked children give up what servers of their parent hold."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for server in list(_servers):
        try:
            server._forget()
        except Exception:
            log.exception("A forked child could not give up a server of its parent")
