"""Asking a server on behalf of the rules: requests as a user, and what a list says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..core.clock import Clock
from .client import Client
from .credentials import Jwt
from .judging import Judging, Record, expect
from .outcome import Broken, LeftOut
from .paths import HISTORY, id_path, jti_path
from .people import Person
from .reply import Reply

ATTEMPTS = 4
"""A server that answers none of this many requests in a row is gone."""

PAUSE_S = 0.25
"""The pause before the second of these requests; each further pause is longer by as much."""

MOST_PAGES = 60
"""Longer lists are examined up to this page only."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a listing.

    `records` have the fields that the contract names. `count` and `per_page` are None where the envelope does not tell
    them.
    """

    records: list[Record]
    count: int | None
    per_page: int | None
    reply: Reply = field(repr=False)

    @property
    def ids(self) -> list[str]:
        """The ids of the records, in order."""
        return [record["_id"] for record in self.records]


class Asking(Judging):
    """Asks a server as one of `persons`, the first one unless another is named."""

    def __init__(self, client: Client, choices: Mapping[str, str], persons: Sequence[Person]) -> None:
        super().__init__(choices, client.redact)
        self.client = client
        self.guard = client.guard
        self.persons = persons
        self.clock = Clock()
        self.unanswered: list[Reply] = []
        """The requests that got no answer, or half of one."""

    @property
    def first(self) -> Person:
        """The user who is examined."""
        return self.persons[0]

    @property
    def second(self) -> Person | None:
        """A second user, None if one alone is known."""
        return self.persons[1] if len(self.persons) > 1 else None

    def ask(
        self,
        method: str,
        target: str,
        authorization: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Reply:
        """The answer to a request with this `Authorization` header, or none. Breaks `answers` if none comes."""
        credentials = () if authorization is None else (("Authorization", authorization),)
        reply = self.client.send(method, target, (*credentials, *headers), body)
        if reply.status is None:
            self.unanswered.append(reply)
            raise Broken("an answer", reply.failure, reply, rule="answers")
        return reply

    def is_reachable(self) -> bool:
        """Whether the server answers one of ATTEMPTS requests, with longer and longer pauses between them."""
        for attempt in range(ATTEMPTS):
            self.clock.sleep(PAUSE_S * attempt)
            reply = self.client.send("GET", HISTORY, [("Authorization", self.first.authorization)])
            if reply.status is not None:
                return True
        return False

    def listed(self, query: str = "", person: Person | None = None, path: str = HISTORY) -> Reply:
        """The answer to a listing, whatever it is."""
        person, target = person or self.first, f"{path}?{query}" if query else path
        caller = person.caller
        reply = self.ask("GET", target, person.authorization)
        if reply.status == 401 and caller is not None and self._is_over(person, caller):
            reply = self.ask("GET", target, person.authorization)
        return reply

    def _is_over(self, person: Person, caller: Jwt) -> bool:
        """Whether the token that calls was revoked, so that the password has to call from now on."""
        if person.basic is None:
            return False
        person.retire(caller)
        try:
            alive = any(each["jti"] == caller.jti and not each["revoked"] for each in self.records(person=person))
        except Broken:
            alive = True
        if alive:
            # The list says that the token is good: that it was refused is a matter for the rules.
            person.restore(caller)
        return not alive

    def page(self, query: str = "", person: Person | None = None) -> Page:
        """A page of the list. Breaks `list-answers` or `list-form` if it is none."""
        return self.as_page(self.listed(query, person))

    def as_page(self, reply: Reply) -> Page:
        """The page in an answer to a valid listing. Breaks `list-answers` or `list-form` if it is none."""
        expect(reply.status == 200, "status 200 for a valid listing", reply, rule="list-answers")
        self.expect_json(reply, "TokenList", 200, rule="list-form")
        body = reply.json
        if isinstance(body, list):
            return Page([self.named(each) for each in body], None, None, reply)
        records = [self.named(each) for each in body[self.profile.list_envelope]]
        return Page(records, body["count"], body["perPage"], reply)

    def pages(self, query: str = "", person: Person | None = None) -> list[Page]:
        """All pages of a list in one order, up to MOST_PAGES."""
        found: list[Page] = []
        while len(found) < MOST_PAGES:
            page = self.page(self.query(page=self.contract.first_page + len(found), more=query), person)
            found.append(page)
            known = sum(len(each.records) for each in found)
            if not page.records or (page.count is None and len(page.records) < self.contract.page_size):
                break
            if page.count is not None and known >= page.count:
                break
        return found

    def records(self, query: str = "", person: Person | None = None) -> list[Record]:
        """The records of all pages, in order."""
        return [record for page in self.pages(query, person) for record in page.records]

    def needs_whole(self, pages: Sequence[Page]) -> None:
        """Raise LeftOut if a list is too long for `pages` to be all of it; break a rule if its count is wrong."""
        count, found = pages[0].count, sum(len(page.records) for page in pages)
        if len(pages) == MOST_PAGES and (pages[-1].records if count is None else found < count):
            raise LeftOut(f"the list is too long to be read to its end: more than {MOST_PAGES} pages")
        if count is not None:
            got = f"{found} records on {len(pages)} pages"
            expect(found == count, f"{count} records, the count", pages[0].reply, got, rule="count-agrees")

    def revoke_jti(self, jti: str, authorization: str | None = None) -> Reply:
        """The answer to the revocation of a jti."""
        return self.ask("DELETE", jti_path(jti), authorization or self.first.authorization)

    def revoke_id(self, id: str, authorization: str | None = None) -> Reply:
        """The answer to the revocation of an id."""
        return self.ask("DELETE", id_path(id), authorization or self.first.authorization)
