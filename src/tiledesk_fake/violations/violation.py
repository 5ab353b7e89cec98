"""What no correct client sends: the rules, and how a breach of one reads."""

from collections.abc import Mapping
from typing import NamedTuple

from ..core.redaction import printable

CLIENT_RULES: Mapping[str, str] = {
    "auth-scheme": "the scheme word of Authorization is JWT or Basic",
    "auth-malformed": "Authorization is a scheme word, one space and credentials of the form that the scheme has",
    "auth-in-query": "credentials are in the Authorization header, never in the query",
    "unknown-parameter": "every query parameter is one that the operation has",
    "repeated-parameter": "no query parameter is given twice",
    "invalid-parameter": "every parameter has a value that its schema allows",
    "unknown-path": "the path is one that the contract has",
    "unknown-method": "the method is one that the path has",
    "unexpected-body": "no request has a body but a sign-in, which has JSON or a form",
}
"""The rules that no correct client breaks, each with the sentence it stands for."""


class Violation(NamedTuple):
    """Something in a request that no correct client would send.

    `rule` is one of `CLIENT_RULES`, `message` says what to do, `where` is the place in the contract, `curl` sends the
    request again once the placeholders are filled in.
    """

    rule: str
    message: str
    expected: str
    got: str
    where: str
    curl: str

    def __str__(self) -> str:
        return (
            f"{self.rule}: {printable(self.message)}\n"
            f"    expected  {self.expected}\n"
            f"    got       {printable(self.got)}\n"
            f"    contract  {self.where}\n"
            f"    again     {printable(self.curl)}"
        )
