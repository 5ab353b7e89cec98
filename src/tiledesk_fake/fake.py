"""`TiledeskFake`: the interface for tests, over one state, one WSGI app and one server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import RLock
from types import EllipsisType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from . import contract as contracts
from .arguments import checked
from .contract.profile import check, read_profile
from .core.clock import Clock, OutsideOfTime, milliseconds, moment
from .core.faults import Faults
from .core.handing import OnlyOnce
from .core.ids import hex_id, new_secret, parse_hex_id
from .core.journal import Journal
from .core.users import User, check_text
from .errors import MisuseError, NotListening
from .handles import Token, TokensByJti, UnknownJti, UsersByEmail, token_of
from .serving.rejection import OnRefused
from .serving.server import Server
from .state import Snapshot, State
from .violations.verdict import check_rules, judge
from .web.problems import BELOW_THE_APP
from .web.road import Road
from .web.wsgi import WsgiApp

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .scenario import Scenario, ScenarioToken
    from .web.app import FlaskApp


_USER_WANTED = "add_user makes one, and fake.users['ada@example.com'] is the one with that e-mail address"
_TOKEN_WANTED = "for a jti say revoke(jti=…)"  # noqa: S105 - a hint


class TiledeskFake(OnlyOnce):
    """A stateful fake of Tiledesk's JWT history API, in memory.

    - `profile` turns assumptions: a mapping from their ids to choices, `"siblings"` for what the API's authors would
      most probably have written, or the path of a profile file.
    - `secret` signs the tokens; it is random unless given.
    - `base_path` precedes every path; the contract's, `/v3`, unless given.
    - `host` and `port` are where the server listens; the default is a free port of 127.0.0.1.
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

    @checked()
    def __init__(
        self,
        *,
        profile: Mapping[str, str] | str | Path | None = None,
        secret: str | None = None,
        base_path: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int | None = None,
        strict: bool = False,
    ) -> None:
        choices, self._evidence = _choices_and_evidence(profile)
        self._contract = contracts.load(choices)
        if secret is not None and not secret:
            raise MisuseError(
                "expected a secret of at least one character, got an empty one; leave it out for a random one"
            )
        check_text(secret or "", "secret")
        self._secret, self._seed = secret, seed
        self._base_path = self._contract.base_path if base_path is None else _checked_base_path(base_path)
        self._host, self._port = host, port
        self._strict = strict
        # Clients know the address by the time that a fake is stopped and started again.
        self._last_port = 0
        # What is made when it is first needed, and the lock that it is made under; whoever holds that waits for nobody.
        self._making = RLock()
        self._made_state: State | None = None
        self._made_wsgi_app: WsgiApp | None = None
        self._made_app: FlaskApp | None = None
        self._server: Server | None = None

    @property
    def _state(self) -> State:
        # Made when it is first needed: many a test has a fake that it does not use.
        if self._made_state is None:
            with self._making:
                if self._made_state is None:
                    self._made_state = State(self._contract, self._secret or new_secret(), self._seed)
        return self._made_state

    @property
    def base_path(self) -> str:
        """What precedes every path: `/v3`."""
        return self._base_path

    @property
    def contract(self) -> Mapping[str, Any]:
        """The API's OpenAPI document under the current profile; treat it as read-only."""
        return self._contract.document

    @property
    def profile(self) -> Mapping[str, str]:
        """The choice of every assumption, by its id, the defaults too."""
        return self._contract.choices

    @checked()
    def set_profile(self, profile: Mapping[str, str] | str | Path | None) -> None:
        """Turn assumptions from now on; `profile` is what TiledeskFake takes, and None the defaults.

        What it does not name has its default. Users, tokens and the journal stay. Raises ProfileError for an unknown
        assumption or choice.

        >>> fake = TiledeskFake(profile={"page-base": "1"})
        >>> fake.set_profile({"page-size": "10"})
        >>> fake.profile["page-base"], fake.profile["page-size"]
        ('0', '10')
        """
        choices, evidence = _choices_and_evidence(profile)
        contract = contracts.load(choices)
        self.wsgi_app.road.turn(contract)
        self._contract, self._evidence = contract, evidence

    @property
    def evidence(self) -> Mapping[str, str]:
        """Why the choices of a profile file are believed, by the id of the assumption; empty without a file."""
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
        """A new user. Without a password Basic never works; one who is not active is refused everywhere (observed).

        `id` is 24 hex digits of either case, made up unless given. E-mail addresses that differ in case are two users.
        `firstname`, `lastname` and `emailverified` are claims of the user's tokens, and in the answer of a sign-in.

        Raises AlreadyExists for an e-mail address or id that is taken, MisuseError for an id that is not 24 hex digits
        and for an e-mail address that is empty.
        """
        named = {"firstname": firstname, "lastname": lastname, "emailverified": emailverified}
        return self._state.add_user(email, password, _parsed_id(id), active, **named)

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
        """The user with what is given changed; `password=None` takes the password away.

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
                id=_parsed_id(id),
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
        with self._state.lock:
            before = self.snapshot()
            try:
                self._add(parsed)
            except MisuseError as problem:
                self._state.undo(before)
                raise parsed.error(problem) from problem

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

        For a fake made by hand; those of the pytest plugin are judged by it. `allow` has the rules that may be broken:
        those of the violations, and `unspent-fault`. What was judged is taken: the next call judges what is new.

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

    @property
    def wsgi_app(self) -> WsgiApp:
        """The fake as a WSGI app with the same state, for clients that need no socket.

        Where the real server would not answer, calling it raises NoAnswer.
        """
        if self._made_wsgi_app is None:
            with self._making:
                if self._made_wsgi_app is None:
                    self._made_wsgi_app = WsgiApp(Road(self._state, self._base_path))
        return self._made_wsgi_app

    @property
    def app(self) -> FlaskApp:
        """The fake as a Flask app of its own, with the same state, for whatever Flask can do.

        Routes, blueprints, hooks and signals work for each way in: `url`, `wsgi_app` and `app.test_client()`. The three
        operations are there by their operationIds: `url_for("listTokens")`. Set-up is allowed at any time.

        >>> fake = TiledeskFake()
        >>> @fake.app.get("/v3/projects/<id>")
        ... def project(id):
        ...     return {"_id": id, "name": "Support"}
        >>> fake.app.test_client().get("/v3/projects/5").json["name"]
        'Support'
        >>> fake.journal.assert_called("project", id="5", status=200)
        """
        if self._made_app is None:
            wsgi_app = self.wsgi_app
            with self._making:
                if self._made_app is None:
                    from .web.app import FlaskApp

                    app = FlaskApp(wsgi_app.road, self._contract.served, self._state.journal.know)
                    app.extensions["tiledesk_fake"] = self
                    self._made_app = wsgi_app.flask = app
        return self._made_app

    def start(
        self,
        *,
        beside: Server | None = None,
        app: WSGIApplication | None = None,
        on_refused: OnRefused | None = None,
    ) -> Self:
        """Listen, in a thread of this process: its own, or that of the server `beside`, which must be stopped later.

        A fake that is started again listens on the same port as before. `app` answers in the place of `wsgi_app`, as
        one does that has more to offer and asks that for the rest. `on_refused(reason, status, client)` is called
        for each request that never reaches the fake, and so is not in its journal: what is no HTTP, too slow, too
        large, or one too many. It must not wait.

        Raises CannotListen if the address or port cannot be had.
        """
        with self._making:
            if self._server is not None:
                raise MisuseError(f"this fake listens on {self.url} already; stop() it first")
            server = Server(
                app or self.wsgi_app,
                host=self._host,
                port=self._port or self._last_port,
                beside=beside,
                bodies=BELOW_THE_APP,
                on_refused=on_refused,
            )
            server.start()
            self._server, self._last_port = server, server.port
        return self

    def hand_over(self, app: WSGIApplication) -> Server | None:
        """Let another app answer at this fake's address, as a test runner does when a test is over.

        `url` stays the same, and so do the connections of clients; those that wait for an answer which is held back
        are closed. What comes back is the server at that address, or None for a fake that does not listen.

        >>> from wsgiref.simple_server import demo_app
        >>> with TiledeskFake() as fake:
        ...     before = fake.url
        ...     server = fake.hand_over(demo_app)
        ...     fake.url == before
        True
        """
        with self._making:
            if self._server is not None:
                self._server.hand_over(app)
            return self._server

    def close_held(self) -> None:
        """Close the connections of clients that wait for an answer which is held back: a `delay_s`, or silence."""
        with self._making:
            if self._server is not None:
                self._server.close_held()

    @property
    def listening(self) -> bool:
        """Whether there is an address to call."""
        return self._server is not None

    def stop(self) -> None:
        """Stop listening; after this nothing is answered. Users and tokens stay. Stopping twice is fine."""
        with self._making:
            server, self._server = self._server, None
        # Outside the lock: the server's thread, which is waited for, may be about to take it.
        if server is not None:
            server.stop()

    @property
    def url(self) -> str:
        """The base URL, with the base path: `http://127.0.0.1:49152/v3`. Raises NotListening before start()."""
        server = self._server
        if server is None:
            raise NotListening("this fake does not listen yet; use `with TiledeskFake() as fake:` or fake.start()")
        host = f"[{server.host}]" if ":" in server.host else server.host
        return f"http://{host}:{server.port}{self._base_path}"

    def __enter__(self) -> Self:
        return self if self.listening else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._strict and kind is None:
            self.verify()

    def __repr__(self) -> str:
        where = self.url if self._server is not None else "not listening"
        return f"<TiledeskFake {where}, {len(self._state.users)} users, {len(self._state.history)} tokens>"

    def _add(self, scenario: Scenario) -> None:
        if scenario.frozen_at is not None:
            with scenario.at(("frozenAt",)):
                self.clock.freeze(scenario.frozen_at)
        for planned in scenario.users:
            with scenario.at(planned.keys):
                user = self.add_user(
                    email=planned.email,
                    password=planned.password,
                    id=planned.id,
                    active=planned.active,
                    firstname=planned.firstname,
                    lastname=planned.lastname,
                )
            for token in planned.tokens:
                with scenario.at(token.keys):
                    self._issue(user, token)

    def _issue(self, user: User, token: ScenarioToken) -> None:
        issued = self.issue_token(
            user,
            jti=token.jti,
            id=token.id,
            created_at=token.created_at,
            expires_at=token.expires_at,
            revoked=token.revoked and token.revoked_at is None,
            claims=token.claims,
        )
        if token.revoked_at is not None:
            self._state.revoke_at(issued.jti, milliseconds(token.revoked_at))


def create_app(*, scenario: str | Path | Mapping[str, Any] | None = None, **arguments: Any) -> FlaskApp:
    """A Flask app that is a new fake, for `flask run` and any WSGI server.

    `scenario` is what `TiledeskFake.load` takes, `arguments` are those of TiledeskFake, and the fake is
    `app.extensions["tiledesk_fake"]`. Raises what these raise.

    >>> app = create_app(scenario={"users": [{"email": "ada@example.com"}]})
    >>> len(app.extensions["tiledesk_fake"].users)
    1
    """
    fake = TiledeskFake(**arguments)
    if scenario is not None:
        fake.load(scenario)
    return fake.app


def _choices_and_evidence(
    profile: Mapping[str, str] | str | Path | None,
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    if profile is None:
        return {}, {}
    if isinstance(profile, Mapping):
        return check(profile, source="profile"), {}
    file = read_profile(profile)
    return file.choices, file.evidence


def _checked_base_path(base_path: str) -> str:
    trimmed = base_path.rstrip("/")
    if trimmed and (
        not trimmed.startswith("/")
        or "//" in trimmed
        or not (trimmed.isascii() and trimmed.isprintable())
        or any(character in trimmed for character in "?#% ")
    ):
        raise MisuseError(f"expected a base path like '/v3', or '' for none, got {base_path!r}")
    return trimmed


def _parsed_id(id: str | None) -> int | None:
    if id is None:
        return None
    parsed = parse_hex_id(id)
    if parsed is None:
        raise MisuseError(f"expected an id of 24 hex digits, got {id!r}; leave it out for a new one")
    return parsed
