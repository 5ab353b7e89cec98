"""An exchange of a recording: a request and its answer, as the file has them."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...errors import TiledeskFakeError

Headers = tuple[tuple[str, str], ...]


class Unusable(TiledeskFakeError):
    """A recording cannot be read; the message says where it breaks off, and what was expected there."""


@dataclass(frozen=True)
class Exchange:
    """One exchange; `number` counts from 1, `where` says where in the file it stands.

    `at_ms` is the end of the answer, `took_ms` how long it took as far as that is known. A body is None where the file
    does not have it; `status` is None where no answer came. `aborted` is whether that may be the client's doing.
    """

    number: int
    where: str
    method: str
    target: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes | None = field(repr=False)
    status: int | None
    answer_headers: Headers = field(repr=False)
    answer: bytes | None = field(repr=False)
    at_ms: int
    took_ms: int = 0
    aborted: bool = False

    def header(self, name: str) -> str | None:
        """The first value of a header of the request, by its name in any case."""
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)

    def answered(self, name: str) -> list[str]:
        """All values of a header of the answer, by its name in any case."""
        return [value for each, value in self.answer_headers if each.lower() == name.lower()]

    @property
    def media_type(self) -> str | None:
        """The media type of the answer without its parameters; None if it names none."""
        values = self.answered("Content-Type")
        return values[0].partition(";")[0].strip().lower() if values else None

    @cached_property
    def json(self) -> Any:
        """The body of the answer as JSON; None where that is none, or not known."""
        try:
            return json.loads(self.answer or b"")
        except (ValueError, RecursionError):
            return None

    @property
    def has_json(self) -> bool:
        """Whether the body of the answer is JSON."""
        return self.json is not None or (self.answer or b"").strip() == b"null"
