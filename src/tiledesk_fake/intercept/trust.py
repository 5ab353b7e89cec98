"""Trust, of the module `ssl`: who calls an intercepted name trusts the authority of this process, and nobody else."""

import ssl
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..serving.certificates import certificates, trusting
from .origin import canonical
from .patches import Patches
from .registry import REGISTRY
from .sockets import connected_elsewhere, shut


def install(patches: Patches) -> None:
    """Make clients of intercepted names trust the doors, and keep their older connections from passing by."""
    context = next(each for each in ssl.SSLContext.__mro__ if each.__module__ == "ssl")
    patches.replace(context, "wrap_socket", _wrap_socket)
    patches.replace(context, "wrap_bio", _wrap_bio)
    for name in ("send", "write"):
        patches.replace(ssl.SSLSocket, name, _write)
    patches.replace(ssl.SSLObject, "write", _write)


# Not the client's own context with one more authority: that could not be taken back.
_context_for = lru_cache(maxsize=4)(trusting)


def _wrap_socket(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrap_socket(
        self: ssl.SSLContext,
        sock: Any,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: Any = None,
        session: Any = None,
    ) -> Any:
        name = canonical(server_hostname)
        rest = (do_handshake_on_connect, suppress_ragged_eofs)
        if server_side or name not in REGISTRY.hosts:
            return original(self, sock, server_side, *rest, server_hostname, session)
        if connected_elsewhere(sock):
            refusal = REGISTRY.refusal(
                f"{name} is refused on a connection that does not lead to the fake, made before intercept() began or "
                "through a proxy; make the connection inside, by the name"
            )
            shut(sock)
            raise refusal
        return original(_context_for(certificates().pem), sock, False, *rest, name)

    return wrap_socket


def _wrap_bio(original: Callable[..., Any]) -> Callable[..., Any]:
    def wrap_bio(
        self: ssl.SSLContext,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: Any = None,
        session: Any = None,
    ) -> Any:
        name = canonical(server_hostname)
        if server_side or name not in REGISTRY.hosts:
            return original(self, incoming, outgoing, server_side, server_hostname, session)
        return original(_context_for(certificates().pem), incoming, outgoing, False, name)

    return wrap_bio


def _write(original: Callable[..., Any]) -> Callable[..., Any]:
    def write(self: Any, *arguments: Any) -> Any:
        name = canonical(self.server_hostname)
        if name in REGISTRY.hosts and not self.server_side and self.context is not _context_for(certificates().pem):
            refusal = REGISTRY.refusal(
                f"{name} is refused on a connection from before intercept() began, which leads to the real host; "
                "close it first, or let the client connect anew"
            )
            if isinstance(self, ssl.SSLSocket):
                shut(self)
            raise refusal
        return original(self, *arguments)

    return write
