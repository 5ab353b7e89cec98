"""The first user's tokens: which of them may be revoked, and the keys that no token has."""

from dataclasses import dataclass, field

from ..core.ids import Ids, hex_id
from .asking import Asking
from .credentials import Jwt
from .judging import Record
from .outcome import LeftOut
from .signin import SignIn


@dataclass(frozen=True, slots=True)
class Sacrifice:
    """A token that was given up: its record before anything happened to it, and its JWT where that is known."""

    record: Record
    jwt: str | None = field(default=None, repr=False)

    @property
    def jti(self) -> str:
        """The jti that it is revoked by."""
        return str(self.record["jti"])

    @property
    def id(self) -> str:
        """The id that it is revoked by."""
        return str(self.record["_id"])


class Tokens:
    """Gives tokens up, which is the only way to have them revoked: the guard protects all others."""

    def __init__(self, exam: Asking, sign_in: SignIn, *, may_revoke: bool, seed: int) -> None:
        self._exam = exam
        self._sign_in = sign_in
        self._may_revoke = may_revoke
        self._ids = Ids(seed)
        self._own: list[Record] | None = None
        self._spare: Sacrifice | None = None
        self.given_up: list[Sacrifice] = []
        """All that were given up, in that order."""

    @property
    def minted(self) -> list[str]:
        """The JWTs of sign-ins that were given up."""
        return [token.jwt for token in self.given_up if token.jwt is not None]

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

    def give_up(self, *, with_jwt: bool = False) -> Sacrifice:
        """A token that is not revoked and may be. Raises LeftOut if there is none left.

        It comes from a sign-in where the server has one, else from the list; `with_jwt` wants its JWT known.
        """
        self.need_leave()
        issued = self._sign_in.issue()
        if issued is None and with_jwt:
            raise LeftOut("there is no token whose JWT is known and which may be revoked: sign-in is not to be had")
        token = self._from_list() if issued is None else Sacrifice(issued[0], issued[1].token)
        if token not in self.given_up:
            self._note(token)
        return token

    def give_up_several(self, number: int) -> list[Sacrifice]:
        """This many tokens to revoke, all of them or LeftOut."""
        if not self._sign_in.is_possible and len(self._candidates()) < number:
            raise LeftOut(f"{number} tokens to revoke are needed, {len(self._candidates())} are left")
        return [self.give_up() for _ in range(number)]

    def give_up_in_use(self) -> tuple[Jwt, Sacrifice]:
        """The JWT that the examination calls with, and its record, given up: only ever the last step.

        Raises LeftOut where it is not in the list.
        """
        self.need_leave()
        listed = {record["jti"]: record for record in self._exam.records() if not record["revoked"]}
        for jwt in reversed(self._exam.first.jwts):
            record = listed.get(jwt.jti)
            if record is not None:
                token = Sacrifice(record, jwt.token)
                self._note(token)
                return jwt, token
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
