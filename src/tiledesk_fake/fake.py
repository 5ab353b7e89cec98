"""`TiledeskFake`: the interface for tests, over one state that is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any

from . import contract as contracts
from .arguments import checked
from .contract.choices import NotedReads
from .contract.profile import choices_and_evidence
from .core.clock import Clock, OutsideOfTime, milliseconds, moment
from .core.faults import Faults
from .core.ids import given_id, hex_id, new_secret
from .core.journal import Journal
from .core.users import User, check_text
from .errors import MisuseError
from .handles import Token, TokensByJti, UnknownJti, UsersByEmail, token_of
from .served import Served
from .state import Snapshot, State
from .violations.verdict import check_rules, judge

_USER_WANTED = "add_user makes one, and fake.users['ada@example.com'] is the one with that e-mail address"
_PROFILE_WANTED = "write it like profile={'page-size': '10'}"
_TOKEN_WANTED = "for a jti say revoke(jti=…)"  # noqa: S105 - a hint


class TiledeskFake(Served):
    """A stateful fake of Tiledesk's JWT history API, in memory.

    - `profile` turns assumptions: a mapping from their ids to choices, `"siblings"` for what the API's authors would
      most probably have written, or the path of a profile file.
    - `secret` signs the tokens; it is random unless given.
    - `base_path` precedes every path; the contract's, `/v3`, unless given.
    - `host` and `port` are where the server listens; the default is a free port of 127.0.0.1.
    - `tls` makes the server speak TLS, and nothing else; clients are told to trust `ca_file`. It takes the extra `tls`.
      With a path, the authority is kept in that folder, and so outlasts the process.
    - `seed` makes ids and jtis repeatable.
    - `strict` verifies at the end of a `with`, unless its block raised; see `verify`.

    Everything but `url` works without the server. Raises ProfileError for an unknown assumption or choice, and
    MisuseError for other arguments that cannot work. That is so with every method: an argument of another type than
    its annotation is a MisuseError that says what to write.

    >>> with TiledeskFake() as fake:
    ...     ada = fake.add_user(email="ada@example.com", password="secret")
    ...     phone = fake.issue_token(ada)
    ...     fake.url.startswith("http://127.0.0.1:")
    True
    """

    @checked(profile=_PROFILE_WANTED)
    def __init__(
        self,
        *,
        profile: Mapping[str, str] | str | Path | None = None,
        secret: str | None = None,
        base_path: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool | str | Path = False,
        seed: int | None = None,
        strict: bool = False,
    ) -> None:
        choices, self._evidence = choices_and_evidence(profile)
        self._contract = contract = contracts.load(choices)
        if secret is not None and not secret:
            raise MisuseError(
                "expected a secret of at least one character, got an empty one; leave it out for a random one"
            )
        check_text(secret or "", "secret")
        super().__init__(
            lambda: State(contract, secret or new_secret(), seed),
            base_path=contract.base_path if base_path is None else base_path,
            host=host,
            port=port,
            tls=tls,
        )
        self._strict = strict

    @property
    def contract(self) -> Mapping[str, Any]:
        """The API's OpenAPI document under the current profile; treat it as read-only."""
        # All of it is read at once, so whatever turns it decides.
        self.journal.touched.update(self._contract.choices)
        return self._contract.document

    @property
    def profile(self) -> Mapping[str, str]:
        """The choice of every assumption, by its id, the defaults too."""
        return NotedReads(self._contract.choices, self.journal.touched.add)

    @property
    def touched(self) -> frozenset[str]:
        """The ids of the assumptions that have decided so far: an answer, its journal entry, or a value that was read.

        Another choice of any other assumption would have changed nothing. Neither `journal.clear` nor `reset` empties
        it.

        >>> fake = TiledeskFake()
        >>> fake.profile["page-base"], fake.touched
        ('0', frozenset({'page-base'}))
        """
        return frozenset(self.journal.touched)

    @checked(profile=_PROFILE_WANTED)
    def set_profile(self, profile: Mapping[str, str] | str | Path | None) -> None:
        """Change assumptions from now on; `profile` is what TiledeskFake takes, and None means the defaults.

        An assumption that it does not name gets its default. Users, tokens and the journal stay. Raises ProfileError
        for an unknown assumption or choice.

        >>> fake = TiledeskFake(profile={"page-base": "1"})
        >>> fake.set_profile({"page-size": "10"})
        >>> fake.profile["page-base"], fake.profile["page-size"]
        ('0', '10')
        """
        choices, evidence = choices_and_evidence(profile)
        contract = contracts.load(choices)
        self.wsgi_app.road.turn(contract)
        self._contract, self._evidence = contract, evidence

    @property
    def evidence(self) -> Mapping[str, str]:
        """The evidence in the profile file, by the id of the assumption; empty without a file."""
        return self._evidence

    @property
    def clock(self) -> Clock:
        """The fake's own time: `freeze`, `advance`, `resume`, `now`."""
        return self._state.clock

    @property
    def journal(self) -> Journal:
        """What clients sent and what they got, without their credentials.

        `exchanges`, `violations`, `dropped`, `assert_called`, `assert_not_called`, `clear`.
        """
        return self._state.journal

    @property
    def faults(self) -> Faults:
        """Misbehaviour on purpose: `add`, `unspent`, `clear`."""
        return self._state.faults

    @property
    def users(self) -> Mapping[str, User]:
        """The users by e-mail address, in the order they were added; a live view.

        Raises NotFound, which is a KeyError here too, for an address that nobody has.
        """
        return UsersByEmail(self._state)

    @property
    def tokens(self) -> Mapping[str, Token]:
        """All tokens by their jtis, in the order they were issued; a live view.

        Raises NotFound, which is a KeyError here too, for a jti that no token has.
        """
        return TokensByJti(self._state)

    @checked()
    def add_user(
        self,
        *,
        email: str,
        password: str | None = None,
        id: str | None = None,
        active: bool = True,
        firstname: str = "Test",
        lastname: str = "User",
        emailverified: bool = True,
    ) -> User:
        """A new user. Without a password Basic never works; a user who is not active is refused everywhere (observed).

        `id` is 24 hex digits of either case, made up unless given. E-mail addresses that differ in case are two users.
        `firstname`, `lastname` and `emailverified` are claims of the user's tokens, and in the answer of a sign-in.

        Raises AlreadyExists for an e-mail address or id that is taken, MisuseError for an id that is not 24 hex digits
        and for an e-mail address that is empty.
        """
        named = {"firstname": firstname, "lastname": lastname, "emailverified": emailverified}
        return self._state.add_user(email, password, given_id(id), active, **named)

    @checked(user=_USER_WANTED)
    def update_user(
        self,
        user: User,
        *,
        email: str | None = None,
        password: str | EllipsisType | None = ...,
        active: bool | None = None,
        firstname: str | None = None,
        lastname: str | None = None,
    ) -> User:
        """Change a user, and return the changed one; `password=None` removes the password.

        From now on the gate goes by it. Tokens that are issued already stay as they are, and so do their claims.

        Raises NotFound for a user of another fake, AlreadyExists for an e-mail address that is taken, and MisuseError
        for an e-mail address that is empty and where nothing is given.

        >>> fake = TiledeskFake()
        >>> ada = fake.add_user(email="ada@example.com", password="secret")
        >>> fake.update_user(ada, active=False).active, fake.users["ada@example.com"].active
        (False, False)
        """
        given = {"email": email, "active": active, "firstname": firstname, "lastname": lastname}
        changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if password is not ...:
            changes["password"] = password
        if not changes:
            raise MisuseError("expected what to change: email=…, password=…, active=…, firstname=… or lastname=…")
        return self._state.update_user(user, changes)

    @checked(user=_USER_WANTED)
    def remove_user(self, user: User) -> None:
        """Forget a user and all tokens of that user; from now on the gate refuses both.

        Raises NotFound for a user of another fake, or one that is forgotten already.
        """
        self._state.remove_user(user)

    @checked(user=_USER_WANTED)
    def issue_token(
        self,
        user: User,
        *,
        expires_in: timedelta | None = None,
        expires_at: datetime | None = None,
        jti: str | None = None,
        id: str | None = None,
        created_at: datetime | None = None,
        revoked: bool = False,
        claims: Mapping[str, Any] | None = None,
    ) -> Token:
        """A new token of the user, as a sign-in would make it (observed): HS256, with no expiry unless one is given.

        `expires_in` counts from `created_at`, which is now unless given; expiry is rounded down to whole seconds, as
        a JWT tells it. `claims` replace or extend the claims of the JWT.

        Raises AlreadyExists for a jti or id that is taken, NotFound for a user of another fake, and MisuseError for
        a naive datetime and other values that cannot work.

        >>> fake = TiledeskFake()
        >>> fake.clock.freeze(datetime.fromisoformat("2026-01-01T00:00:00Z"))
        >>> ada = fake.add_user(email="ada@example.com")
        >>> fake.issue_token(ada, expires_in=timedelta(hours=1), jti="phone").expires_at.isoformat()
        '2026-01-01T01:00:00+00:00'
        """
        if expires_in is not None and expires_at is not None:
            raise MisuseError("expected expires_in or expires_at, got both")
        # Held while the time is read too, or else a token could be older than one that was issued before it.
        with self._state.lock:
            created_ms = self._state.clock.now_ms() if created_at is None else milliseconds(created_at)
            if expires_in is not None:
                try:
                    expires_at = moment(created_ms) + expires_in
                except OverflowError:
                    raise OutsideOfTime(f"expected a time from 1970 to 9999, got {expires_in} after creation") from None
            record = self._state.issue(
                user,
                jti=jti,
                id=given_id(id),
                created_ms=created_ms,
                expires_ms=None if expires_at is None else milliseconds(expires_at),
                revoked=revoked,
                claims=claims or {},
            )
            return token_of(record, self._state)

    @checked(user=_USER_WANTED)
    def history(self, user: User) -> list[Token]:
        """All tokens of the user, the newest first, revoked ones too, whatever the profile says of the list.

        Raises NotFound for a user of another fake, or of before a reset.
        """
        with self._state.lock:
            self._state.check_held(user)
            return [token_of(record, self._state) for record in self._state.history.of(user.id)]

    @checked(token=_TOKEN_WANTED)
    def revoke(self, token: Token | None = None, /, *, jti: str | None = None) -> Token:
        """Revoke a token, or the one with this jti, whoever it belongs to; one that is revoked already stays as it is.

        No request is made, so nothing gets into the journal. Whether the gate refuses the token from now on is the
        assumption `revocation-enforced`. Raises NotFound if this fake does not hold the token.

        >>> fake = TiledeskFake()
        >>> phone = fake.issue_token(fake.add_user(email="ada@example.com"), jti="phone")
        >>> fake.revoke(jti="phone") == phone, phone.revoked
        (True, True)
        """
        if (token is None) == (jti is None):
            raise MisuseError("expected a token or jti=…, one of them")
        wanted = token.jti if token is not None else jti
        with self._state.lock:
            record = self._state.history.by_jti(wanted or "")
            if record is None or record.is_phantom or (token is not None and token.id != hex_id(record.id)):
                raise UnknownJti(wanted)
            return token_of(self._state.revoke(record), self._state)

    @checked(scenario="write it like load({'users': […]})")
    def load(self, scenario: str | Path | Mapping[str, Any]) -> None:
        """Add the users and tokens of a scenario: the path of a YAML file, or a mapping of the same form.

        Raises ScenarioError, naming file, line and key, and then nothing is added.

        >>> fake = TiledeskFake()
        >>> fake.load({"users": [{"email": "ada@example.com", "tokens": [{"jti": "phone"}, {}]}]})
        >>> len(fake.history(fake.users["ada@example.com"]))
        2
        """
        from .scenario import parse_scenario, read_scenario

        parsed = parse_scenario(scenario) if isinstance(scenario, Mapping) else read_scenario(scenario)
        parsed.add_to(self._state)

    def scenario(self) -> dict[str, Any]:
        """All users with their tokens as a scenario, which `load` takes; passwords are in it.

        >>> fake = TiledeskFake()
        >>> ada = fake.add_user(email="ada@example.com", password="secret")
        >>> token = fake.issue_token(ada)
        >>> other = TiledeskFake()
        >>> other.load(fake.scenario())
        >>> other.users["ada@example.com"] == ada, other.tokens[token.jti] == token
        (True, True)
        """
        from .scenario import scenario_of

        return scenario_of(self._state)

    @checked(allow="write it like allow=['auth-scheme']")
    def verify(self, *, allow: Sequence[str] = ()) -> None:
        """Assert that clients sent nothing that no correct client sends, and that they met all planned faults.

        For a fake made by hand; the plugin judges the fakes of its fixtures. `allow` has the rules that may be broken:
        those of the violations, and `unspent-fault`. The next call judges only what came after this one.

        Raises ViolationError, which is an AssertionError, and MisuseError for a rule that there is not.

        >>> fake = TiledeskFake()
        >>> fake.faults.add("listTokens", status=503)
        >>> fake.verify(allow=["unspent-fault"])
        >>> fake.verify()
        """
        check_rules(allow)
        unspent = self.faults.unspent
        self.faults.clear()
        judge(self.journal, unspent, allow)

    def reset(self) -> None:
        """Make the fake as new: no users, no tokens, real time, no faults, an empty journal, ids from the seed."""
        self._state.reset()

    def snapshot(self) -> Snapshot:
        """Users, tokens, the clock and where the ids are, for `restore`; not the faults, and not the journal.

        >>> fake = TiledeskFake()
        >>> empty = fake.snapshot()
        >>> ada = fake.add_user(email="ada@example.com")
        >>> fake.restore(empty)
        >>> len(fake.users)
        0
        """
        return self._state.snapshot()

    @checked(snapshot="fake.snapshot() takes one")
    def restore(self, snapshot: Snapshot) -> None:
        """Make users, tokens, clock and ids as they were when the snapshot was taken; it may be restored again.

        Faults are forgotten; the journal goes on.

        Raises MisuseError for a snapshot of another fake.
        """
        self._state.restore(snapshot)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._strict and kind is None:
            self.verify()

    def __repr__(self) -> str:
        where = self.url if self.listening else "not listening"
        return f"<TiledeskFake {where}, {len(self._state.users)} users, {len(self._state.history)} tokens>"
