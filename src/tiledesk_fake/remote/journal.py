"""The journal of a fake elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract import load
from ..core.journal import Exchange, Journal
from ..core.redaction import redacted
from ..violations.violation import Violation
from . import values
from .calls import Control
from .state import RemoteState

Numbered = list[tuple[int, Exchange]]


class RemoteJournal(Journal):
    """The exchanges of a fake elsewhere, the oldest first, and what they are asked for; as `Journal`.

    What violations were taken is known here, and to nobody else who asks the same fake.
    """

    def __init__(self, control: Control, state: RemoteState) -> None:
        self._control = control
        self._state = state
        # How many violations of the verdict were taken, how many exchanges there had been then, and what a reset of
        # the fake would have forgotten.
        self._taken = 0
        self._seen = 0
        self._kept: list[Violation] = []
        self._failure: str | None = None

    @property
    def _parameters(self) -> Mapping[str, Sequence[str]]:  # type: ignore[override]
        return load().parameter_names

    @property
    def _dropped(self) -> int:  # type: ignore[override]
        return int(self._control.get("/journal", after=self.total)["dropped"])

    @property
    def numbered(self) -> Numbered:
        """The exchanges, each with its number."""
        return self._asked()

    def _asked(self, **query: object) -> Numbered:
        told = self._control.get("/journal", **query)["exchanges"]
        users = {each.id: each for each in self._state.users} if any(each["user"] for each in told) else {}
        return [(each["number"], values.exchange(each, users)) for each in told]

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges, the oldest first."""
        return [exchange for _, exchange in self.numbered]

    def since(self, total: int) -> list[Exchange]:
        """The exchanges that came after the first `total` ones, as far as they are still there."""
        return [exchange for _, exchange in self._asked(after=total)]

    @property
    def total(self) -> int:
        """How many exchanges there have ever been, those included that were dropped or cleared."""
        # After a number that none has, so that none is sent.
        return int(self._control.get("/journal", after=10**9)["total"])

    @property
    def touched(self) -> set[str]:  # type: ignore[override]
        """The ids of the assumptions that have decided anything so far; not forgotten with the exchanges."""
        return set(self._control.get("/journal", after=10**9)["touched"])

    def forget_touched(self) -> None:
        """Forget what has decided anything so far."""
        self._control.call("DELETE", "/journal/touched")

    @property
    def dropped(self) -> int:
        """How many exchanges had to go."""
        return self._dropped

    def clear(self) -> None:
        """Forget the exchanges."""
        self._control.call("DELETE", "/journal")

    @property
    def violations(self) -> list[Violation]:
        """What no correct client would have sent, in the order it came, as far as its exchanges are still there."""
        return [violation for exchange in self.exchanges for violation in exchange.violations]

    @property
    def untaken_violations(self) -> list[Violation]:
        """What `take_violations` would take."""
        return self._untaken_of(self._told())

    def take_violations(self) -> list[Violation]:
        """The violations that nobody has taken from here yet, those from before a `clear` or a reset too."""
        told = self._told()
        taken = self._untaken_of(told)
        self._kept, self._taken, self._seen = [], len(told), self.total if told else 0
        return taken

    def _told(self) -> list[Violation]:
        return [values.violation(each) for each in self._control.get("/verdict")["violations"]]

    def _untaken_of(self, told: list[Violation]) -> list[Violation]:
        fresh = told[self._taken :] if self._taken <= len(told) else told
        if not fresh and told:
            # The verdict holds so many violations and no more; the journal has those that came later.
            fresh = [violation for exchange in self.since(self._seen) for violation in exchange.violations]
        return [*self._kept, *fresh]

    def keep(self) -> None:
        """Remember what was not taken yet, because the fake is about to forget it."""
        self._kept = self.untaken_violations
        self._taken = 0

    def take_bugs(self) -> list[str]:
        """The failures of the fake itself, as it tells them, that were not taken from here yet."""
        verdict = self._control.get("/verdict")
        if verdict["ok"] or verdict["violations"] or verdict["unspent_faults"] or verdict["text"] == self._failure:
            return []
        self._failure = verdict["text"]
        return [verdict["text"].partition("\n\n")[2] or verdict["text"]]

    def _calls(self, operation: str, what: Mapping[str, Any]) -> list[Exchange]:
        calls = super()._calls(operation, what)
        jti = what.get("jti")
        if jti is None or redacted(str(jti)) == str(jti):
            return calls
        # Two that look alike once they are redacted are told apart by the server.
        same = {number for number, _ in self._asked(operation=operation, jti=jti)}
        return [
            exchange._replace(hashes={"jti": hash(str(jti)) if number in same else ~hash(str(jti))})
            for number, exchange in self._asked(operation=operation)
        ]

    def __len__(self) -> int:
        return len(self._control.get("/journal")["exchanges"])

    def __repr__(self) -> str:
        return f"<RemoteJournal of {self._control.origin}{self._control.mount}>"
