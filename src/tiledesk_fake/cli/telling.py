"""Prints each exchange of `serve` to stderr; `serve` goes on answering even if nobody reads stderr."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from ..core.journal import Exchange
from ..core.redaction import printable

_MOST_WAITING = 10_000
_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


class Telling:
    """Writes a line for each exchange, and each violation in full, in a thread of its own.

    A reader that does not read, as of a pipe, holds that thread and nobody else; what it missed is counted.
    """

    def __init__(self, write: Callable[[str], object], *, coloured: bool) -> None:
        self._write = write
        self._coloured = coloured
        self._waiting: SimpleQueue[str | None] = SimpleQueue()
        self._missed = 0
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="tiledesk-fake:telling", daemon=True)

    def tell(self, exchange: Exchange) -> None:
        """Say what was heard. Never waits."""
        worst = _RED if exchange.violations else _YELLOW if (exchange.status or 500) >= 400 else ""
        self._say(self._in(worst, exchange.line))
        for violation in exchange.violations:
            self._say(f"{self._in(_RED, str(violation))}\n")

    def refused(self, reason: str, status: int, client: str) -> None:
        """Say what was refused before it was a request."""
        self._say(self._in(_YELLOW, f"refused {client} -> {status}  reason: {printable(reason)}"))

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if colour and self._coloured else text

    def _say(self, text: str) -> None:
        with self._lock:
            if self._waiting.qsize() >= _MOST_WAITING:
                self._missed += 1
                return
            missed, self._missed = self._missed, 0
        if missed:
            self._waiting.put(f"({missed} lines are left out, because nobody read them)")
        self._waiting.put(text)

    def _run(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                self._write(text)
            except (OSError, ValueError):
                # Whoever read it has gone.
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.put(None)
        self._thread.join(timeout=1)
