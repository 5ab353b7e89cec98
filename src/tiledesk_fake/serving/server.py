"""A WSGI app behind a real socket, in a thread of this process: start and stop, nothing left behind.

This module knows threads, listening sockets and forks; what happens on a connection is the matter of `connection`.
"""

import contextlib
import functools
import os
import socket
import sys
import threading
import weakref
from types import MappingProxyType
from typing import Any
from wsgiref.types import WSGIApplication

from ..errors import CannotListen, MisuseError, NotListening
from ..log import log
from .connection import Service
from .gateway import Gateway
from .limits import Limits
from .loop import Loop
from .rejection import Bodies


class Server:
    """Serves a WSGI app on a port of this machine until it is stopped.

    `port=0` takes a free port, a new one at each start. The app is called in the server's thread, one request at a
    time; clients that are slow, idle or held do not keep others waiting. The thread never keeps the interpreter from
    ending. `limits` holds from the next start on. `bodies` are for what the server answers by itself: by status, a
    content type and a body; without one, the body is empty.

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
    ) -> None:
        self.host = host
        self.beside = beside
        self.limits = Limits()
        self._app = app
        self._bodies = bodies
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
                    f"this server listens already, on {_spell(self.host, self.port)}; stop it first, or make another"
                )
            _let_forks_go()  # not at import, which must change nothing
            beside = self.beside._listening if self.beside else None
            if beside and not beside.alive:
                beside = None
            self._listening = _Listening(
                self._app, self._bodies, self.host, self._wanted_port, limits=self.limits, beside=beside
            )
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
            if self._listening:
                self._listening.end_soon()
                self._listening = None

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


def _spell(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _resolve(host: str, port: int) -> tuple[int, Any]:
    """The family and the address to listen on."""
    candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    # Where a name has both kinds of address, a client that tries the other kind first falls back to IPv4.
    family, _, _, _, address = min(candidates, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket; CannotListen says why there is none and what to do."""
    try:
        if not 0 <= port <= 65_535:
            raise OverflowError("ports are 0 to 65535")
        family, address = _resolve(host, port)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform == "win32":  # there, SO_REUSEADDR would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # clients' sockets inherit it
            listener.bind(address)
            listener.listen(socket.SOMAXCONN)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
        return listener
    except (OSError, OverflowError, UnicodeError) as error:  # the latter for a name that cannot be one
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotListen(
            f"cannot listen on {_spell(host, port)}: {reason}. "
            "Port 0 (--port 0) picks a free port; host 127.0.0.1 is there on every machine."
        ) from error


class _Listening:
    """One stretch from start to stop: the listening socket, the clients, and the loop, of its own or another's."""

    ACCEPT_RETRY_S = 0.1

    def __init__(
        self,
        app: WSGIApplication,
        bodies: Bodies,
        host: str,
        port: int,
        *,
        limits: Limits,
        beside: "_Listening | None",
    ) -> None:
        with contextlib.ExitStack() as held:
            self._listener = held.enter_context(_bind(host, port))
            self.port: int = self._listener.getsockname()[1]
            self._has_own_loop = beside is None
            self._loop: Loop = beside._loop if beside else Loop()
            self.service = Service(Gateway(app, host, self.port, bodies), limits, self._loop)
            if beside is None:
                held.callback(self._loop.stop)
                self._loop.start(f"tiledesk-fake:{self.port}")
            self._loop.watch(self._listener, self._accept)
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
        else:
            self._loop.call(self._close)

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
        for descriptor in (self._listener.fileno(), *clients, *self._loop.descriptors()):
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

    def _close(self) -> None:
        self._loop.unwatch(self._listener)
        self._listener.close()
        self.service.cut_off()

    def _accept(self, events: int) -> None:
        # One at a time: a look for a second one costs more than being called again where there is one.
        try:
            client, peer = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass
        except OSError:
            # Out of descriptors: the client stays in the queue and the listener readable, so look away for a while.
            self._loop.unwatch(self._listener)
            self._loop.call_later(self.ACCEPT_RETRY_S, self._accept_again)
        else:
            self.service.admit(client, peer)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.watch(self._listener, self._accept)


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
