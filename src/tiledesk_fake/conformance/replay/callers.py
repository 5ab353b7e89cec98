"""The possible callers of a request: each reading of its credentials that the recording leaves open."""

from typing import NamedTuple

from ...core.history import Record
from ...core.ids import OBJECT_ID
from ...core.users import User
from .exchange import Exchange
from .known import SLACK_MS, Knowledge, user
from .presented import Presented, Token, with_token

_OWN_RECORD = 1
_REFUSED = "Basic bm9ib2R5Om5vYm9keQ=="
_SOMEBODY, _SOMEBODYS_PASSWORD = "somebody@replay.invalid", "somebody"
_LET_IN = "Basic c29tZWJvZHlAcmVwbGF5LmludmFsaWQ6c29tZWJvZHk="
_UNKNOWN = (_REFUSED, "x", Token("eyJ0eXAiOiJKV1QifQ", "eA", "x"), Token("eyJhbGciOiJIUzI1NiJ9", "eyJfaWQiOiIifQ", "x"))
"""What credentials may be of which nothing is known, beside good ones: a wrong password, one word, and two tokens on
which the real server fails."""


class Caller(NamedTuple):
    """One way to take the credentials of a request.

    `user_id` is whose tokens are listed, None where nothing tells. `jti` is that of the token that calls, `revoked`
    whether it is revoked, `record` its record.
    """

    authorization: str | None
    target: str
    users: tuple[User, ...] = ()
    user_id: str | None = None
    jti: str | None = None
    revoked: bool = False
    record: Record | None = None
    is_let_in: bool = False

    def __repr__(self) -> str:
        # Without the request, in which credentials may be.
        return f"<Caller {self.user_id or 'of no known id'}>"


def callers(known: Knowledge, exchange: Exchange, given: Presented, *, enforced: bool, touched: bool) -> list[Caller]:
    """Everybody who may be calling, the likeliest first."""
    refused = Caller(
        _REFUSED if given.number or given.is_removed else exchange.header("Authorization"), exchange.target
    )
    if given.is_nothing and known.has_credentials:
        return [refused]
    if (given.header is None and not known.has_credentials) or (given.is_removed and given.token is None):
        return _anybody(known, exchange, None)
    if given.number is not None and given.token is None:
        id = known.id_of.get(given.number)
        everybody = _anybody(known, exchange, id)
        return [each for each in everybody if each.is_let_in] if given.key in known.let_in else everybody
    found: list[Caller] = []
    if given.token is not None and not known.is_forged(given.token):
        found += _by_token(known, exchange, given, given.token, enforced=enforced, touched=touched)
    if given.basic is not None:
        found += _by_password(known, exchange, *given.basic)
    if given.basic is not None and given.basic[0] in known.password_of and given.token is None:
        return found
    certain = given.key in known.let_in and (given.token is None or bool(given.token.signature))
    return found if found and certain else [*found, refused]


def _somebody(exchange: Exchange, id: str | None) -> list[Caller]:
    return [
        Caller(_LET_IN, exchange.target, (user(id, _SOMEBODY, _SOMEBODYS_PASSWORD),), id, is_let_in=True),
    ]


def _anybody(known: Knowledge, exchange: Exchange, id: str | None) -> list[Caller]:
    let_in = _somebody(exchange, id)
    three_words = [each._replace(authorization=f"{_LET_IN} x") for each in let_in]
    others = [
        Caller(each if isinstance(each, str) else f"JWT {each.signed_anew()}", exchange.target) for each in _UNKNOWN
    ]
    return [*let_in, *others, *three_words]


def _by_password(known: Knowledge, exchange: Exchange, email: str, password: str) -> list[Caller]:
    stored = known.password_of.get(email)
    id = known.id_of.get(email)
    header = exchange.header("Authorization")
    if stored is not None:
        # The gate says whether it is this one.
        return [Caller(header, exchange.target, (user(id, email, stored),), id, is_let_in=True)]
    return [
        Caller(header, exchange.target, (user(id, email, password),), id, is_let_in=True),
        # A user without a password makes the real server fail.
        Caller(header, exchange.target, (user(id, email, None),), id),
    ]


def _by_token(
    known: Knowledge, exchange: Exchange, given: Presented, token: Token, *, enforced: bool, touched: bool
) -> list[Caller]:
    claims = token.claims
    id, jti = claims.get("_id"), claims.get("jti")
    text = id if isinstance(id, str) else None
    users = (user(text),) if text and OBJECT_ID.fullmatch(text) else tuple(map(user, known.by_owner))
    header = None if given.header is None else with_token(given.header, token)
    target = with_token(exchange.target, token)
    jti = jti if isinstance(jti, str) and jti else None
    caller = Caller(header, target, users, text, jti, is_let_in=True)
    if jti is None or not enforced:
        # Whether it is revoked makes no difference, and so nothing of it is learnt.
        return [caller._replace(jti=None)]
    found = known.by_jti.get(jti)
    revoked = known.revoked_jti.get(jti)
    if found is not None:
        revoked, _ = found.state(exchange.at_ms, touched=touched, others=known.others)
    elif known.others and not revoked:
        revoked = None
    return [
        caller._replace(
            revoked=each,
            record=found.record(1 if each else None)
            if found
            else Record(0, _OWN_RECORD, jti, text or "-", revoked_ms=1 if each else None),
        )
        for each in ((False, True) if revoked is None else (revoked,))
    ]


def moments(exchange: Exchange, given: Presented) -> list[int]:
    """The times at which the request may have been judged: one, unless its token begins or ends about then."""
    at_ms = exchange.at_ms
    if given.token is None:
        return [at_ms]
    first_ms, last_ms = max(0, at_ms - SLACK_MS - exchange.took_ms), at_ms + SLACK_MS
    claims = given.token.claims
    for limit in (claims.get("nbf"), claims.get("exp")):
        if isinstance(limit, int | float) and first_ms <= limit * 1000 <= last_ms + 1000:
            return [at_ms, first_ms, last_ms]
    return [at_ms]
