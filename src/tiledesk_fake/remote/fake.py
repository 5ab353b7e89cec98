"""`RemoteFake`: the interface of `TiledeskFake`, over the control API of one that is served elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import EllipsisType, TracebackType
from typing import Any, NoReturn, Self

from .. import contract
from ..arguments import checked
from ..contract.choices import NotedReads
from ..contract.profile import choices_and_evidence
from ..core.clock import iso, milliseconds, moment
from ..core.handing import OnlyOnce
from ..core.ids import hex_id, new_secret
from ..core.users import User, check_text, not_held
from ..errors import MisuseError, NotFound
from ..gate.jwt import sign
from ..handles import Token, TokensByJti, UnknownJti, UsersByEmail, token_of
from ..violations.verdict import check_rules, judge
from . import values
from .calls import Control, segment
from .controls import RemoteClock, RemoteFaults
from .journal import RemoteJournal
from .scenarios import send
from .state import RemoteState

_USER_WANTED = "add_user makes one, and fake.users['ada@example.com'] is the one with that e-mail address"
_TOKEN_WANTED = "for a jti say revoke(jti=…)"  # noqa: S105 - a hint


@dataclass(frozen=True, slots=True)
class RemoteSnapshot:
    """What a fake elsewhere held at one moment; opaque, and only good for the fake it was taken from."""

    _owner: RemoteFake = field(repr=False)
    _id: str


class RemoteFake(OnlyOnce):
    """A fake that is served elsewhere, as `connect` finds it; as `TiledeskFake`, but for what must be in one process.

    It holds nothing itself: each question is a call of the control API, over a connection of its own. As a context
    manager it leaves the fake as it is, unless it is a world that `world` began, which ends.

    What is refused is refused in the words of `TiledeskFake`. Raises CannotReach where the server does not answer.
    """

    def __init__(self, control: Control, base_path: str, *, own: bool = False, strict: bool = False) -> None:
        self._control = control
        self._base_path = base_path
        self._own = own
        self._strict = strict
        self._evidence: Mapping[str, str] = {}
        self._state = RemoteState(control)
        self._clock = RemoteClock(control)
        self._faults = RemoteFaults(control)
        self._journal = RemoteJournal(control, self._state)

    @checked()
    def world(
        self,
        name: str | None = None,
        *,
        profile: Mapping[str, str] | str | Path | None = None,
        secret: str | None = None,
        base_path: str | None = None,
        seed: int | None = None,
        strict: bool = False,
    ) -> Self:
        """A fake of its own on the same server, new and empty; a name is made up unless one is given.

        The other arguments are those of TiledeskFake; what is not given is as the server has it. A world of that name
        that is there already is ended first.
        """
        control = self._control.below(f"/w/{segment(name or new_secret()[:16])}")
        if name:
            control.call("DELETE", "")
        given = {"secret": secret, "base_path": base_path, "seed": seed}
        settings = {name: value for name, value in given.items() if value is not None}
        # One that was ended answers clients only after a call of its control API, and takes settings by the first.
        health = control.call("PUT", "", settings) if settings else control.get("/health")
        fake = type(self)(control, health["base_path"], own=True, strict=strict)
        if profile is not None:
            fake.set_profile(profile)
        return fake

    def end(self) -> None:
        """End the world that this fake is: calls to it get 410 from now on. Raises MisuseError for the server's own."""
        self._control.call("DELETE", "")
        self._control.ended = True

    @property
    def url(self) -> str:
        """The base URL, with the base path: `http://127.0.0.1:8000/v3`."""
        return f"{self._control.origin}{self._control.mount}{self._base_path}"

    @property
    def base_path(self) -> str:
        """What precedes every path: `/v3`."""
        return self._base_path

    @property
    def listening(self) -> bool:
        """Whether there is an address to call, which there is until a world ends."""
        return not self._control.ended

    @property
    def contract(self) -> Mapping[str, Any]:
        """The API's OpenAPI document under the current profile."""
        document: dict[str, Any] = self._control.get("/contract.json")
        return document

    @property
    def profile(self) -> Mapping[str, str]:
        """The choice of every assumption, by its id, the defaults too."""
        # The server is told of what is read when it is read.
        return NotedReads(
            self._control.get("/profile", touch=""), lambda read: self._control.get("/profile", touch=read)
        )

    @property
    def touched(self) -> frozenset[str]:
        """The ids of the assumptions that have decided anything so far; see `TiledeskFake.touched`."""
        return frozenset(self._journal.touched)

    def set_profile(self, profile: Mapping[str, str] | str | Path | None) -> None:
        """Turn assumptions from now on; see `TiledeskFake.set_profile`."""
        choices, evidence = choices_and_evidence(profile)
        contract.load(choices)
        self._control.call("PUT", "/profile", dict(choices))
        self._evidence = evidence

    @property
    def evidence(self) -> Mapping[str, str]:
        """Why the choices of a profile file are believed that was set from here, by the id of the assumption."""
        return self._evidence

    @property
    def clock(self) -> RemoteClock:
        """The fake's own time: `freeze`, `advance`, `resume`, `now`."""
        return self._clock

    @property
    def journal(self) -> RemoteJournal:
        """What clients sent and what they got, without their credentials; as that of TiledeskFake."""
        return self._journal

    @property
    def faults(self) -> RemoteFaults:
        """Misbehaviour on purpose: `add`, `unspent`, `clear`."""
        return self._faults

    @property
    def users(self) -> Mapping[str, User]:
        """The users by e-mail address, in the order they were added; a live view."""
        return UsersByEmail(self._state)

    @property
    def tokens(self) -> Mapping[str, Token]:
        """The tokens by jti, the oldest first; a live view."""
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
        """A new user; see `TiledeskFake.add_user`. An address that is not verified takes a scenario, see `load`."""
        if not emailverified:
            raise MisuseError(
                "emailverified: a fake that is served elsewhere takes it in a scenario alone; write "
                "fake.load({'users': [{'email': …, 'emailverified': False}]}), or for a token that says so "
                "fake.issue_token(user, claims={'emailverified': False})"
            )
        given = {
            "email": email,
            "password": password,
            "_id": id,
            "active": active,
            "firstname": firstname,
            "lastname": lastname,
        }
        _check_texts(given)
        sent = {name: value for name, value in given.items() if value is not None}
        return values.user(self._control.post("/users", sent), password)

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
        """The user with what is given changed; see `TiledeskFake.update_user`."""
        given = {"email": email, "active": active, "firstname": firstname, "lastname": lastname}
        changes: dict[str, object] = {name: value for name, value in given.items() if value is not None}
        if password is not ...:
            changes["password"] = password
        if not changes:
            raise MisuseError("expected what to change: email=…, password=…, active=…, firstname=… or lastname=…")
        _check_texts(changes)
        self._of(user, "PATCH", "", changes)
        return self._state.user(user.id)

    @checked(user=_USER_WANTED)
    def remove_user(self, user: User) -> None:
        """Forget a user and all tokens of that user; see `TiledeskFake.remove_user`."""
        self._of(user, "DELETE")

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
        """A new token of the user; see `TiledeskFake.issue_token`."""
        check_text(jti or "", "jti")
        try:
            sign(claims or {}, b"")
        except (TypeError, ValueError, RecursionError) as cause:
            raise MisuseError(f"expected claims that JSON can write: {cause}") from None
        given = {
            "expires_in_s": None if expires_in is None else expires_in.total_seconds(),
            "expiresAt": _iso(expires_at),
            "jti": jti,
            "_id": id,
            "createdAt": _iso(created_at),
            "revoked": revoked or None,
            "claims": dict(claims) if claims else None,
        }
        sent = {name: value for name, value in given.items() if value is not None}
        return token_of(values.record(self._of(user, "POST", "/tokens", sent)), self._state)

    @checked(user=_USER_WANTED)
    def history(self, user: User) -> list[Token]:
        """All tokens of the user, the newest first; see `TiledeskFake.history`."""
        told = self._of(user, "GET", "/tokens")["tokens"]
        return [token_of(values.record(each), self._state) for each in told]

    @checked(token=_TOKEN_WANTED)
    def revoke(self, token: Token | None = None, /, *, jti: str | None = None) -> Token:
        """Revoke a token, or the one with this jti; see `TiledeskFake.revoke`."""
        if (token is None) == (jti is None):
            raise MisuseError("expected a token or jti=…, one of them")
        wanted = token.jti if token is not None else jti or ""
        record = self._state.history.by_jti(wanted)
        if record is None or (token is not None and token.id != hex_id(record.id)):
            raise UnknownJti(wanted)
        return token_of(values.record(self._control.post(f"/tokens/{segment(wanted)}/revoke")), self._state)

    @checked()
    def load(self, scenario: str | Path | Mapping[str, Any]) -> None:
        """Add the users and tokens of a scenario; see `TiledeskFake.load`."""
        send(self._control, scenario)

    def scenario(self) -> dict[str, Any]:
        """All users with their tokens as a scenario, which `load` takes; passwords are in it."""
        scenario: dict[str, Any] = self._control.get("/scenario")
        return scenario

    @checked(allow="write it like allow=['auth-scheme']")
    def verify(self, *, allow: Sequence[str] = ()) -> None:
        """Assert that clients sent nothing that no correct client sends; see `TiledeskFake.verify`.

        What was judged is taken for this RemoteFake; whoever else asks the same fake for its verdict sees it still.
        """
        check_rules(allow)
        unspent = self.faults.unspent
        self.faults.clear()
        judge(self.journal, unspent, allow)

    def reset(self) -> None:
        """Make the fake as new; the profile stays."""
        self._journal.keep()
        self._control.post("/reset")

    def snapshot(self) -> RemoteSnapshot:
        """Users, tokens, the clock and where the ids are, for `restore`; the server keeps the last 100."""
        return RemoteSnapshot(self, self._control.post("/snapshots")["id"])

    @checked(snapshot="fake.snapshot() takes one")
    def restore(self, snapshot: RemoteSnapshot) -> None:
        """Make users, tokens, clock and ids as they were when the snapshot was taken; it may be restored again."""
        if snapshot._owner is not self:
            raise MisuseError("expected a snapshot of this fake, got one of another; every fake restores its own")
        self._control.post(f"/snapshots/{segment(snapshot._id)}/restore")

    def _of(self, user: User, method: str, path: str = "", body: object = None) -> Any:
        try:
            return self._control.call(method, f"/users/{user.id}{path}", body)
        except NotFound:
            raise not_held(user) from None

    @property
    def wsgi_app(self) -> NoReturn:
        """Raises MisuseError: an app answers in its own process."""
        raise _far("wsgi_app", "call fake.url, or make a TiledeskFake here")

    @property
    def app(self) -> NoReturn:
        """Raises MisuseError: an app answers in its own process."""
        raise _far("app", "call fake.url, or make a TiledeskFake here")

    @property
    def asgi_app(self) -> NoReturn:
        """Raises MisuseError: an app answers in its own process."""
        raise _far("asgi_app", "call fake.url, or make a TiledeskFake here")

    def start(self, **arguments: Any) -> NoReturn:
        """Raises MisuseError: who runs the server starts it."""
        raise _far("start", "it listens already; run tiledesk-fake serve for another")

    def stop(self) -> NoReturn:
        """Raises MisuseError: who runs the server stops it."""
        raise _far("stop", "end the process that runs tiledesk-fake serve")

    def intercept(self, *arguments: Any, **options: Any) -> NoReturn:
        """Raises MisuseError: what is intercepted is this process's own calls."""
        raise _far("intercept", "give your client fake.url, or intercept with a TiledeskFake here")

    def hand_over(self, *arguments: Any) -> NoReturn:
        """Raises MisuseError: an app answers in its own process."""
        raise _far("hand_over", "run that app on a server of its own")

    @property
    def ca_file(self) -> NoReturn:
        """Raises MisuseError: the server's authority is at the server."""
        raise _far("ca_file", "read it from the server: tiledesk-fake serve --tls, GET /_fake/ca.pem")

    @property
    def ca_pem(self) -> NoReturn:
        """Raises MisuseError: the server's authority is at the server."""
        raise _far("ca_pem", "read it from the server: tiledesk-fake serve --tls, GET /_fake/ca.pem")

    def close_held(self) -> NoReturn:
        """Raises MisuseError: the server keeps its connections to itself."""
        raise _far("close_held", "close the client, or plan a fault that lasts less long")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._strict and kind is None:
                self.verify()
        finally:
            if self._own:
                self.end()

    def __repr__(self) -> str:
        return f"<RemoteFake {self.url}>"


def _far(name: str, instead: str) -> MisuseError:
    return MisuseError(f"{name} belongs to a fake in this process, and this one is served elsewhere; {instead}")


def _check_texts(given: Mapping[str, object]) -> None:
    for name in ("email", "password", "firstname", "lastname"):
        check_text(str(given.get(name) or ""), name)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(moment(milliseconds(at)))
