"""Name look-up and connecting of the module `socket`: an intercepted name is an address that leads to a door."""

import re
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .doors import leads_here, place_for
from .origin import canonical
from .patches import Patches
from .registry import REGISTRY

_HANDSHAKE = 22
# How much of what is sent can name a host: a request's head, or a client's first TLS record.
_LOOKED_AT = 8_192
_CONNECT = re.compile(rb"connect (\S+?):\d+ ")
_ABSOLUTE = re.compile(rb"[a-z]+ https?://(?:[^/@\s]*@)?([^/:?#\s]+)")
_HOST_LINE = re.compile(rb"\r\nhost:[ \t]*([^\s:]+)")


def install(patches: Patches) -> None:
    """Lead clients that use Python's sockets to the doors."""
    patches.replace_everywhere(socket, "getaddrinfo", _getaddrinfo)
    patches.replace_everywhere(socket, "gethostbyname", _gethostbyname)
    for name in ("gethostbyname_ex", "gethostbyaddr"):
        patches.replace_everywhere(socket, name, _gethostbyname_ex)
    stdlib = socket_class()
    for name in ("connect", "connect_ex"):
        patches.replace(stdlib, name, _connect)
    for name in ("send", "sendall"):
        patches.replace(stdlib, name, _send)
    patches.replace(stdlib, "sendmsg", _sendmsg)
    patches.replace(stdlib, "sendto", _sendto)


def socket_class() -> type[socket.socket]:
    """The class of the standard library, whatever others have put in its place."""
    return next(each for each in socket.socket.__mro__ if each.__module__ == "socket")


def getaddrinfo_of(original: Callable[..., Any], host: str, port: Any, family: int, rest: tuple[Any, ...]) -> Any:
    """The look-up result for an intercepted name."""
    kind, proto, flags = rest
    stand_in = REGISTRY.stand_in(host)
    if family == socket.AF_INET6:
        stand_in = f"::ffff:{stand_in}"
    # Whether this machine has addresses for others to reach does not matter.
    return original(stand_in, port, family, kind, proto, flags & ~socket.AI_ADDRCONFIG)


def _getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if name := REGISTRY.meant(host):
            return getaddrinfo_of(original, name, port, family, (type, proto, flags))
        if host is not None:
            REGISTRY.check_reachable(host)
        return original(host, port, family, type, proto, flags)

    return getaddrinfo


def _gethostbyname(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname(host: Any) -> Any:
        if name := REGISTRY.meant(host):
            return REGISTRY.stand_in(name)
        REGISTRY.check_reachable(host)
        return original(host)

    return gethostbyname


def _gethostbyname_ex(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname_ex(host: Any) -> Any:
        if name := REGISTRY.meant(host):
            return name, [], [REGISTRY.stand_in(name)]
        REGISTRY.check_reachable(host)
        return original(host)

    return gethostbyname_ex


def led(sock: socket.socket, address: Any) -> Any:
    """Where a socket is to connect to in the place of an address, which may be the same; or NetworkRefused."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple) or len(address) < 2:
        return address
    host, port = address[:2]
    if name := REGISTRY.meant(host):
        scheme = REGISTRY.scheme(name, port)
        if sock.type != socket.SOCK_STREAM:
            raise REGISTRY.refusal(f"{name}:{port} is refused by any protocol but TCP: it is intercepted")
        return place_for(scheme, ipv6=sock.family == socket.AF_INET6)
    wanted = canonical(getattr(sock, "server_hostname", None))
    if wanted in REGISTRY.hosts:
        raise REGISTRY.refusal(f"{wanted} is refused at {host}: it is intercepted; connect by its name")
    REGISTRY.check_reachable(host)
    return address


def _connect(original: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        return original(self, led(self, address))

    return connect


def _send(original: Callable[..., Any]) -> Callable[..., Any]:
    def send(self: socket.socket, data: Any, *flags: Any) -> Any:
        check_sending(self, data)
        return original(self, data, *flags)

    return send


def _sendmsg(original: Callable[..., Any]) -> Callable[..., Any]:
    def sendmsg(self: socket.socket, buffers: Any, *rest: Any) -> Any:
        buffers = list(buffers)
        if buffers:
            check_sending(self, buffers[0])
        return original(self, buffers, *rest)

    return sendmsg


def _sendto(original: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(self: socket.socket, data: Any, *rest: Any) -> Any:
        led(self, rest[-1])
        return original(self, data, *rest)

    return sendto


def check_sending(sock: socket.socket, data: Any) -> None:
    """Raise NetworkRefused where the first bytes of a connection that leads elsewhere name an intercepted host.

    So do a client that has looked the name up by itself, and one that asks a proxy.
    """
    view = memoryview(data).cast("B")[:_LOOKED_AT] if data else b""
    if not view or not (view[0] == _HANDSHAKE or 65 <= view[0] <= 90):
        return
    head = bytes(view).lower()
    if not any(host in head for host in REGISTRY.hosts_in_bytes):
        return
    try:
        peer = sock.getpeername()
    except OSError:
        return
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or leads_here(peer):
        return
    name = _named_in(head, peer)
    if name in REGISTRY.hosts:
        how = "through a proxy" if _CONNECT.match(head) or _ABSOLUTE.match(head) else "at an address of its own choice"
        refusal = REGISTRY.refusal(
            f"{name} is refused {how} ({peer[0]}:{peer[1]}): it is intercepted, and this client passes the fake by; "
            "let it connect by the name, without a proxy"
        )
        shut(sock)
        raise refusal


def _named_in(head: bytes, peer: tuple[Any, ...]) -> str | None:
    if head[0] == _HANDSHAKE:
        return next((host.decode() for host in REGISTRY.hosts_in_bytes if host in head), None)
    found = _CONNECT.match(head) or _ABSOLUTE.match(head)
    if not found and not str(peer[0]).removeprefix("::ffff:").startswith(("127.", "::1")):
        # On this machine, a Host of another name is what tests of virtual hosts send.
        found = _HOST_LINE.search(head)
    return canonical(found[1]) if found else None


def shut(sock: socket.socket) -> None:
    """Let nothing more pass a connection."""
    with suppress(OSError):
        socket_class().shutdown(sock, socket.SHUT_RDWR)


def connected_elsewhere(sock: socket.socket) -> bool:
    """Whether a socket is connected, and not to a door."""
    try:
        peer = sock.getpeername()
    except (OSError, AttributeError):
        return False
    return isinstance(peer, tuple) and not leads_here(peer)
