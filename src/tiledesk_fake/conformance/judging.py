"""The measure of a server: the contract under the choices of a profile."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from .. import contract as contracts
from ..core.ids import OBJECT_ID
from .credentials import Redaction
from .forms import names_in, problem, response_form
from .outcome import Broken
from .paths import key_in
from .reply import Reply

Record = Mapping[str, Any]


def expect(right: bool, expected: str, reply: Reply | None, got: str | None = None, rule: str | None = None) -> None:
    """Break a rule, the one being asked unless it is named, if something is not right."""
    if not right:
        raise Broken(expected, got or (reply.summary if reply else "nothing"), reply, rule)


class Judging:
    """Says what the contract expects, and breaks the rule that is asked where an answer is another one."""

    def __init__(self, choices: Mapping[str, str], redact: Redaction) -> None:
        self.redact = redact
        self.judge_by(choices)

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
        self._fields = names_in(self.contract.schema("TokenRecord"))

    @property
    def sort_fields(self) -> list[str]:
        """The fields that the list can be sorted by."""
        return list(self.contract.schema("SortField")["enum"])

    def query(self, *, sort: str | None = None, direction: object = None, page: object = None, more: str = "") -> str:
        """A query string with the names that the contract has under the profile."""
        given = {"sortField": sort, "direction": direction, "page": page}
        parts = [
            f"{self.names[role]}={quote(str(value), safe='')}" for role, value in given.items() if value is not None
        ]
        return "&".join([*filter(None, [more]), *parts])

    def expect_json(self, reply: Reply, response: str, status: int, *, rule: str | None = None) -> None:
        """Break the rule unless an answer has this status and the form of a response of the contract."""
        expect(reply.status == status, f"status {status}", reply, rule=rule)
        expect(reply.media_type == "application/json", "the media type application/json", reply, rule=rule)
        try:
            body = reply.json
        except ValueError:
            raise Broken("JSON", reply.summary, reply, rule) from None
        wrong = problem(body, self._form(response), self.redact.hide)
        if wrong:
            raise Broken(f"the form that the contract gives {response}", f"{wrong}: {reply.summary}", reply, rule)

    def expect_unknown(self, reply: Reply, rule: str | None = None) -> None:
        """Break the rule unless a revocation was answered as one of what does not exist."""
        if self.profile.revoke_unknown == "phantom":
            self._expect_phantom(reply, rule)
        elif self.profile.revoke_unknown == "null":
            right = reply.status == 200 and reply.body.strip() == b"null"
            expect(right, "200 with the body null, as for a token that does not exist", reply, rule=rule)
        else:
            expect(reply.status == 404, "404, as for a token that does not exist", reply, rule=rule)
            self.expect_json(reply, "UnknownToken", 404, rule="refusal-form")

    def _expect_phantom(self, reply: Reply, rule: str | None) -> None:
        """Break the rule unless a revocation was answered with what it made, of which only the key is known."""
        expect(reply.status == 200, "200, because the revocation of nothing makes a record", reply, rule=rule)
        self.expect_json(reply, "RevokedByJti", 200, rule="revocation-form")
        if self.profile.revoke_answer != "record":
            return
        body, (by, key) = reply.json, key_in(reply.target)
        if by == "jti":
            expect(body.get("jti") == key, "a record with the jti that was asked for", reply, rule=rule)
        elif OBJECT_ID.fullmatch(key):
            expect(body["_id"] == key.lower(), "a record with the id that was asked for", reply, rule=rule)

    def expect_revoked(self, reply: Reply, record: Record, rule: str | None = None) -> None:
        """Break the rule unless a revocation of this record was answered as a success."""
        expect(reply.status == 200, "200, because the token is revoked", reply, rule=rule)
        self.expect_json(reply, "RevokedByJti", 200, rule="revocation-form")
        body = reply.json
        expect(body is not None, "the answer to a revocation of a token that exists", reply, rule=rule)
        if self.profile.revoke_answer == "record":
            named = (body["_id"], body["jti"]) == (record["_id"], record["jti"])
            expect(named, f"the record of the token, {record['_id']}", reply, rule="revocation-answers-the-record")
        elif self.profile.revoke_answer == "counts":
            counted = (body["n"], body["deletedCount"]) == (1, 1)
            expect(counted, "a count of 1", reply, rule="revocation-form")

    def named(self, record: Record) -> Record:
        """A record of the list without further fields: the contract does not say what becomes of those."""
        return {name: value for name, value in record.items() if name in self._fields}

    def told(self, reply: Reply) -> Any:
        """The body of a successful revocation without further fields."""
        body, names = reply.json, names_in(self._form("RevokedByJti"))
        return {name: body[name] for name in body.keys() & names} if isinstance(body, dict) else body

    def _form(self, response: str) -> Any:
        if response not in self._forms:
            self._forms[response] = response_form(self.contract, response)
        return self._forms[response]
