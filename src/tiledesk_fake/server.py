"""A WSGI app behind a real socket, in a thread of this process: start and stop, nothing left behind.

This module knows threads, listening sockets and forks; what happens on a connection is the matter of `http1`.
"""

import asyncio
import contextlib
import functools
import os
import selectors
import socket
import sys
import threading
import weakref
from typing import Any
from wsgiref.types import WSGIApplication

from .errors import CannotListen, MisuseError, NotListening
from .http1 import Connection, Gateway, Limits, Service, log


class Server:
    """Serves a WSGI app on a port of this machine until it is stopped.

    `port=0` takes a free port, a new one at each start. The app is called in the server's thread, one request at a
    time; clients that are slow, idle or held do not keep others waiting. The thread never keeps the interpreter from
    ending. `limits` holds from the next start on.

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
        self, app: WSGIApplication, *, host: str = "127.0.0.1", port: int = 0, beside: "Server | None" = None
    ) -> None:
        self.host = host
        self._beside = beside
        self.limits = Limits()
        self._app = app
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
            beside = self._beside._listening if self._beside else None
            self._listening = _Listening(self._app, self.host, self._wanted_port, self.limits, beside)
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


def _bind(host: str, port: int) -> socket.socket:
    """A listening socket; CannotListen says why there is none and what to do."""
    try:
        if not 0 <= port <= 65_535:
            raise OverflowError("ports are 0 to 65535")
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        # Where a name has both kinds of address, a client that tries the other kind first falls back to IPv4.
        family, _, _, _, address = min(candidates, key=lambda each: each[0] != socket.AF_INET)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform == "win32":  # there, SO_REUSEADDR would let two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that no frozen or patched clock can stop."""

    def time(self) -> float:
        return Service.monotonic()


def _log_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log.error("%s", context["message"], exc_info=context.get("exception"))


class _Listening:
    """One stretch from start to stop: the listening socket, the loop and its thread."""

    ACCEPT_AT_ONCE = 64
    ACCEPT_RETRY_S = 0.1

    def __init__(self, app: WSGIApplication, host: str, port: int, limits: Limits, beside: "_Listening | None") -> None:
        with contextlib.ExitStack() as held:
            self._listener = held.enter_context(_bind(host, port))
            self.port: int = self._listener.getsockname()[1]
            if beside is None:
                self._selector = selectors.DefaultSelector()
                self._loop = _Loop(self._selector)
                held.callback(self._loop.close)
                self._loop.set_exception_handler(_log_failure)
                self._loop.set_debug(False)  # python -X dev is about the loops of the tests, not about this one
            else:
                self._selector, self._loop = beside._selector, beside._loop
            self._service = Service(Gateway(app, host, self.port), limits, self._loop)
            self._arriving: set[asyncio.Task[object]] = set()
            self._asked_to_end = asyncio.Event()
            self._ended = threading.Event()
            self._own_thread = beside is None
            if beside is None:
                self._thread = threading.Thread(target=self._run, name=f"tiledesk-fake:{self.port}", daemon=True)
                self._thread.start()
            else:
                self._thread = beside._thread
                self._loop.call_soon_threadsafe(self._be_served)
            held.pop_all()  # from now on the thread holds them

    def is_current_thread(self) -> bool:
        return threading.current_thread() is self._thread

    def end(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the thread has ended by itself
            self._loop.call_soon_threadsafe(self._asked_to_end.set)
        if self._own_thread:
            self._thread.join()
        else:
            while self._thread.is_alive() and not self._ended.wait(1.0):
                pass
            self._listener.close()  # if the thread ended first

    def disown(self) -> None:
        """Replace all descriptors by one of /dev/null, in a forked child where the thread does not exist.

        Closing them would leave objects behind that close them once more when they are collected, by then perhaps
        somebody else's descriptors; and unregistering them would change the parent's epoll.
        """
        null = os.open(os.devnull, os.O_RDWR)
        for held in (self._listener, self._selector, *self._service.open):
            # Not every kind of selector has a descriptor.
            descriptor: int = held.fileno() if hasattr(held, "fileno") else -1
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
        os.close(null)

    def _run(self) -> None:
        with self._listener, contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    def _be_served(self) -> None:
        # Held here, because the loop itself holds its tasks weakly.
        self._task = self._loop.create_task(self._serve())
        self._task.add_done_callback(lambda _: self._ended.set())

    async def _serve(self) -> None:
        self._loop.add_reader(self._listener, self._accept)
        await self._asked_to_end.wait()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        while self._arriving or self._service.open:
            self._service.cut_off()
            await asyncio.sleep(0)

    def _accept(self) -> None:
        for _ in range(self.ACCEPT_AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # Out of descriptors: the client stays in the queue and the listener readable, so look away for a while.
                self._loop.remove_reader(self._listener)
                self._loop.call_later(self.ACCEPT_RETRY_S, self._loop.add_reader, self._listener, self._accept)
                return
            task = self._loop.create_task(self._loop.connect_accepted_socket(lambda: Connection(self._service), client))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)


_servers: weakref.WeakSet[Server] = weakref.WeakSet()


@functools.cache  # a hook cannot be taken back
def _let_forks_go() -> None:
    """From now on, forked children give up what servers of their parent hold."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for server in list(_servers):
        server._forget()
