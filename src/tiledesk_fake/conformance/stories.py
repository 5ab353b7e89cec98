"""What happens when a token is revoked, and revoked again: seen once, told to every rule that asks."""

from dataclasses import dataclass
from typing import Literal

from .asking import Asking
from .judging import Record
from .outcome import Broken, LeftOut
from .reply import Reply
from .tokens import Sacrifice, Tokens

Key = Literal["jti", "id"]
KEYS: tuple[Key, ...] = ("jti", "id")

_TICK_S = 0.003
"""The clock of a fast server may stand at the millisecond of what was done before."""


@dataclass(frozen=True, slots=True)
class Story:
    """One token is revoked by one key, then again by that key, then by the other one; with the lists in between."""

    token: Sacrifice
    before: list[Record]
    revoked: Reply
    after: list[Record]
    again: Reply
    after_again: list[Record]
    again_otherwise: Reply
    at_last: list[Record]

    def own(self, records: list[Record]) -> Record | None:
        """The record of the token in a list, None if it is not there."""
        return next((record for record in records if record["_id"] == self.token.id), None)

    def others(self, records: list[Record]) -> list[Record]:
        """The other records of a list."""
        return [record for record in records if record["_id"] != self.token.id]


class Stories:
    """Two stories: by `jti` and by `id`."""

    def __init__(self, exam: Asking, tokens: Tokens) -> None:
        self._exam = exam
        self._tokens = tokens
        self._told: dict[Key, Story | Broken | LeftOut] = {}

    def by(self, key: Key) -> Story:
        """The story of a revocation by this key. Raises Broken or LeftOut, every time, if it could not be seen."""
        if key not in self._told:
            try:
                self._told[key] = self._seen(key)
            except (Broken, LeftOut) as outcome:
                self._told[key] = outcome
        told = self._told[key]
        if isinstance(told, Story):
            return told
        raise told

    def _seen(self, by: Key) -> Story:
        exam, token = self._exam, self._tokens.give_up()
        first, second = (exam.revoke_jti, exam.revoke_id) if by == "jti" else (exam.revoke_id, exam.revoke_jti)
        key, other = (token.jti, token.id) if by == "jti" else (token.id, token.jti)
        before = exam.records()
        exam.clock.sleep(_TICK_S)
        revoked, after = first(key), exam.records()
        exam.clock.sleep(_TICK_S)
        again, after_again = first(key), exam.records()
        exam.clock.sleep(_TICK_S)
        again_otherwise, at_last = second(other), exam.records()
        return Story(token, before, revoked, after, again, after_again, again_otherwise, at_last)
