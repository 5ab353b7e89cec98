"""Tokens from `POST {base}/auth/signin`."""

import json

from .asking import Asking
from .credentials import Jwt
from .judging import Record
from .outcome import CannotCheck


class SignIn:
    """Signs the first user in, where the server has a sign-in and the password is known."""

    def __init__(self, exam: Asking) -> None:
        self._exam = exam
        self._works = True
        self._unread: list[str] = []
        self._unlisted: list[Jwt] = []

    @property
    def is_possible(self) -> bool:
        """Whether a sign-in may succeed: the password is known, and none has failed so far."""
        return self._works and self._exam.first.basic is not None

    def issue(self, number: int = 1) -> list[tuple[Record, Jwt]]:
        """This many new tokens, as they are listed and as they call; fewer where sign-in is not to be had."""
        jwts: list[Jwt] = []
        while len(jwts) < number and (jwt := self._sign_in()) is not None:
            self._exam.redact.add(jwt.token, "$MINTED")
            jwts.append(jwt)
        self._unlisted += jwts
        try:
            return self.found_later()
        finally:
            self._works = self._works and not self._unlisted

    def found_later(self) -> list[tuple[Record, Jwt]]:
        """The new tokens that were not found in the list so far, and are now."""
        if not self._unlisted:
            return []
        listed = {record["jti"]: record for record in self._exam.records()}
        found = [(listed[jwt.jti], jwt) for jwt in self._unlisted if jwt.jti in listed]
        self._unlisted = [jwt for jwt in self._unlisted if jwt.jti not in listed]
        return found

    @property
    def unknown(self) -> list[str]:
        """The tokens that nobody can revoke, one sentence each: they were not understood, or are not listed."""
        unlisted = (self._exam.redact(jwt.jti or "unknown") for jwt in self._unlisted)
        said = [f"the token of a sign-in, which was not found in the list (jti {jti})" for jti in unlisted]
        return [*self._unread, *said]

    def _sign_in(self) -> Jwt | None:
        exam, basic = self._exam, self._exam.first.basic
        if basic is None or not self._works:
            return None
        body = json.dumps({"email": basic.email, "password": basic.password}).encode()
        reply = exam.client.send("POST", "/auth/signin", [("Content-Type", "application/json")], body)
        if reply.status is None:
            self._unread.append(exam.redact(f"perhaps a token of a sign-in: {reply.failure}"))
        try:
            jwt = Jwt.parse(reply.json["token"]) if reply.status == 200 else None
        except (ValueError, KeyError, TypeError, AttributeError, CannotCheck):
            jwt = None
        if jwt is None:
            self._works = False
            if reply.status == 200:
                said = exam.redact(reply.summary)
                self._unread.append(f"perhaps a token of a sign-in, whose answer could not be read: {said}")
        return jwt
