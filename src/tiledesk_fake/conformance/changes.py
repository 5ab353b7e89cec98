"""What became of the tokens of all users since the examination began."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .asking import MOST_PAGES, Asking
from .judging import Record
from .outcome import Broken
from .people import Person
from .tokens import Tokens


@dataclass(frozen=True, slots=True)
class Change:
    """A record that was listed at first and not given up, and is another one now; None if it is gone."""

    before: Record
    now: Record | None


class Changes:
    """Compares the lists of all users with what they were at first."""

    def __init__(self, exam: Asking, tokens: Tokens) -> None:
        self._exam = exam
        self._tokens = tokens
        # A list that cannot be read breaks a rule of its own; here it leaves nothing to compare with.
        self._at_first = [self._readable(person) for person in exam.persons]

    def of(self, person: Person) -> list[Change]:
        """What became of the records that were listed at first, but for those that were given up."""
        pages = self._exam.pages(person=person)
        records = [record for page in pages for record in page.records]
        now = {record["_id"]: record for record in records}
        given_up = {token.record["_id"] for token in self._tokens.given_up}
        changes = [
            Change(record, now.get(record["_id"]))
            for record in self._at_first[self._exam.persons.index(person)]
            if record["_id"] not in given_up and record not in records
        ]
        # In a list that is too long, new tokens push others behind the last page that is read.
        return changes if len(pages) < MOST_PAGES else [change for change in changes if change.now is not None]

    @property
    def revoked(self) -> list[dict[str, str]]:
        """The keys of all tokens that the server has revoked since the beginning, as far as it tells.

        Those that were not given up are marked, with `unasked`: `revoked`, or `gone` if they are listed no more.
        """
        given_up = self._tokens.given_up
        listed = {record["_id"]: record for record in self._readable(self._exam.first)} if given_up else {}
        asked = [token for token in given_up if token.id not in listed or listed[token.id]["revoked"]]
        return [*(self._keys(token.record) for token in asked), *self._revoked_unasked()]

    @property
    def perhaps_revoked(self) -> list[dict[str, str]]:
        """The keys of all tokens that were given up, without asking the server what became of them."""
        return [self._keys(token.record) for token in self._tokens.given_up]

    def _revoked_unasked(self) -> Iterator[dict[str, str]]:
        for change in self._seen():
            if change.now is None or (change.now["revoked"] and not change.before["revoked"]):
                yield self._keys(change.before) | {"unasked": "gone" if change.now is None else "revoked"}

    def _seen(self) -> Iterator[Change]:
        for person in self._exam.persons:
            try:
                yield from self.of(person)
            except Broken:
                continue

    def _readable(self, person: Person) -> Sequence[Record]:
        try:
            return self._exam.records(person=person)
        except Broken:
            return []

    def _keys(self, record: Record) -> dict[str, str]:
        return {"_id": self._exam.redact(str(record["_id"])), "jti": self._exam.redact(str(record["jti"]))}
