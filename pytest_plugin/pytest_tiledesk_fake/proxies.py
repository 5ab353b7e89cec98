"""Keeps clients from sending the calls to a fake to a proxy of the environment."""

from __future__ import annotations

import os
from collections import defaultdict
from itertools import pairwise
from typing import Any

from tiledesk_fake.fake import TiledeskFake

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
        """Except the loopback addresses for one more fake."""
        self._needed += 1
        self.renew()

    def end(self) -> None:
        """Restore the variables if this was the last fake."""
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
                # Who writes the same twice wrote over a test's own value the second time, which the test takes back.
                self._before[name].setdefault(excepted, os.environ.get(name))
                os.environ[name] = excepted

    def settle(self) -> None:
        """Put back what was written, unless a fake needs it."""
        if not any(self._before.values()) or (self._needed and _there_is_a_proxy()):
            return
        for name in _EXCEPTIONS:
            found, value = os.environ.get(name), self._written_over(name)[-1]
            if value is None:
                os.environ.pop(name, None)
            elif value != found:
                os.environ[name] = value

    def forget(self) -> None:
        """Put back what a test's own restoring has brought back, and forget all that nobody can bring back now."""
        if not any(self._before.values()):
            return
        self.settle()
        for name in _EXCEPTIONS:
            values = self._written_over(name)
            self._before[name] = {written: before for written, before in pairwise(values) if written is not None}

    def _written_over(self, name: str) -> list[str | None]:
        """The value of a variable, then the one that it was written over here, and so on; the last is not from here."""
        values = [os.environ.get(name)]
        while (value := values[-1]) is not None and value in self._before[name]:
            values.append(self._before[name][value])
        return values


class ExceptedFake(TiledeskFake):
    """A fake that is excepted from the proxies of the moment whenever it is asked for its URL."""

    def __init__(self, exceptions: ProxyExceptions, **arguments: Any) -> None:
        self._exceptions = exceptions
        super().__init__(**arguments)

    @property
    def url(self) -> str:
        """As TiledeskFake has it."""
        self._exceptions.renew()
        return super().url


def _there_is_a_proxy() -> bool:
    return any(map(os.environ.get, _PROXIES))


def _with_loopback(exceptions: str) -> str:
    excepted = {each.strip() for each in exceptions.split(",")}
    missing = [each for each in _LOOPBACK if each not in excepted]
    # More than an asterisk would end its meaning.
    if excepted == {"*"} or not missing:
        return exceptions
    return ",".join([exceptions, *missing] if exceptions else missing)
