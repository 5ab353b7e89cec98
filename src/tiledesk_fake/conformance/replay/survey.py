"""The first reading of a recording: what holds for the whole of it."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from .asking import Asked
from .exchange import Exchange
from .known import Knowledge, shown
from .presented import Presented, Token, presented

_PATHS = re.compile(r"/jwt/history|/auth/signin(?=/?(?:[?#]|\Z))", re.IGNORECASE)
_JWT = re.compile(r"/jwt(?:/|\Z)", re.IGNORECASE)
_SIGN_IN = re.compile(r"/auth/signin/?", re.IGNORECASE)


def survey(exchanges: Iterable[Exchange], default_base_path: str, *, others: bool) -> Knowledge:
    """What the whole of a recording tells: where the API is, who is let in, and which tokens there are."""
    known = Knowledge(others=others, base_path=default_base_path)
    asked: Asked | None = None
    for exchange in exchanges:
        if asked is None:
            base_path = _base_path(exchange.target, default_base_path)
            if base_path is None:
                continue
            known.base_path = base_path
            asked = Asked({}, base_path)
        if is_of_the_api(exchange, known.base_path):
            _note(known, asked, exchange)
    return known


def is_of_the_api(exchange: Exchange, base_path: str) -> bool:
    """Whether a request is one that the contracts speak of."""
    path = path_of(exchange.target)
    if exchange.method == "OPTIONS" or not path.startswith(base_path):
        return False
    below = path[len(base_path) :]
    return bool(_JWT.search(below) or _SIGN_IN.fullmatch(below))


def path_of(target: str) -> str:
    """The path of a target, which may be a whole URL."""
    if not target.startswith("/"):
        try:
            target = urlsplit(target)._replace(scheme="", netloc="").geturl()
        except ValueError:
            return ""
    return re.split("[?#]", target, maxsplit=1)[0]


def _base_path(target: str, default: str) -> str | None:
    path = path_of(target)
    found = _PATHS.search(path)
    if found is None:
        return None
    return default if path.startswith(f"{default}/") else path[: found.start()]


def records_in(body: Any) -> list[Any]:
    """The records in the body of a list, whatever wraps them; no list gives none."""
    if isinstance(body, list):
        return body
    if isinstance(body, dict):
        for value in body.values():
            if isinstance(value, list) and any(isinstance(each, dict) and "_id" in each for each in value):
                return value
    return []


def _note(known: Knowledge, asked: Asked, exchange: Exchange) -> None:
    given = presented(exchange)
    operation = asked.meant(exchange).operation
    known.has_credentials |= bool(exchange.header("Authorization"))
    known.has_signatures |= given.token is not None and given.token.has_real_signature
    if operation is None or exchange.status is None:
        return
    if not operation.gated:
        _note_sign_in(known, exchange)
        return
    revokes = operation.id != "listTokens"
    if not (200 <= exchange.status < 300 or exchange.status == 403 or (exchange.status == 404 and revokes)):
        return
    if exchange.status != 403 or exchange.has_json:
        _note_let_in(known, given)
    if exchange.status == 200:
        found = [exchange.json] if revokes else records_in(exchange.json)
        # What is nobody's is not surely there: the answer may have been made up.
        records = [record for record in map(shown, found) if record and record.owner]
        for record in records:
            known.meet(record, exchange.number)
        if not revokes and records and given.token is None and not given.is_nothing and not given.is_removed:
            known.link(given, records[0].owner)


def _note_let_in(known: Knowledge, given: Presented) -> None:
    known.let_in.add(given.key)
    if given.token is not None:
        _note_genuine(known, given.token)
    if given.basic is not None and given.token is None:
        known.password_of.setdefault(*given.basic)


def _note_genuine(known: Knowledge, token: Token) -> None:
    """Note the first accepted signature as genuine; a later one that contradicts it counts as forged."""
    if not token.algorithm or not token.signature:
        return
    known.signature_of.setdefault(token.signed, token.signature)
    if token.has_real_signature:
        known.signed_by.setdefault(token.signature, token.signed)
        if known.guessed is False:
            known.guessed = token.guessed_secret()


def _note_sign_in(known: Knowledge, exchange: Exchange) -> None:
    body = exchange.json
    token = body.get("token") if isinstance(body, dict) else None
    if exchange.status != 200 or not isinstance(token, str):
        return
    words = token.split(" ")
    parts = words[-1].split(".")
    if len(parts) == 3:
        issued = Token(*parts)
        _note_genuine(known, issued)
        known.let_in.add(Presented(f"JWT {issued.text}", issued).key)
        email, id = issued.claims.get("email"), issued.claims.get("_id")
        if isinstance(email, str) and isinstance(id, str):
            known.id_of.setdefault(email.lower(), id)
