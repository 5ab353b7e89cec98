"""Tokens from `POST {base}/auth/signin`: how they are had, and that none is left alive."""

import json
from contextlib import suppress

from .asking import Asking
from .credentials import Jwt
from .judging import Record
from .outcome import Broken, CannotCheck, Forbidden


class SignIn:
    """Signs the first user in, where the server has a sign-in and the password is known."""

    def __init__(self, exam: Asking) -> None:
        self._exam = exam
        self._works = True
        self._issued: list[Record] = []
        self.left_behind: list[str] = []
        """What may be alive on the server because somebody was signed in, one sentence each."""

    @property
    def is_possible(self) -> bool:
        """Whether a sign-in may succeed: the password is known, and none has failed so far."""
        return self._works and self._exam.first.basic is not None

    def issue(self) -> tuple[Record, Jwt] | None:
        """A new token, as it is listed and as it calls; None where sign-in is not to be had."""
        jwt = self._sign_in()
        if jwt is None:
            return None
        self._exam.redact.add(jwt.token, "$MINTED")
        record = None
        try:
            record = next((each for each in self._exam.records() if jwt.jti and each["jti"] == jwt.jti), None)
        finally:
            if record is None:
                self._works = False
                said = self._exam.redact(jwt.jti or "unknown")
                self.left_behind.append(f"the token of a sign-in, which was not found in the list (jti {said})")
        if record is None:
            return None
        self._issued.append(record)
        return record, jwt

    def _sign_in(self) -> Jwt | None:
        exam, basic = self._exam, self._exam.first.basic
        if basic is None or not self._works:
            return None
        body = json.dumps({"email": basic.email, "password": basic.password}).encode()
        reply = exam.client.send("POST", "/auth/signin", [("Content-Type", "application/json")], body)
        if reply.status is None:
            self.left_behind.append(exam.redact(f"perhaps a token of a sign-in: {reply.failure}"))
        try:
            jwt = Jwt.parse(reply.json["token"]) if reply.status == 200 else None
        except (ValueError, KeyError, TypeError, AttributeError, CannotCheck):
            jwt = None
        if jwt is None:
            self._works = False
            if reply.status == 200:
                said = exam.redact(reply.summary)
                self.left_behind.append(f"perhaps a token of a sign-in, whose answer could not be read: {said}")
        return jwt

    def tidy(self, *, revoke: bool) -> None:
        """Revoke the tokens of sign-ins that are alive; what stays alive is in `left_behind`."""
        try:
            for record in self._alive() if revoke else ():
                with suppress(Forbidden):  # then it stays alive, and is named
                    self._exam.revoke_jti(str(record["jti"]))
            alive = self._alive()
        except Broken:
            alive = self._issued
        for record in alive:
            id, jti = (self._exam.redact(str(record[key])) for key in ("_id", "jti"))
            self.left_behind.append(f"the token of a sign-in, {id} (jti {jti}), which is not revoked")

    def _alive(self) -> list[Record]:
        if not self._issued:
            return []
        alive = {record["_id"] for record in self._exam.records() if not record["revoked"]}
        return [record for record in self._issued if record["_id"] in alive]
