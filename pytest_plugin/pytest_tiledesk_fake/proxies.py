"""Keeps clients from sending the calls to a fake to a proxy of the environment."""

from __future__ import annotations

import os
from collections import defaultdict

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


class ProxyExceptions:
    """Excepts loopback addresses from the proxies of the environment, as long as a fake needs it.

    Tests set and restore the same variables meanwhile, in whatever order. So a variable is put back only where it
    still is as it was written here, and what stood in its place is known by what was written.
    """

    def __init__(self) -> None:
        self._needed = 0
        self._before: defaultdict[str, dict[str, str | None]] = defaultdict(dict)

    def begin(self) -> None:
        """A fake begins to need them."""
        self._needed += 1
        self.renew()

    def end(self) -> None:
        """A fake that needed them is over."""
        self._needed -= 1
        self.settle()

    def renew(self) -> None:
        """Except the loopback addresses, also from a proxy that was set since the last time."""
        if not self._needed or not _there_is_a_proxy():
            return
        lower, upper = map(os.environ.get, _EXCEPTIONS)
        # Where both are set clients differ in which one counts; where one is set, it must go on counting.
        for name, exceptions in zip(_EXCEPTIONS, (lower or upper, upper or lower), strict=True):
            excepted = _with_loopback(exceptions or "")
            if excepted != (exceptions or ""):
                self._before[name][excepted] = os.environ.get(name)
                os.environ[name] = excepted

    def settle(self) -> None:
        """Put back what was written, unless a fake needs it."""
        if self._needed and _there_is_a_proxy():
            return
        for name, before in self._before.items():
            found = value = os.environ.get(name)
            while value is not None and value in before:
                value = before[value]
            if value is None:
                os.environ.pop(name, None)
            elif value != found:
                os.environ[name] = value

    def forget(self) -> None:
        """Put back what a test's own restoring has brought back; nobody restores anything after this."""
        self.settle()
        if not self._needed:
            self._before.clear()


def _there_is_a_proxy() -> bool:
    return any(map(os.environ.get, _PROXIES))


def _with_loopback(exceptions: str) -> str:
    excepted = {each.strip() for each in exceptions.split(",")}
    missing = [each for each in _LOOPBACK if each not in excepted]
    # More than an asterisk would end its meaning.
    if excepted == {"*"} or not missing:
        return exceptions
    return ",".join([exceptions, *missing] if exceptions else missing)
