"""Clients that have the production URL built in reach the fake, over real TLS: name look-up and trust are led here.

    Interception <- sockets, trust, loops (what is led) <- doors (where to) <- registry (whose origin) <- origin

Nothing of this is imported before it is asked for.
"""

import os
from collections.abc import Callable
from types import TracebackType
from typing import Self
from wsgiref.types import WSGIApplication

from . import doors, loops, sockets, trust
from .origin import Origin, parse
from .patches import Patches
from .registry import REGISTRY

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


class Interception:
    """A context in which Python clients of an origin reach an app; it may be entered again, and inside itself.

    Raises MisuseError for an origin that is none, and where trustme is not installed.
    """

    def __init__(self, app: WSGIApplication, origin: str, *, block_network: bool = False, owner: object = None) -> None:
        self.app = app
        self.origin: Origin = parse(origin)
        self.block_network = block_network
        self.owner = owner
        # Here, where nothing is led yet that would have to be taken back.
        doors.door(self.origin.scheme)

    def __enter__(self) -> Self:
        with REGISTRY.lock:
            doors.door(self.origin.scheme).port()
            REGISTRY.begin(self)
            _HOOKS.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with REGISTRY.lock:
            REGISTRY.end(self)
            _HOOKS.settle()


class Guard:
    """A context in which an origin is refused unless it is intercepted; a call that comes all the same gets 410."""

    def __init__(self, origin: str) -> None:
        self._origin = parse(origin)
        doors.door(self._origin.scheme)

    def __enter__(self) -> Self:
        with REGISTRY.lock:
            REGISTRY.guard(self._origin)
            _HOOKS.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with REGISTRY.lock:
            REGISTRY.let_go(self._origin)
            _HOOKS.settle()


class _Hooks:
    """What is patched while anything is intercepted: once, however many interceptions there are."""

    def __init__(self) -> None:
        self._patches = Patches()
        self._stop_waiting: Callable[[], None] | None = None
        self._written: dict[str, tuple[str | None, str]] = {}

    def settle(self) -> None:
        """Patch if there is anything to intercept, and undo it if not; the caller holds the registry's lock."""
        if REGISTRY.origins and self._stop_waiting is None:
            sockets.install(self._patches)
            trust.install(self._patches)
            self._stop_waiting = loops.install(self._patches)
        elif not REGISTRY.origins and self._stop_waiting is not None:
            self._stop_waiting()
            self._stop_waiting = None
            self._patches.undo()
        self._except_from_proxies()

    def _except_from_proxies(self) -> None:
        for name, (before, written) in self._written.items():
            # Who has changed it since has the last word.
            if os.environ.get(name) == written:
                if before is None:
                    del os.environ[name]
                else:
                    os.environ[name] = before
        self._written.clear()
        if not REGISTRY.hosts or not any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
            return
        lower, upper = map(os.environ.get, _EXCEPTIONS)
        for name, value in zip(_EXCEPTIONS, (lower or upper, upper or lower), strict=True):
            if (value or "").strip() != "*":
                written = ",".join(filter(None, (value, *sorted(REGISTRY.hosts))))
                self._written[name] = os.environ.get(name), written
                os.environ[name] = written


_HOOKS = _Hooks()
