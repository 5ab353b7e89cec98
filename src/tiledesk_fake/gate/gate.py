"""The gate: who calls, or why nobody does.

Does what stands before the real API (observed): `passport.authenticate(["basic", "jwt"])` with passport-http 0.3.0 and
passport-jwt 4.0.1, the server's own look-ups behind them, and then the rule that the header is two words. Where the
real gate fails or hangs, a `Quirk` says so and names the calm answer.
"""

import base64
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

from ..core.clock import Clock
from ..core.history import History
from ..core.redaction import SCHEME_WORDS
from ..core.users import User, Users
from ..javascript import NoText, to_text
from ..refusals import BadRequest, NotTwoWords, Quirk, Refusal, ServerFails, ServerSilent, Unauthorized
from . import jwt as tokens
from . import naming
from .audience import NotAUrl, audience_path

# What JavaScript's \s is in latin-1; Python's \s is more.
# Only from the start, and without going back: otherwise a long word alone would take seconds.
_TWO_WORDS = re.compile("[\t\n\v\f\r \xa0]*+([^\t\n\v\f\r \xa0]++)[\t\n\v\f\r \xa0]++([^\t\n\v\f\r \xa0]++)")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_FOREIGN_AUDIENCES = ("projects", "bots", "subscriptions")
_NAMES_NOBODY = "the claim _id is missing"

# A client sends the same header over and over; a list with a known one takes 30 µs instead of 65. Longer ones are
# judged anew each time: what is read from a token can take twenty times its length, so that 256 are 10 MB at most.
_REMEMBERED_HEADERS = 256
_LONGEST_REMEMBERED = 2_048


class Caller(NamedTuple):
    """The caller: the id of the history, and the user. A guest has no user, and the id that its token names."""

    user_id: str
    user: User | None = None


class _BasicFailed(NamedTuple):
    status: int
    reason: str
    # Whether the users were looked up, so that what comes next runs in a callback, where an exception is lost.
    looked_up: bool = False


class Gate:
    """Judges the credentials of requests against the users, the history, the clock and the secret of one fake."""

    def __init__(
        self, users: Users, history: History, clock: Clock, secret: bytes, *, enforces_revocation: Callable[[], bool]
    ) -> None:
        self._users = users
        self._history = history
        self._clock = clock
        # Asked where it decides, and nowhere else.
        self._enforces_revocation = enforces_revocation
        self._secret = secret
        self._remembered: dict[str, _Claims] = {}

    def caller(self, authorization: str | None, secret_tokens: Sequence[str] = ()) -> Caller:
        """The caller by the `Authorization` header, or by the query's `secret_token`.

        `secret_tokens` are all values of that parameter. Raises Unauthorized, BadRequest or NotTwoWords, or a Quirk
        where the real gate would fail or hang.
        """
        header = (authorization or "").strip(" \t")
        if said := self._remembered.get(header):
            return self._caller_of(said)
        words = header.split(" ")
        basic = self._basic(words)
        caller = basic if isinstance(basic, Caller) else self._jwt_after(basic, words, header, secret_tokens)
        if len(words) != 2:
            raise NotTwoWords("good credentials, but not in two words with one space between")
        return caller

    def _basic(self, words: list[str]) -> Caller | _BasicFailed:
        if words == [""]:
            return _BasicFailed(401, "no credentials")
        if len(words) < 2:
            return _BasicFailed(400, "one word, where a scheme word and credentials belong")
        if "basic" not in words[0].lower():
            return _BasicFailed(401, _why_not_scheme(words[0]))
        credentials = lenient_base64(words[1]).split(":")
        if len(credentials) < 2:
            return _BasicFailed(400, "no colon in the Basic credentials")
        email, password = credentials[:2]
        if not email or not password:
            return _BasicFailed(401, f"no {'password' if email else 'e-mail address'} in the Basic credentials")
        user = self._users.by_email(email.lower())
        if user is None:
            capitals = "; the address is stored with capitals, and looked for in lower case"
            return _BasicFailed(401, f"no such user{capitals if self._users.by_email(email) else ''}", looked_up=True)
        if not user.active:
            return _BasicFailed(401, "inactive user", looked_up=True)
        if user.password is None:
            raise Quirk(real=ServerFails(), calm=Unauthorized("the user has no password"))
        if user.has_password(password):
            return Caller(user.id, user)
        cut = "; the gate cuts it off at its colon" if user.password == ":".join(credentials[1:]) else ""
        return _BasicFailed(401, f"wrong password{cut}", looked_up=True)

    def _jwt_after(self, basic: _BasicFailed, words: list[str], header: str, secret_tokens: Sequence[str]) -> Caller:
        token = _presented_token(header, secret_tokens)
        try:
            if not token:
                raise Unauthorized(basic.reason)
            said = _read(token, self._secret, thrown_is_lost=basic.looked_up)
            if [words[0].lower(), *words[1:]] == ["jwt", token]:
                self._remember(header, said)
            return self._caller_of(said)
        except Unauthorized:
            # Of two failed strategies, a 400 of the first outranks the 401.
            if basic.status == 400:
                raise BadRequest(basic.reason) from None
            raise

    def _remember(self, header: str, said: "_Claims") -> None:
        # What a token says and whether its signature holds never changes; all else is judged at every request.
        if len(header) <= _LONGEST_REMEMBERED:
            if len(self._remembered) == _REMEMBERED_HEADERS:
                self._remembered.clear()
            self._remembered[header] = said

    def _caller_of(self, said: "_Claims") -> Caller:
        now_s = self._clock.now_ms() // 1000
        begins_s, ends_s = said.validity_s
        if not begins_s <= now_s < ends_s:
            raise Unauthorized("expired" if now_s >= ends_s else "not yet valid")
        identifier = said.identifier
        if said.jti is not None and self._history.is_revoked(said.jti) and self._enforces_revocation():
            raise Unauthorized("revoked")
        if said.subject in ("guest", "userexternal"):
            return Caller(_text_or_object(identifier))
        named = self._named(said)
        if said.subject in ("bot", "subscription"):
            # There are none here, so none is ever found.
            raise Unauthorized(f"no such {said.subject}; this fake has users only")
        inactive = False
        for user in named:
            if user.active:
                return Caller(user.id, user)
            inactive = True
        raise Unauthorized("inactive user" if inactive else "no such user")

    def _named(self, said: "_Claims") -> Iterable[User]:
        if said.ids is not None:
            return [user for id in said.ids if (user := self._users.by_id(id)) is not None]
        meant = said.condition
        return (user for user in self._users if meant(int(user.id, 16)))


class _Claims:
    """The claims of a genuine token. They never change, so each part is read once.

    A part is read when it is needed, because an unreadable part must not fail a request before its turn.
    """

    def __init__(self, claims: dict[str, Any]) -> None:
        self._claims = claims

    @cached_property
    def validity_s(self) -> tuple[float, float]:
        """The first second and the one after the last; raises Unauthorized for a claim that is no number."""
        begins, ends = self._claims.get("nbf", -math.inf), self._claims.get("exp", math.inf)
        if not (_is_number(begins) and _is_number(ends)):
            raise Unauthorized("exp or nbf is no number")
        return begins, ends

    @cached_property
    def identifier(self) -> Any:
        """What names the user; raises Unauthorized, or a Quirk, where nothing does."""
        return _identifier(self._claims)

    @cached_property
    def ids(self) -> list[int] | None:
        """The ids that the identifier names, in order; None if it has operators. Raises a Quirk for what is no id."""
        with _no_id_fails():
            return naming.ids_of(self.identifier)

    @cached_property
    def condition(self) -> naming.Condition:
        """What the operators of the identifier ask of an id. Raises a Quirk for what is no id and no operator."""
        with _no_id_fails():
            return naming.condition_of(self.identifier)

    @cached_property
    def jti(self) -> str | None:
        """The jti, where it is text."""
        jti = self._claims.get("jti")
        return jti if isinstance(jti, str) else None

    @cached_property
    def subject(self) -> str:
        """The kind of caller. Raises a Quirk for what is no text to JavaScript: there an exception is lost."""
        try:
            return to_text(self._claims.get("sub"))
        except NoText:
            raise Quirk(real=ServerSilent(), calm=Unauthorized("the claim sub is no text")) from None


def _why_not_scheme(word: str) -> str:
    # Any other word may be a credential in the wrong place.
    if word.lower() == "jwt":
        return "no credentials after JWT"
    return f"unknown scheme word{f' {word}' if word.lower() in SCHEME_WORDS else ''}"


def _read(token: str, secret: bytes, thrown_is_lost: bool) -> _Claims:
    """What a genuine token says; the refusal of one that is not."""
    thrown = ServerSilent() if thrown_is_lost else ServerFails()
    try:
        decoded = tokens.decode(token, secret)
    except tokens.NotJson:
        raise Quirk(real=thrown, calm=Unauthorized("the payload of the JWT is no JSON")) from None
    if decoded is None:
        raise Unauthorized("no JWT")
    claims = decoded.payload if isinstance(decoded.payload, dict) else {}
    _check_audience(claims.get("aud"), thrown)
    if not decoded.genuine:
        raise Unauthorized("bad signature")
    if decoded.payload is None:
        raise Quirk(real=thrown, calm=Unauthorized("the payload of the JWT is null"))
    return _Claims(claims)


def _presented_token(header: str, secret_tokens: Sequence[str]) -> str | None:
    words = _TWO_WORDS.match(header)
    if words and words[1].lower() == "jwt":
        return words[2]
    # A parameter given twice is a list, and a list is no token.
    return secret_tokens[0] if len(secret_tokens) == 1 else None


def _check_audience(audience: Any, thrown: Refusal) -> None:
    if audience is None or audience is False or audience in ("", 0):
        return
    try:
        path = audience_path(to_text(audience))
    except (NotAUrl, NoText):
        raise Quirk(real=thrown, calm=Unauthorized("the claim aud is no URL")) from None
    if path.split("/")[1:2] and path.split("/")[1] in _FOREIGN_AUDIENCES:
        # Such a token is signed with the secret of a project, bot or subscription; there are none here.
        raise Unauthorized("the claim aud is a project, bot or subscription; this fake has users only")


def _identifier(claims: dict[str, Any]) -> Any:
    id, document = claims.get("_id"), claims.get("_doc")
    of_document = document.get("_id") if isinstance(document, dict) else None
    if id is None and of_document is None:
        raise Unauthorized(_NAMES_NOBODY)
    if id is None or id is False or id in ("", 0):
        if document is None:
            raise Quirk(real=ServerSilent(), calm=Unauthorized(_NAMES_NOBODY))
        return of_document
    return id


@contextmanager
def _no_id_fails() -> Iterator[None]:
    try:
        yield
    except naming.NotAnId:
        raise Quirk(real=ServerFails(), calm=Unauthorized("the claim _id is no id")) from None


def _text_or_object(value: Any) -> str:
    try:
        return "undefined" if value is None else to_text(value)
    except NoText:
        return "[object Object]"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def lenient_base64(text: str) -> str:
    """What Node's Buffer reads: both alphabets, foreign characters skipped, up to the first `=`; then as UTF-8."""
    digits = _NOT_BASE64.sub("", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "replace")
