"""The first user's tokens: those of sign-ins, those that may be revoked, and the keys that no token has."""

from contextlib import suppress
from dataclasses import dataclass, field

from ..core.ids import Ids, hex_id
from .asking import Asking
from .credentials import Jwt
from .judging import Record
from .outcome import Broken, Forbidden, LeftOut
from .signin import SignIn

MOST_ISSUED = 100
"""More tokens are not made to fill the pages of a list."""


@dataclass(frozen=True, slots=True)
class Sacrifice:
    """A token that was given up: its record before anything happened to it, and its JWT where that is known."""

    record: Record
    jwt: Jwt | None = field(default=None, repr=False)

    @property
    def jti(self) -> str:
        """The jti that it is revoked by."""
        return str(self.record["jti"])

    @property
    def id(self) -> str:
        """The id that it is revoked by."""
        return str(self.record["_id"])

    @property
    def authorization(self) -> str:
        """The `Authorization` header that calls with it. Raises LeftOut where its JWT is not known."""
        if self.jwt is None:
            raise LeftOut("there is no token whose JWT is known and which may be revoked: sign-in is not to be had")
        return self.jwt.authorization


class Tokens:
    """Gives tokens up, which is the only way to have them revoked: the guard protects all others."""

    def __init__(self, exam: Asking, *, may_revoke: bool, seed: int) -> None:
        self._exam = exam
        self._sign_in = SignIn(exam)
        self._may_revoke = may_revoke
        self._ids = Ids(seed)
        self._own: list[Record] | None = None
        self._spare: Sacrifice | None = None
        self._unused: list[Sacrifice] = []
        self._caller: Sacrifice | None = None
        self._alive: list[Sacrifice] = []
        self.given_up: list[Sacrifice] = []
        """All that were given up, in that order."""

    def nobodys_jti(self) -> str:
        """A jti that no token has."""
        return self._exam.guard.nobodys(self._ids.jti())

    def nobodys_id(self) -> str:
        """An id that no record has."""
        return self._exam.guard.nobodys(hex_id(self._ids.object_id()))

    def need_leave(self) -> None:
        """Raise LeftOut unless tokens may be revoked."""
        if not self._may_revoke:
            raise LeftOut("nothing may be revoked without --may-revoke")

    @property
    def can_be_made(self) -> bool:
        """Whether sign-ins make as many tokens as are given up."""
        return self._sign_in.is_possible

    def call_by_token(self) -> None:
        """Let the first user call with a token of a sign-in, unless another token calls or there is no leave."""
        if not self._may_revoke or self._exam.first.caller is not None:
            return
        self._issue(1 - len(self._unused))
        if self._unused:
            # The newest, because the unused ones are given up from the oldest on.
            self._caller = self._unused.pop()
            self._exam.first.credentials += filter(None, [self._caller.jwt])

    def need(self, number: int, found: int) -> None:
        """Raise LeftOut unless the first user has this many tokens; sign-ins make those that are not `found`."""
        missing = number - found
        if self._may_revoke and 0 < missing <= MOST_ISSUED:
            missing -= self._issue(missing)
        if missing > 0:
            raise LeftOut(f"at least {number} tokens are needed, the user has {number - missing}")

    def give_up(self, *, with_jwt: bool = False) -> Sacrifice:
        """A token that is not revoked and may be. Raises LeftOut if there is none left.

        It comes from a sign-in where the server has one, else from the list; `with_jwt` wants its JWT known.
        """
        self.need_leave()
        if not self._unused:
            self._issue(1)
        if not self._unused and with_jwt:
            raise LeftOut("there is no token whose JWT is known and which may be revoked: sign-in is not to be had")
        token = self._unused.pop(0) if self._unused else self._from_list()
        if token not in self.given_up:
            self._note(token)
        return token

    def give_up_several(self, number: int) -> list[Sacrifice]:
        """This many tokens to revoke, all of them or LeftOut."""
        left = len(self._unused)
        if left < number and not self._sign_in.is_possible:
            left += len(self._candidates())
            if left < number:
                raise LeftOut(f"{number} tokens to revoke are needed, {left} are left")
        return [self.give_up() for _ in range(number)]

    def give_up_in_use(self) -> Sacrifice:
        """The token that calls, given up: only ever the last step.

        A token that was given stays in use where a sign-in can make another one. Raises LeftOut where no token that can
        call is in the list.
        """
        self.need_leave()
        try:
            token = self._caller or self.give_up(with_jwt=True)
        except LeftOut:
            token = self._in_use()
        if token not in self.given_up:
            self._note(token)
        self._retire(token)
        return token

    def _in_use(self) -> Sacrifice:
        listed = {record["jti"]: record for record in self._exam.records() if not record["revoked"]}
        for jwt in reversed(self._exam.first.jwts):
            if jwt.jti in listed:
                return Sacrifice(listed[jwt.jti], jwt)
        raise LeftOut("no JWT was given that is in the list and not revoked")

    def spare(self) -> Sacrifice:
        """A token that may be revoked and is not: for requests that must not revoke it."""
        if self._spare is None or not self.is_untouched(self._spare):
            self._spare = self.give_up()
        return self._spare

    def record(self, token: Sacrifice) -> Record | None:
        """The record of a token as it is listed now; None if it is not."""
        return next((record for record in self._exam.records() if record["_id"] == token.id), None)

    def is_revoked(self, token: Sacrifice) -> bool:
        """Whether the list shows a token as revoked: marked, or gone if the profile says so."""
        record = self.record(token)
        if self._exam.profile.revoked_listed == "no":
            return record is None
        return record is not None and record["revoked"] is True

    def is_untouched(self, token: Sacrifice) -> bool:
        """Whether the list shows a token exactly as it was when it was given up."""
        return self.record(token) == token.record

    def tidy(self, *, revoke: bool) -> None:
        """Revoke the tokens of sign-ins that are alive; `left_behind` names those that stay alive."""
        try:
            self._alive += [Sacrifice(record, jwt) for record, jwt in self._sign_in.found_later()]
            for token in self._still_alive() if revoke else ():
                if token == self._caller:
                    self._retire(token)
                if token not in self.given_up:
                    self._note(token)
                with suppress(Forbidden):  # then it stays alive, and is named
                    self._exam.revoke_jti(token.jti)
            self._alive = self._still_alive()
        except Broken:
            # Nobody knows, so all of them are named.
            return

    @property
    def left_behind(self) -> list[str]:
        """What may be alive on the server because somebody was signed in, one sentence each."""
        said = self._sign_in.unknown
        for token in self._alive:
            id, jti = (self._exam.redact(str(token.record[key])) for key in ("_id", "jti"))
            said.append(f"the token of a sign-in, {id} (jti {jti}), which is not revoked")
        return said

    def _still_alive(self) -> list[Sacrifice]:
        if not self._alive:
            return []
        alive = {record["_id"] for record in self._exam.records() if not record["revoked"]}
        found = [token for token in self._alive if token.record["_id"] in alive]
        # The one that calls goes last: once it is revoked, it calls no more.
        return sorted(found, key=lambda token: token == self._caller)

    def _retire(self, token: Sacrifice) -> None:
        if token.jwt is not None:
            self._exam.first.retire(token.jwt)

    def _issue(self, number: int) -> int:
        """Sign in this many times, as far as that is possible; how many tokens came of it."""
        issued = [Sacrifice(record, jwt) for record, jwt in self._sign_in.issue(number)]
        self._unused += issued
        self._alive += issued
        return len(issued)

    def _note(self, token: Sacrifice) -> None:
        self._exam.guard.give_up(token.jti, token.id)
        self.given_up.append(token)

    def _candidates(self) -> list[Record]:
        if self._own is None:
            in_use = {jwt.jti for person in self._exam.persons for jwt in person.jwts}
            # The oldest come first, because the newest are likelier to be somebody's session of today.
            found = sorted(self._exam.records(), key=lambda record: str(record["createdAt"]))
            self._own = [record for record in found if not record["revoked"] and record["jti"] not in in_use]
        return self._own

    def _from_list(self) -> Sacrifice:
        if not self._candidates():
            # Where tokens are few, the spare one is revoked last: the rules that spare it have been asked.
            spare, self._spare = self._spare, None
            if spare is None or not self.is_untouched(spare):
                raise LeftOut("no token is left that may be revoked")
            return spare
        return Sacrifice(self._candidates().pop(0))
