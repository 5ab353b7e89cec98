"""One examination of one server: what rules ask with, and what they share.

Reads everything it expects from the contract under the target's profile. Knows HTTP through the client only.
"""

import json
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import Any
from urllib.parse import quote

from .. import contract as contracts
from ..core.clock import Clock
from ..core.ids import Ids, hex_id
from .address import shown
from .client import Client, Exchange
from .credentials import Basic, Credential, Jwt, Redaction
from .forms import problem, response_form
from .guard import HISTORY, Guard
from .outcome import Broken, CannotCheck, Forbidden, LeftOut
from .target import Target

Record = Mapping[str, Any]

ATTEMPTS = 4
PAUSE_S = 0.25
"""A server that does not answer so many times in a row, with longer and longer pauses, is gone."""

MOST_PAGES = 60
"""Longer lists are examined up to this page only."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to a listing; `count` and `per_page` are None where the envelope does not tell them."""

    records: list[Record]
    count: int | None
    per_page: int | None
    exchange: Exchange

    @property
    def ids(self) -> list[str]:
        return [record["_id"] for record in self.records]


@dataclass(slots=True)
class Person:
    """A user of the server, with all credentials that are known to be this user's."""

    number: int
    credentials: list[Credential]
    id: str | None = None

    @property
    def authorization(self) -> str:
        """The credentials that are used: Basic if there are any, because no revocation touches them."""
        return (self.basic or self.credentials[0]).authorization

    @property
    def basic(self) -> Basic | None:
        return next((each for each in self.credentials if isinstance(each, Basic)), None)

    @property
    def jwts(self) -> list[Jwt]:
        return [each for each in self.credentials if isinstance(each, Jwt)]


@dataclass(frozen=True, slots=True)
class Sacrifice:
    """A token that was given up: its record before anything happened to it, and its JWT where that is known."""

    record: Record
    jwt: str | None = None

    @property
    def jti(self) -> str:
        return str(self.record["jti"])

    @property
    def id(self) -> str:
        return str(self.record["_id"])


@dataclass(frozen=True, slots=True)
class Change:
    """A record that was listed at first and not given up, and is another one now; None if it is gone."""

    before: Record
    now: Record | None


@dataclass(slots=True)
class Story:
    """What happened when one token was revoked, once by `by`, then again by that key and by the other one."""

    by: str
    token: Sacrifice
    before: list[Record] = field(default_factory=list)
    revoked: Exchange | None = None
    after: list[Record] = field(default_factory=list)
    again: Exchange | None = None
    after_again: list[Record] = field(default_factory=list)
    again_otherwise: Exchange | None = None
    at_last: list[Record] = field(default_factory=list)


class Examination:
    """Asks one server, on behalf of the rules.

    Raises CannotCheck where the server cannot be reached or refuses the credentials it is examined with.
    """

    def __init__(self, target: Target) -> None:
        if not target.credentials:
            raise CannotCheck("there is nobody to call as; give --basic ADDRESS:PASSWORD or --jwt TOKEN")
        self.target = target
        self.judge_by(target.choices)
        self.guard = Guard(target.credentials, may_revoke=target.may_revoke)
        self.redact = Redaction([[credential] for credential in target.credentials])
        self.client = Client(target.url, self.guard, timeout_s=target.timeout_s, redact=self.redact)
        self.clock = Clock()
        self.notes: list[str] = []
        self.expired: list[Jwt] = []
        self.unanswered: list[Exchange] = []
        """The requests that got no answer, or half of one."""
        self.left_behind: list[str] = []
        """What may be alive on the server because of this examination, one sentence each."""
        self._signed_in: list[Sacrifice] = []
        self._ids = Ids(target.seed)
        self._mints = True
        self._own: list[Record] | None = None
        self._spare: Sacrifice | None = None
        self._sacrifices: list[Sacrifice] = []
        self._stories: dict[str, Story | Broken | LeftOut] = {}
        try:
            self.persons = self._meet(target.credentials)
        except BaseException:
            self.close()
            raise
        self.redact.know([person.credentials for person in self.persons], self.expired)
        self.first = self.persons[0]
        # A list that cannot be read is a matter for the rules; there is nothing to compare with then.
        self.at_first: list[list[Record]] = []
        for person in self.persons:
            try:
                self.at_first.append(self.records(person=person))
            except Broken:
                self.at_first.append([])

    def judge_by(self, choices: Mapping[str, str]) -> None:
        """From now on, expect what the contract says under these choices."""
        self.learnt = dict(choices)
        # A contract is made for each set of choices that is asked for; naming defaults makes no other contract.
        defaults = contracts.load().choices
        self.contract = contracts.load({id: choice for id, choice in choices.items() if choice != defaults.get(id)})
        self.profile = self.contract.profile
        listing = next(operation for operation in self.contract.operations if operation.id == "listTokens")
        self.names = {parameter.role: parameter.name for parameter in listing.parameters}
        """The names of the query parameters, by what the contract's components call them."""
        self._forms: dict[str, Any] = {}

    @property
    def minted(self) -> list[str]:
        """The JWTs that sign-ins gave."""
        return [token.jwt for token in self._sacrifices if token.jwt is not None]

    @property
    def second(self) -> Person | None:
        """Another user than the examined one."""
        return self.persons[1] if len(self.persons) > 1 else None

    def close(self) -> None:
        """Close all connections; an exception that is on its way out is told what the examination did until then."""
        self.client.close()
        ended = sys.exception()
        if ended is None or hasattr(ended, "given_up"):
            return
        setattr(ended, "given_up", self.perhaps_revoked)  # noqa: B010 - any exception may come by
        setattr(ended, "left_behind", self.left_behind)  # noqa: B010
        if self._sacrifices:
            said = ", ".join(f"{each['_id']} (jti {each['jti']})" for each in self.perhaps_revoked)
            ended.add_note(f"These tokens were given up, and may be revoked: {said}")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        Event().wait(seconds)

    # Asking.

    def ask(
        self,
        method: str,
        target: str,
        authorization: str | None = None,
        *,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Exchange:
        """The answer to a request with this `Authorization` header, or none; an answer there must be."""
        credentials = () if authorization is None else (("Authorization", authorization),)
        exchange = self.client.send(method, target, (*credentials, *headers), body)
        if exchange.status is None:
            self.unanswered.append(exchange)
            raise Broken("an answer", exchange.failure, exchange, rule="answers")
        return exchange

    def is_reachable(self) -> bool:
        """Whether the server answers at all; asked again and again, because it may do so now and then only."""
        for attempt in range(ATTEMPTS):
            self.wait(PAUSE_S * attempt)
            exchange = self.client.send("GET", HISTORY, [("Authorization", self.first.authorization)])
            if exchange.status is not None:
                return True
        return False

    def listed(self, query: str = "", person: Person | None = None, path: str = HISTORY) -> Exchange:
        """The answer to a listing, whatever it is."""
        return self.ask("GET", f"{path}?{query}" if query else path, (person or self.first).authorization)

    def page(self, query: str = "", person: Person | None = None) -> Page:
        """A page of the list; whatever is wrong with its form breaks the rule that says so."""
        return self.as_page(self.listed(query, person))

    def as_page(self, exchange: Exchange) -> Page:
        """What an answer to a valid listing says."""
        expect(exchange.status == 200, "status 200 for a valid listing", exchange, rule="list-answers")
        self.expect_json(exchange, "TokenList", 200, rule="list-form")
        body = exchange.json
        if isinstance(body, list):
            return Page(body, None, None, exchange)
        return Page(body[self.profile.list_envelope], body["count"], body["perPage"], exchange)

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
            expect(found == count, f"{count} records, the count", pages[0].exchange, got, rule="count-agrees")

    def query(self, *, sort: str | None = None, direction: object = None, page: object = None, more: str = "") -> str:
        """A query string with the names that the contract has under the profile."""
        given = {"sortField": sort, "direction": direction, "page": page}
        parts = [
            f"{self.names[role]}={quote(str(value), safe='')}" for role, value in given.items() if value is not None
        ]
        return "&".join([*filter(None, [more]), *parts])

    def revoke_jti(self, jti: str, authorization: str | None = None) -> Exchange:
        """The answer to the revocation of a jti."""
        return self.ask("DELETE", jti_path(jti), authorization or self.first.authorization)

    def revoke_id(self, id: str, authorization: str | None = None) -> Exchange:
        """The answer to the revocation of an id."""
        return self.ask("DELETE", id_path(id), authorization or self.first.authorization)

    # The contract under the profile.

    @cached_property
    def sort_fields(self) -> list[str]:
        """The fields that the list can be sorted by."""
        return list(self.contract.schema("SortField")["enum"])

    def expect_json(self, exchange: Exchange, response: str, status: int, *, rule: str | None = None) -> None:
        """Break the rule unless an answer has this status and the form of a response of the contract."""
        expect(exchange.status == status, f"status {status}", exchange, rule=rule)
        expect(exchange.media_type == "application/json", "the media type application/json", exchange, rule=rule)
        try:
            body = exchange.json
        except ValueError:
            raise Broken("JSON", exchange.summary, exchange, rule) from None
        wrong = problem(body, self._form(response), self.redact.hide)
        if wrong:
            raise Broken(f"the form that the contract gives {response}", f"{wrong}: {exchange.summary}", exchange, rule)

    def expect_unknown(self, exchange: Exchange, rule: str | None = None) -> None:
        """Break the rule unless a revocation was answered as one of what does not exist."""
        if self.profile.revoke_unknown == "null":
            right = exchange.status == 200 and exchange.body.strip() == b"null"
            expect(right, "200 with the body null, as for a token that does not exist", exchange, rule=rule)
        else:
            expect(exchange.status == 404, "404, as for a token that does not exist", exchange, rule=rule)
            self.expect_json(exchange, "UnknownToken", 404, rule="refusal-form")

    def expect_revoked(self, exchange: Exchange, record: Record, rule: str | None = None) -> None:
        """Break the rule unless a revocation of this record was answered as a success."""
        expect(exchange.status == 200, "200, because the token is revoked", exchange, rule=rule)
        self.expect_json(exchange, "RevokedByJti", 200, rule="revocation-form")
        body = exchange.json
        expect(body is not None, "the answer to a revocation of a token that exists", exchange, rule=rule)
        if self.profile.revoke_answer == "record":
            named = (body["_id"], body["jti"]) == (record["_id"], record["jti"])
            expect(named, f"the record of the token, {record['_id']}", exchange, rule="revocation-answers-the-record")
        elif self.profile.revoke_answer == "counts":
            counted = (body["n"], body["deletedCount"]) == (1, 1)
            expect(counted, "a count of 1", exchange, rule="revocation-form")

    def _form(self, response: str) -> Any:
        if response not in self._forms:
            self._forms[response] = response_form(self.contract, response)
        return self._forms[response]

    # Keys and tokens to revoke.

    def nobodys_jti(self) -> str:
        """A jti that no token has."""
        return self.guard.nobodys(self._ids.jti())

    def nobodys_id(self) -> str:
        """An id that no record has."""
        return self.guard.nobodys(hex_id(self._ids.object_id()))

    def sacrifice(self, *, with_jwt: bool = False) -> Sacrifice:
        """A token of the first user that is not revoked and may be. Raises LeftOut if there is none left.

        It comes from a sign-in where the server has one, else from the list; `with_jwt` wants its JWT known.
        """
        self.needs_revocation()
        token = self._mint()
        if token is None and with_jwt:
            raise LeftOut("there is no token whose JWT is known and which may be revoked: sign-in is not to be had")
        token = token or self._from_list()
        if token not in self._sacrifices:
            self.guard.give_up(token.jti, token.id)
            self._sacrifices.append(token)
        return token

    def sacrifices(self, number: int) -> list[Sacrifice]:
        """So many tokens to revoke, all or LeftOut."""
        if not self._can_mint() and len(self._candidates()) < number:
            raise LeftOut(f"{number} tokens to revoke are needed, {len(self._candidates())} are left")
        return [self.sacrifice() for _ in range(number)]

    def spare(self) -> Sacrifice:
        """A token that may be revoked and is not: for requests that must not revoke it."""
        if self._spare is None or not self.is_untouched(self._spare):
            self._spare = self.sacrifice()
        return self._spare

    def needs_revocation(self) -> None:
        """Raise LeftOut unless tokens may be revoked."""
        if not self.target.may_revoke:
            raise LeftOut("nothing may be revoked without --may-revoke")

    def record(self, token: Sacrifice) -> Record | None:
        """The record of a token as it is listed now; None if it is not."""
        return next((record for record in self.records() if record["_id"] == token.id), None)

    def is_revoked(self, token: Sacrifice) -> bool:
        """Whether the list shows a token as revoked: marked, or gone if the profile says so."""
        record = self.record(token)
        if self.profile.revoked_listed == "no":
            return record is None
        return record is not None and record["revoked"] is True

    def is_untouched(self, token: Sacrifice) -> bool:
        """Whether the list shows a token exactly as it was when it was given up."""
        return self.record(token) == token.record

    def story(self, by: str) -> Story:
        """What happens when a token is revoked by its `jti` or `id`; done once, and told to every rule that asks."""
        if by not in self._stories:
            try:
                self._stories[by] = self._live(by)
            except (Broken, LeftOut) as outcome:
                self._stories[by] = outcome
        told = self._stories[by]
        if isinstance(told, Story):
            return told
        raise told

    @property
    def revoked(self) -> list[dict[str, str]]:
        """The keys of all tokens that the server has revoked since the beginning, as far as it tells.

        Those that were not given up are marked, with `unasked`: `revoked`, or `gone` if they are listed no more.
        """
        try:
            listed = {record["_id"]: record for record in self.records()} if self._sacrifices else {}
        except Broken:
            listed = {}
        asked = [token for token in self._sacrifices if token.id not in listed or listed[token.id]["revoked"]]
        return [*(self._keys(token.record) for token in asked), *self._revoked_unasked()]

    def _revoked_unasked(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = []
        for person in self.persons:
            try:
                changes = self.changes(person)
            except Broken:
                continue
            for before, now in ((change.before, change.now) for change in changes):
                if now is None or (now["revoked"] and not before["revoked"]):
                    found.append(self._keys(before) | {"unasked": "gone" if now is None else "revoked"})
        return found

    def _keys(self, record: Record) -> dict[str, str]:
        return {"_id": self.redact(str(record["_id"])), "jti": self.redact(str(record["jti"]))}

    def changes(self, person: Person) -> list[Change]:
        """What became of the records that were listed at first, but for those that were given up."""
        pages = self.pages(person=person)
        records = [record for page in pages for record in page.records]
        now = {record["_id"]: record for record in records}
        given_up = {record["_id"] for record in self.given_up}
        changes = [
            Change(record, now.get(record["_id"]))
            for record in self.at_first[self.persons.index(person)]
            if record["_id"] not in given_up and record not in records
        ]
        # Of a list that is too long, new tokens move others behind the end of what is read.
        return changes if len(pages) < MOST_PAGES else [change for change in changes if change.now is not None]

    @property
    def perhaps_revoked(self) -> list[dict[str, str]]:
        """The keys of all tokens that were given up, without asking the server what became of them."""
        return [self._keys(token.record) for token in self._sacrifices]

    @property
    def given_up(self) -> list[Record]:
        """The records that this examination gave up."""
        return [token.record for token in self._sacrifices]

    def give_up_in_use(self) -> tuple[Jwt, Sacrifice]:
        """The JWT the examination calls with, and its record, given up: only ever the last step.

        Raises LeftOut where it is not in the list.
        """
        self.needs_revocation()
        listed = {record["jti"]: record for record in self.records() if not record["revoked"]}
        for jwt in reversed(self.first.jwts):
            record = listed.get(jwt.jti)
            if record is not None:
                self.guard.give_up(record["jti"], record["_id"])
                token = Sacrifice(record, jwt.token)
                self._sacrifices.append(token)
                return jwt, token
        raise LeftOut("no JWT was given that is in the list and not revoked")

    def _live(self, by: str) -> Story:
        token = self.sacrifice()
        first, second = (self.revoke_jti, self.revoke_id) if by == "jti" else (self.revoke_id, self.revoke_jti)
        key, other = (token.jti, token.id) if by == "jti" else (token.id, token.jti)
        story = Story(by, token, before=self.records())
        # The clock of a fast server may stand at the millisecond of the sign-in.
        self.wait(0.003)
        story.revoked = first(key)
        story.after = self.records()
        self.wait(0.003)
        story.again = first(key)
        story.after_again = self.records()
        story.again_otherwise = second(other)
        story.at_last = self.records()
        return story

    def _can_mint(self) -> bool:
        return self._mints and self.first.basic is not None

    def _mint(self) -> Sacrifice | None:
        if not self._can_mint():
            return None
        basic = self.first.basic
        assert basic is not None
        body = json.dumps({"email": basic.email, "password": basic.password}).encode()
        exchange = self.client.send("POST", "/auth/signin", [("Content-Type", "application/json")], body)
        if exchange.status is None:
            self.left_behind.append(self.redact(f"perhaps a token of a sign-in: {exchange.failure}"))
        try:
            jwt = Jwt.parse(exchange.json["token"]) if exchange.status == 200 else None
        except (ValueError, KeyError, TypeError, AttributeError, CannotCheck):
            jwt = None
        if jwt is None:
            self._mints = False
            if exchange.status == 200:
                said = self.redact(exchange.summary)
                self.left_behind.append(f"perhaps a token of a sign-in, whose answer could not be read: {said}")
            return None
        self.redact.add(jwt.token, "$MINTED")
        record = None
        try:
            record = next((each for each in self.records() if jwt.jti and each["jti"] == jwt.jti), None)
        finally:
            if record is None:
                self._mints = False
                said = self.redact(jwt.jti or "unknown")
                self.left_behind.append(f"the token of a sign-in, which was not found in the list (jti {said})")
        if record is None:
            return None
        token = Sacrifice(record, jwt.token)
        self._signed_in.append(token)
        return token

    def tidy(self, *, revoke: bool) -> None:
        """Revoke the tokens of sign-ins that are alive; what stays alive is in `left_behind`."""
        try:
            for token in self._alive() if revoke else ():
                with suppress(Forbidden):  # then it stays alive, and is named
                    self.revoke_jti(token.jti)
            alive = self._alive()
        except Broken:
            alive = self._signed_in
        for token in alive:
            keys = self._keys(token.record)
            self.left_behind.append(f"the token of a sign-in, {keys['_id']} (jti {keys['jti']}), which is not revoked")

    def _alive(self) -> list[Sacrifice]:
        if not self._signed_in:
            return []
        alive = {record["_id"] for record in self.records() if not record["revoked"]}
        return [token for token in self._signed_in if token.id in alive]

    def _candidates(self) -> list[Record]:
        if self._own is None:
            in_use = {jwt.jti for person in self.persons for jwt in person.jwts}
            # The oldest first: the newest are likelier to be somebody's session of today.
            found = sorted(self.records(), key=lambda record: str(record["createdAt"]))
            self._own = [record for record in found if not record["revoked"] and record["jti"] not in in_use]
        return self._own

    def _from_list(self) -> Sacrifice:
        if not self._candidates():
            # Where tokens are few, the one that requests were to leave alone has served its time.
            spare, self._spare = self._spare, None
            if spare is None or not self.is_untouched(spare):
                raise LeftOut("no token is left that may be revoked")
            return spare
        return Sacrifice(self._candidates().pop(0))

    # Who calls.

    def _meet(self, credentials: Sequence[Credential]) -> list[Person]:
        persons: list[Person] = []
        for credential in credentials:
            if isinstance(credential, Jwt) and persons and self._is_expired(credential):
                self.expired.append(credential)
                continue
            id, email = self._identify(credential)
            same = next((person for person in persons if email and email in _emails(person)), None)
            same = same or next((person for person in persons if _has_id(person, id, credential)), None)
            if same is None:
                persons.append(Person(len(persons) + 1, [credential], id))
            else:
                same.credentials.append(credential)
                same.id = same.id or id
        return persons

    def _is_expired(self, jwt: Jwt) -> bool:
        return jwt.expires_at_s is not None and jwt.expires_at_s * 1000 <= self.clock.now_ms()

    def _identify(self, credential: Credential) -> tuple[str | None, str | None]:
        """The id and e-mail address of a user, as far as they can be told; at the first request of all."""
        exchange = self.client.send("GET", HISTORY, [("Authorization", credential.authorization)])
        if exchange.status is None:
            raise self._cannot(f"cannot be reached: {exchange.failure}")
        if exchange.status in (401, 403):
            raise self._cannot(f"refuses the credentials given with {credential.option} ({exchange.status})")
        if (exchange.status in (400, 404) and b"Invalid project id" in exchange.body) or exchange.status == 404:
            raise self._cannot(
                f"has no JWT history ({exchange.summary}); give the URL that precedes {HISTORY}, with its base path"
            )
        if exchange.status in (301, 302, 303, 307, 308):
            leads_to = ", ".join(shown(each, self.redact) for each in exchange.values("Location")) or "nowhere"
            raise self._cannot(
                f"redirects ({exchange.status}) to {leads_to}; "
                f"no redirect is followed: give the URL that precedes {HISTORY} there"
            )
        claims = credential.claims if isinstance(credential, Jwt) else {}
        id = claims.get("_id")
        email = credential.email if isinstance(credential, Basic) else claims.get("email")
        if not isinstance(id, str):
            found = [value for value in _records_in(exchange) if isinstance(value, str)]
            id = found[0] if found else None
        return id, email.lower() if isinstance(email, str) else None

    def _cannot(self, why: str) -> CannotCheck:
        """What keeps the server from being examined; of what it said, nothing secret and nothing unprintable."""
        return CannotCheck(self.redact(f"{self.client.url} {why}"))

    # What is shown.

    def curl(self, exchange: Exchange | None) -> str:
        """A line for the shell that repeats a request; secrets are variables in it."""
        if exchange is None:
            return ""
        words = ["curl", "-i", "--path-as-is"]
        if exchange.method == "HEAD":
            words.append("--head")
        elif exchange.method != "GET":
            words += ["-X", exchange.method]
        for name, value in exchange.sent:
            words += ["-H", _quoted(self.redact(f"{name}: {value}" if value.strip() else f"{name};"))]
        return " ".join([*words, _quoted(self.redact(self.client.origin + exchange.target))])

    def evidence(self, exchange: Exchange) -> str:
        """An exchange in one line, without secrets."""
        return self.redact(f"{exchange.method} {exchange.target} -> {exchange.summary}")


def jti_path(jti: str) -> str:
    """The path that revokes a jti."""
    return f"{HISTORY}/{quote(utf8(jti), safe='')}"


def id_path(id: str) -> str:
    """The path that revokes an id."""
    return f"{HISTORY}/id/{quote(utf8(id), safe='')}"


def utf8(key: str) -> bytes:
    """The bytes of a key."""
    # A server may list a key with half a surrogate pair, which has no UTF-8 of its own.
    return key.encode("utf-8", "surrogatepass")


def expect(
    right: bool, expected: str, exchange: Exchange | None, got: str | None = None, rule: str | None = None
) -> None:
    """Break a rule, the one being asked unless it is named, if something is not right."""
    if not right:
        raise Broken(expected, got or (exchange.summary if exchange else "nothing"), exchange, rule)


def _emails(person: Person) -> Iterator[str]:
    for credential in person.credentials:
        if isinstance(credential, Basic):
            yield credential.email.lower()
        elif isinstance(credential, Jwt) and isinstance(email := credential.claims.get("email"), str):
            yield email.lower()


def _has_id(person: Person, id: str | None, credential: Credential) -> bool:
    """Whether credentials are this person's because of the id that their token or their list tells.

    Two addresses are two users, whatever list they are shown: that one user sees another's is a defect to be found.
    """
    return id is not None and person.id == id and not (isinstance(credential, Basic) and person.basic is not None)


def _records_in(exchange: Exchange) -> Iterator[Any]:
    """The id_user of all records in an answer of any envelope."""
    try:
        body = exchange.json
    except ValueError:
        return
    arrays = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    for array in arrays:
        for record in array if isinstance(array, list) else ():
            if isinstance(record, dict):
                yield record.get("id_user")


_VARIABLE = re.compile(r"\$((?:BASIC|PASSWORD|JWT)[0-9]+|MINTED)(?![0-9])")
"""What a secret is shown as."""


def _quoted(text: str) -> str:
    if not _VARIABLE.search(text) or "\n" in text:
        return shlex.quote(text)
    # Double quotes, so that the shell fills the variables in, and nothing else.
    pieces = _VARIABLE.split(text)
    for at, piece in enumerate(pieces):
        if at % 2:
            braced = pieces[at + 1][:1] == "_" or pieces[at + 1][:1].isalnum()
            pieces[at] = f"${{{piece}}}" if braced else f"${piece}"
        else:
            pieces[at] = re.sub(r'([\\"`$])', r"\\\1", piece)
    return f'"{"".join(pieces)}"'
