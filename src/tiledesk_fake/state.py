"""All that one fake holds, and the lock that every decision is made under.

Users, history, clock, ids, gate, journal and faults, one of each. Requests and the Python interface both come here;
neither is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import replace
from threading import RLock
from typing import Any, NamedTuple

from .contract import Contract
from .contract.choices import Choices
from .core.clock import Clock, Setting
from .core.faults import Faults
from .core.handing import OnlyOnce
from .core.history import History, Page, Record
from .core.ids import Ids, IdsState, hex_id, parse_hex_id
from .core.journal import Journal
from .core.users import User, Users, check_text, check_user, not_held
from .errors import MisuseError, NotFound
from .gate.gate import Caller, Gate
from .gate.jwt import sign
from .refusals import CannotDelete, UnknownToken

_SET_BY_THE_FAKE = {"jti": "jti=…", "iat": "created_at=…", "exp": "expires_in=… or expires_at=…"}


class Snapshot(NamedTuple):
    """What a state held at one moment; opaque, and only good for the state it was taken from."""

    owner: State
    users: tuple[User, ...]
    records: tuple[Record, ...]
    claims: Mapping[int, Mapping[str, Any]]
    clock: Setting
    ids: IdsState

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self.users)} users, {len(self.records)} tokens>"


class State(OnlyOnce):
    """The users, tokens and time of one fake.

    `lock` makes decisions atomic: who reads or changes more than one thing holds it for as long, and never over I/O.
    `choices` are those of the answer that is being made under it.
    """

    def __init__(self, contract: Contract, secret: str, seed: int | None) -> None:
        self.contract = contract
        self.choices = Choices(contract.profile)
        self.lock = RLock()
        self.clock = Clock()
        names = contract.parameter_names
        self.journal = Journal(names)
        self._ids = Ids(seed)
        self.faults = Faults(names, self.lock, self.clock.now_ms, self._ids.happens)
        self._secret = secret.encode()
        self._hold(Users(), (), {})

    def _hold(self, users: Users, records: Iterable[Record], claims: dict[int, Mapping[str, Any]]) -> None:
        self.users = users
        self.history = History(records, ties=self.contract.profile.tie_order)
        self._claims = claims
        self.gate = Gate(users, self.history, self.clock, self._secret, enforces_revocation=self._enforces_revocation)

    def _enforces_revocation(self) -> bool:
        return self.choices.revocation_enforced == "yes"

    def reset(self) -> None:
        """Forget users, tokens, faults and exchanges, show the real time, start the ids again."""
        with self.lock:
            self.faults.clear()
            self.journal.clear()
            self.clock.resume()
            self._ids.restart()
            self._hold(Users(), (), {})

    def snapshot(self) -> Snapshot:
        """Users, tokens, clock and ids as they are now, for `restore`."""
        with self.lock:
            return Snapshot(
                self, tuple(self.users), tuple(self.history), dict(self._claims), self.clock.setting, self._ids.state()
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Make users, tokens, clock and ids as they were when the snapshot was taken, and forget all faults."""
        if snapshot.owner is not self:
            raise MisuseError("expected a snapshot of this fake, got one of another; every fake restores its own")
        with self.lock:
            self.faults.clear()
            self.undo(snapshot)

    def undo(self, snapshot: Snapshot) -> None:
        """Do as `restore`, but for the faults."""
        with self.lock:
            self.clock.restore(snapshot.clock)
            self._ids.resume_from(snapshot.ids)
            self._hold(Users(snapshot.users, self.users.former), snapshot.records, dict(snapshot.claims))

    def turn(self, contract: Contract) -> None:
        """Use this contract from now on; users, tokens and journal stay."""
        with self.lock:
            self.contract = contract
            for id, names in contract.parameter_names.items():
                self.journal.know(id, names)
            self.faults.know(contract.parameter_names)
            self._hold(self.users, self.history, self._claims)

    def add_user(self, email: str, password: str | None, id: int | None, active: bool, **named: Any) -> User:
        """A new user, with a new id unless one is given; `named` are claims of its tokens."""
        with self.lock:
            id = self._new_id() if id is None else id
            user = check_user(User(hex_id(id), email, password, active, **named))
            self.users.add(user)
            return user

    def update_user(self, user: User, changes: Mapping[str, Any]) -> User:
        """The user with these changes; tokens that are issued already say what they said."""
        with self.lock:
            self.check_held(user)
            before = self._current(user)
            after = check_user(replace(before, **changes))
            self.users.change(after)
            said = {claim: getattr(before, claim) for claim in ("email", "firstname", "lastname")}
            for record in self.history.of(user.id):
                self._claims[record.id] = said | dict(self._claims.get(record.id, {}))
            return after

    def remove_user(self, user: User) -> None:
        """Forget a user, and all tokens of that user."""
        with self.lock:
            self.check_held(user)
            self.users.remove(user)
            for record in self.history.remove(user.id):
                self._claims.pop(record.id, None)

    def check_held(self, user: User) -> None:
        """Raise NotFound for a user of another fake, or one that this has forgotten."""
        if not self.users.holds(user):
            raise not_held(user)

    def _current(self, user: User) -> User:
        return self.users.by_id(int(user.id, 16)) or user

    def issue(
        self,
        user: User,
        *,
        jti: str | None,
        id: int | None,
        created_ms: int,
        expires_ms: int | None,
        revoked: bool,
        claims: Mapping[str, Any],
    ) -> Record:
        """A new record in the user's history; `claims` replace or extend those that a sign-in would write."""
        for claim in _SET_BY_THE_FAKE.keys() & claims.keys():
            raise MisuseError(f"the claim {claim!r} follows the record; give {_SET_BY_THE_FAKE[claim]} instead")
        if jti is not None:
            if not jti:
                raise MisuseError(f"expected the jti as text of at least one character, got {jti!r}")
            check_text(jti, "jti")
        try:
            # Now, and not when the JWT is first read, somewhere else.
            if claims:
                sign(claims, b"")
        except (TypeError, ValueError, RecursionError) as cause:
            raise MisuseError(f"expected claims that JSON can write: {cause}") from None
        with self.lock:
            self.check_held(user)
            record = Record(
                created_ms,
                self._new_id() if id is None else id,
                self._new_jti() if jti is None else jti,
                user.id,
                # A JWT tells its expiry in whole seconds; so does the record, rounded down alike.
                None if expires_ms is None else expires_ms // 1000 * 1000,
                created_ms if revoked else None,
            )
            self.history.add(record)
            if claims:
                self._claims[record.id] = deepcopy(dict(claims))
            return record

    def jwt(self, record: Record) -> str:
        """The signed token of a record, with the claims that a real sign-in writes, in its order (observed)."""
        with self.lock:
            if self.history.by_id(record.id) is None:
                raise forgotten(record)
            user = self.users.by_id(int(record.user_id, 16))
            claims = {
                "email": user.email if user else None,
                "firstname": user.firstname if user else None,
                "lastname": user.lastname if user else None,
                "emailverified": user.emailverified if user else None,
                "_id": record.user_id,
                "iat": record.created_ms // 1000,
                "aud": "https://tiledesk.com",
                "iss": "https://tiledesk.com",
                "sub": "user",
                "jti": record.jti,
            }
            if record.expires_ms is not None:
                claims["exp"] = record.expires_ms // 1000
            return sign(claims | dict(self._claims.get(record.id, {})), self._secret)

    def current(self, record: Record) -> Record:
        """A record as it is now; raises NotFound if it is forgotten."""
        with self.lock:
            current = self.history.by_id(record.id)
        if current is None:
            raise forgotten(record)
        return current

    def claims_of(self, record: Record) -> dict[str, Any]:
        """The claims that a token has beside, or in place of, those that follow from its user and its record."""
        with self.lock:
            return deepcopy(dict(self._claims.get(record.id, {})))

    def revoke(self, record: Record) -> Record:
        """Revoke a token, now; one that is revoked already stays as it is."""
        with self.lock:
            return self.history.revoke(record, self.clock.now_ms())

    def revoke_at(self, jti: str, at_ms: int) -> None:
        """Revoke the token with this jti, if there is one, as it was done at a time."""
        with self.lock:
            if record := self.history.by_jti(jti):
                self.history.revoke(record, at_ms)

    def list_as(self, caller: Caller, field: str | None, *, descending: bool, page: float) -> Page:
        """The page with this number of a caller's records, ordered by a field, or as they were issued if it is None."""
        choices, history, size = self.choices, self.history, self.contract.page_size
        with self.lock:
            if history.may_tie(caller.user_id, field):
                choices.note(("tie-order",))
            return history.page(
                caller.user_id,
                field,
                descending=descending,
                start=int((page - self.contract.first_page) * size),
                size=size,
                without_revoked=history.has_revoked(caller.user_id) and choices.revoked_listed == "no",
            )

    def revoke_jti_as(self, caller: Caller, jti: str) -> Record:
        """Revoke the token with this jti at the request of a caller; the record as it is then.

        Raises UnknownToken for what does not exist to this caller, unless that makes a phantom.
        """
        with self.lock:
            return self._revoke_as(caller, self.history.by_jti(jti), jti=jti)

    def revoke_id_as(self, caller: Caller, text: str) -> Record:
        """Revoke the token whose record has this id, as `revoke_jti_as` does; raises CannotDelete for what is no id."""
        id = parse_hex_id(text)
        if id is None and self.choices.malformed_id == "fail":
            raise CannotDelete
        with self.lock:
            return self._revoke_as(caller, None if id is None else self.history.by_id(id), id=id)

    def _revoke_as(self, caller: Caller, record: Record | None, *, jti: str = "", id: int | None = None) -> Record:
        choices = self.choices
        # A phantom has no owner, and is as anybody's.
        foreign = record is not None and not record.is_phantom and record.user_id != caller.user_id
        if (
            record is None
            or (foreign and choices.revoke_foreign == "unknown")
            or (record.revoked and choices.revoke_again == "unknown")
        ):
            if choices.revoke_unknown != "phantom":
                raise UnknownToken
            return self._phantom(jti, id, stored=record is None)
        return self.history.revoke(
            record, self.clock.now_ms(), again=record.revoked and choices.revoke_again == "touched"
        )

    def _new_id(self) -> int:
        # After a restore ids and jtis come again, and one of them may be what a client has made a phantom of.
        while self.history.by_id(id := self._ids.object_id()) or self.users.by_id(id):
            pass
        return id

    def _new_jti(self) -> str:
        while self.history.by_jti(jti := self._ids.jti()):
            pass
        return jti

    def _phantom(self, jti: str, id: int | None, *, stored: bool) -> Record:
        """What the revocation of something unknown makes; not stored where its key exists, and only looks unknown."""
        now_ms = self.clock.now_ms()
        record = Record(now_ms, self._new_id() if id is None else id, jti, "", revoked_ms=now_ms)
        # Who revokes without end what is unknown gets answers, but no more memory.
        if stored and not self.history.is_full:
            self.history.add(record)
        return record


def forgotten(record: Record) -> NotFound:
    """The error for a token that a fake no longer holds."""
    return NotFound(
        f"this fake does not hold the token {record.jti!r} any more; reset forgets tokens, as remove_user does"
    )
