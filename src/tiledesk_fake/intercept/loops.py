"""Libraries that ask resolvers and connect by themselves: uvloop, and aiodns, which aiohttp uses once it is installed.

Where they are not imported yet, their import is waited for.
"""

import socket
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

from .doors import place_for
from .origin import canonical
from .patches import Patches
from .registry import REGISTRY
from .sockets import connected_elsewhere


def install(patches: Patches) -> Callable[[], None]:
    """Lead the clients of these libraries to the doors; what comes back ends the wait for imports."""
    missing = {}
    for name, patch in _LIBRARIES.items():
        if module := sys.modules.get(name):
            patch(patches, module)
        else:
            missing[name] = patch
    if not missing:
        return lambda: None
    finder = _Finder(patches, missing)
    sys.meta_path.insert(0, finder)
    return lambda: sys.meta_path.remove(finder) if finder in sys.meta_path else None


class _Finder(MetaPathFinder):
    """Finds nothing itself, and has what the others find patched once it is imported."""

    def __init__(self, patches: Patches, awaited: dict[str, Callable[[Patches, ModuleType], None]]) -> None:
        self._patches = patches
        self._awaited = awaited

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        patch = self._awaited.pop(fullname, None)
        if patch is None:
            return None
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Patching(spec.loader, lambda module: patch(self._patches, module))
        return spec


class _Patching(Loader):
    def __init__(self, loader: Loader, patch: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._patch = patch

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._patch(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


def _patch_uvloop(patches: Patches, uvloop: ModuleType) -> None:
    patches.replace(uvloop.Loop, "getaddrinfo", _uvloop_getaddrinfo)
    patches.replace(uvloop.Loop, "create_connection", _uvloop_create_connection)


def _uvloop_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    async def getaddrinfo(
        self: Any, host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        if REGISTRY.meant(host):
            return socket.getaddrinfo(host, port, family, type, proto, flags)
        if host is not None:
            REGISTRY.check_reachable(host)
        return await original(self, host, port, family=family, type=type, proto=proto, flags=flags)

    return getaddrinfo


def _uvloop_create_connection(original: Callable[..., Any]) -> Callable[..., Any]:
    async def create_connection(
        self: Any, protocol_factory: Any, host: Any = None, port: Any = None, **given: Any
    ) -> Any:
        name = REGISTRY.meant(host)
        wanted = canonical(given.get("server_hostname"))
        if name is not None:
            if given.get("ssl") and wanted is None:
                given["server_hostname"] = name
            host, port = place_for(REGISTRY.scheme(name, port), ipv6=False)
            given["family"] = 0
        elif wanted in REGISTRY.hosts:
            sock = given.get("sock")
            if sock is None or connected_elsewhere(sock):
                raise REGISTRY.refusal(f"{wanted} is refused at an address of the client's own choice; connect by name")
        elif host is not None:
            REGISTRY.check_reachable(host)
        return await original(self, protocol_factory, host, port, **given)

    return create_connection


def _patch_aiodns(patches: Patches, aiodns: ModuleType) -> None:
    patches.replace(aiodns.DNSResolver, "getaddrinfo", _aiodns_getaddrinfo)
    patches.replace(aiodns.DNSResolver, "gethostbyname", _aiodns_gethostbyname)
    for name in ("query", "query_dns"):
        patches.replace(aiodns.DNSResolver, name, _aiodns_query)


def _aiodns_getaddrinfo(original: Callable[..., Any]) -> Callable[..., Any]:
    def getaddrinfo(self: Any, host: Any, *given: Any, **named: Any) -> Any:
        name = REGISTRY.meant(host)
        if name is None:
            REGISTRY.check_reachable(host)
            return original(self, host, *given, **named)
        family = given[0] if given else named.get("family", 0)
        port = given[1] if len(given) > 1 else named.get("port")
        infos = socket.getaddrinfo(name, port, family, socket.SOCK_STREAM)
        nodes = [
            SimpleNamespace(ttl=0, flags=0, family=each[0], socktype=each[1], protocol=each[2], addr=_octets(each[4]))
            for each in infos
        ]
        return _settled(self, SimpleNamespace(cnames=[], nodes=nodes))

    return getaddrinfo


def _octets(address: tuple[Any, ...]) -> tuple[Any, ...]:
    return (address[0].encode("ascii"), *address[1:])


def _aiodns_gethostbyname(original: Callable[..., Any]) -> Callable[..., Any]:
    def gethostbyname(self: Any, host: Any, *given: Any, **named: Any) -> Any:
        name = REGISTRY.meant(host)
        if name is None:
            REGISTRY.check_reachable(host)
            return original(self, host, *given, **named)
        return _settled(self, SimpleNamespace(name=name, aliases=[], addresses=[REGISTRY.stand_in(name)]))

    return gethostbyname


def _aiodns_query(original: Callable[..., Any]) -> Callable[..., Any]:
    def query(self: Any, host: Any, *given: Any, **named: Any) -> Any:
        if name := REGISTRY.meant(host):
            raise REGISTRY.refusal(f"records of {name} are refused: it is intercepted; look its addresses up instead")
        REGISTRY.check_reachable(host)
        return original(self, host, *given, **named)

    return query


def _settled(resolver: Any, result: Any) -> Any:
    future = resolver.loop.create_future()
    future.set_result(result)
    return future


_LIBRARIES: dict[str, Callable[[Patches, ModuleType], None]] = {"uvloop": _patch_uvloop, "aiodns": _patch_aiodns}
