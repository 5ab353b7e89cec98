"""Which origins are intercepted, by whom, and what clients were refused. Knows no sockets and no TLS.

One registry for the process, because name look-up and trust are the process's. It changes under a lock and is read
without: what is read is replaced, never changed.
"""

import threading
from typing import Protocol
from wsgiref.types import WSGIApplication

from ..errors import NetworkRefused
from ..log import log_refusal
from .origin import Origin, canonical, is_address, is_this_machine

# Of 127.0.0.0/8, which is this machine's own; nobody listens there.
_STAND_INS = "127.84.{}.{}"


class Entry(Protocol):
    """An origin, and who answers for it."""

    origin: Origin
    app: WSGIApplication
    owner: object
    block_network: bool


class Registry:
    """The interceptions of this process, the innermost last, and the origins that stay refused without one."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.entries: tuple[Entry, ...] = ()
        self.origins: frozenset[Origin] = frozenset()
        self.hosts: frozenset[str] = frozenset()
        self.hosts_in_bytes: tuple[bytes, ...] = ()
        self.blocks = False
        self._guarded: tuple[Origin, ...] = ()
        # Names and the addresses that stand in for them; clients keep such addresses, so they stay the same.
        self._stand_ins: dict[str, str] = {}
        self._named: dict[str, str] = {}
        # Who was called last at an origin, for those who call too late.
        self._owners: dict[Origin, object] = {}

    def begin(self, entry: Entry) -> None:
        """From now on, this entry's is the last word for its origin."""
        self.entries = (*self.entries, entry)
        self._owners[entry.origin] = entry.owner
        self._settle()

    def end(self, entry: Entry) -> None:
        """Forget an entry, whatever came after it."""
        at = max(number for number, each in enumerate(self.entries) if each is entry)
        self.entries = (*self.entries[:at], *self.entries[at + 1 :])
        self._settle()

    def guard(self, origin: Origin) -> None:
        """Refuse an origin while nobody intercepts it, rather than let clients through."""
        self._guarded = (*self._guarded, origin)
        self._settle()

    def let_go(self, origin: Origin) -> None:
        """Take back one `guard`."""
        guarded = list(self._guarded)
        guarded.remove(origin)
        self._guarded = tuple(guarded)
        self._settle()

    def _settle(self) -> None:
        self.origins = frozenset((*(entry.origin for entry in self.entries), *self._guarded))
        self.hosts = frozenset(origin.host for origin in self.origins)
        self.hosts_in_bytes = tuple(host.encode("ascii") for host in self.hosts)
        self.blocks = any(entry.block_network for entry in self.entries)

    def find(self, origin: Origin) -> Entry | None:
        """The fake that answers for an origin; None if there is no longer one."""
        return next((entry for entry in reversed(self.entries) if entry.origin == origin), None)

    def owner_of(self, origin: Origin) -> object:
        """Whose client it probably is that calls an origin when nobody answers for it any more."""
        return self._owners.get(origin)

    def stand_in(self, host: str) -> str:
        """The address that a name is looked up as."""
        with self.lock:
            if host not in self._stand_ins:
                number = len(self._stand_ins) + 1
                address = _STAND_INS.format(number // 250, number % 250 + 1)
                self._stand_ins[host], self._named[address] = address, host
            return self._stand_ins[host]

    def meant(self, host: object) -> str | None:
        """The intercepted name that a host is, or stands in for; None for every other."""
        name = canonical(host)
        if name is None:
            return None
        name = self._named.get(name.removeprefix("::ffff:"), name)
        return name if name in self.hosts else None

    def scheme(self, host: str, port: int) -> str:
        """How an intercepted name is spoken to at a port. Raises NetworkRefused where it is not intercepted there."""
        for origin in self.origins:
            if origin.host == host and origin.port == port:
                return origin.scheme
        known = " and ".join(sorted(str(origin) for origin in self.origins if origin.host == host))
        raise self.refusal(f"{host}:{port} is refused: of that host, {known} is intercepted; intercept this origin too")

    def check_reachable(self, host: object) -> None:
        """Raise NetworkRefused for a host that the network is blocked for."""
        if not self.blocks:
            return
        name = canonical(host)
        if name is not None and not is_this_machine(name):
            kind = "the address" if is_address(name) else "the host"
            raise self.refusal(
                f"{kind} {name} is refused: intercept(block_network=True) lets clients reach the fake and this machine "
                "alone; fake it, or leave block_network out"
            )

    def refusal(self, text: str, origin: Origin | None = None) -> NetworkRefused:
        """The error for a refused client. It is logged too, because some libraries swallow the text of an error."""
        log_refusal(text, self.owner_of(origin) if origin else None)
        return NetworkRefused(text)


REGISTRY = Registry()
