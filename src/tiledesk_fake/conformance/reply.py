"""The answer of a server to one request."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request, with that request; `target` is raw and starts with the base path.

    Without an answer `status` is None, and `failure` says what happened instead. `hide` takes secrets out of what is
    shown of it, before that is cut.
    """

    method: str
    target: str = field(repr=False)
    sent: tuple[tuple[str, str], ...] = field(repr=False)
    status: int | None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    failure: str = ""
    hide: Callable[[str], str] = field(default=str, repr=False, compare=False)

    def values(self, header: str) -> list[str]:
        """All values of a header of the answer, by its name in any case."""
        return [value for name, value in self.headers if name.lower() == header.lower()]

    @property
    def media_type(self) -> str | None:
        """The media type of the answer without its parameters, None if it names none."""
        values = self.values("Content-Type")
        return values[0].partition(";")[0].strip().lower() if values else None

    @property
    def json(self) -> Any:
        """The body as JSON; raises ValueError if it is none."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply to be read") from None

    @property
    def summary(self) -> str:
        """What came back, in a few words: status, media type and the beginning of the body."""
        if self.status is None:
            return self.hide(self.failure)
        text = self.hide(self.body.decode("utf-8", "replace"))
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(self.body)} bytes)"
        return " ".join(filter(None, [str(self.status), cut(self.hide(self.media_type or "")), shown]))


def cut(text: str) -> str:
    """As much of a text as is shown of it."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
