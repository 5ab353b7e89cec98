"""The sockets to listen with at a host and a port: one for each address that the host has."""

import errno
import socket
import sys
from contextlib import suppress
from typing import Any

from ..errors import CannotListen

_Address = tuple[int, tuple[Any, ...]]

# Another address may have taken a port that was free at the first one.
_TRIES = 20
# What a machine says of an address, or of a kind of address, that it does not have.
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


def spell(host: str, port: int) -> str:
    """Host and port as in a URL.

    >>> spell("::1", 8000)
    '[::1]:8000'
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets, all on the same port; port 0 is any that is free at each address.

    `localhost` is both loopback addresses, where the machine has both: some clients try but the one that it is first to
    them. CannotListen says why there is none, and what to do.
    """
    try:
        if not 0 <= port <= 65_535:
            raise OverflowError("ports are 0 to 65535")
        addresses = _addresses(host)
        for left in reversed(range(_TRIES)):
            try:
                return _bind_all(addresses, port)
            except OSError as error:
                if port or not left or error.errno != errno.EADDRINUSE:
                    raise
        raise AssertionError("the last try returns or raises")
    except (OSError, OverflowError, UnicodeError) as error:  # the latter for a name that cannot be one
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotListen(
            f"cannot listen on {spell(host, port)}: {reason}. "
            "Port 0 (--port 0) picks a free port; host 127.0.0.1 is there on every machine."
        ) from error


def _addresses(host: str) -> list[_Address]:
    """The kind and the address, without a port, of each place where the host is; those of IPv4 first."""
    if host.lower().rstrip(".") == "localhost":
        return [*_look_up("127.0.0.1"), *_if_known("::1")]
    return sorted(_look_up(host), key=lambda each: each[0] != socket.AF_INET)


def _look_up(name: str) -> list[_Address]:
    with suppress(OSError):
        # An address is no name. To ask all the same loads the codec for names in any script, 2 ms of a start.
        socket.inet_pton(socket.AF_INET, name)
        return [(socket.AF_INET, (name, 0))]
    found = socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((kind, address) for kind, _, _, _, address in found))


def _if_known(address: str) -> list[_Address]:
    try:
        return _look_up(address)
    except socket.gaierror:  # without IPv6, some systems do not even know what `::1` is
        return []


def _bind_all(addresses: list[_Address], port: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for kind, (host, _, *rest) in addresses:
            try:
                listener = _listen(kind, (host, port, *rest))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
                continue
            listeners.append(listener)
            port = listener.getsockname()[1]
        if missing and not listeners:
            raise missing
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _listen(kind: int, address: tuple[Any, ...]) -> socket.socket:
    listener = socket.socket(kind, socket.SOCK_STREAM)
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
