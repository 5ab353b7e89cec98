"""A call of the control API once it is read, and what comes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .reading import fields_of
from .waiting import Wait
from .worlds import World, Worlds


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: for which world, and what was sent. `path` and `query` are decoded."""

    world: World
    worlds: Worlds
    path: Mapping[str, str]
    query: Mapping[str, str] = field(repr=False)
    body: Any = field(repr=False)
    fields: Mapping[str, bool]

    def given(self) -> dict[str, Any]:
        """The fields of the body."""
        return fields_of(self.body, self.fields)


class Reply(NamedTuple):
    """The status and the content of an answer: what becomes JSON, or bytes of another media type; None for no body."""

    status: int
    content: Any = None
    media_type: str = "application/json"


class Later(NamedTuple):
    """An answer that may wait for so many seconds; `reply` makes it then."""

    wait: Wait
    wait_s: float
    reply: Callable[[], Reply]


DONE = Reply(204)
