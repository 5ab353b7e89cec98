"""The bodies that go over the wire. Only this module knows Tiledesk's field names."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from json.encoder import encode_basestring

from ..contract import Contract
from ..contract.choices import Choices
from ..contract.profile import CHOICES
from ..core.history import SORT_FIELDS, Page, Record
from ..core.ids import hex_id, is_object_id
from ..core.users import User
from ..errors import ContractError, nearest
from ..javascript import stringify
from ..refusals import ABSENT, InvalidField
from .answer import compact_json

FIELDS = {
    "_id": "id",
    "jti": "jti",
    "id_user": "user_id",
    "revoked": "revoked",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "expiresAt": "expires_at",
    "__v": "version",
}
"""Tiledesk's names of a record's fields, and ours."""

_DAY_MS = 86_400_000


def check(contract: Contract) -> None:
    """Raise ContractError unless the contract's record has exactly these fields, and sorts by them."""
    assert set(FIELDS.values()) == set(SORT_FIELDS)
    named = {
        "TokenRecord.properties": contract.schema("TokenRecord")["properties"],
        "SortField.enum": contract.schema("SortField")["enum"],
    }
    for place, names in named.items():
        for name in names:
            if name not in FIELDS:
                raise ContractError(f"{place}: the code knows no field {name!r}{nearest(name, FIELDS)}")
        for field in FIELDS:
            if field not in names:
                raise ContractError(f"{place}: expected the field {field!r}{nearest(field, names)}")


# A record never changes, so its JSON is written once for as long as it is asked for: a list of 40 takes 30 µs instead
# of 190. 16,384 of them are about 5 MB.
@lru_cache(maxsize=16_384)
def record_json(record: Record) -> bytes:
    """One record as Tiledesk writes it."""
    # Not by way of a dict, which takes twice as long; only a jti can have what JSON must escape.
    jti = f'"jti":{encode_basestring(record.jti)},' if record.jti else ""
    user = f'"id_user":"{record.user_id}",' if record.user_id else ""
    expires = "" if record.expires_ms is None else f'"expiresAt":"{timestamp(record.expires_ms)}",'
    return (
        f'{{"_id":"{hex_id(record.id)}",{jti}{user}"revoked":{"true" if record.revoked else "false"},'
        f'"createdAt":"{timestamp(record.created_ms)}","updatedAt":"{timestamp(record.updated_ms)}",{expires}"__v":0}}'
    ).encode()


def timestamp(ms: int) -> str:
    """Milliseconds since 1970 in ISO 8601: `2026-01-05T12:00:00.000Z`."""
    days, rest = divmod(ms, _DAY_MS)
    seconds, millis = divmod(rest, 1000)
    return f"{_date(days)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{millis:03}Z"


def _date(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days)).isoformat()


# All pages of any size begin alike, as far as this.
_SHORTEST_PAGE = min(map(int, CHOICES["page-size"]))


def listing(page: Page, contract: Contract, choices: Choices) -> bytes:
    """The body that lists a page (assumed: list-envelope)."""
    records = _array(page.records)
    key = choices.list_envelope
    if key != "bare" or page.total > min(_SHORTEST_PAGE, contract.page_size):
        choices.note(("page-size",))
    if key == "bare":
        return records
    return b'{"perPage":%d,"count":%d,"%b":%b}' % (contract.page_size, page.total, key.encode(), records)


def _array(records: Iterable[Record]) -> bytes:
    return b"[%b]" % b",".join(map(record_json, records))


def revocation(record: Record, contract: Contract, choices: Choices) -> bytes:
    """The body that answers a revocation (assumed: revoke-answer)."""
    if choices.revoke_answer == "record":
        return record_json(record)
    return compact_json(contract.example("RevokedByJti"))


def signed_in(user: User, jwt: str) -> bytes:
    """The body that answers a sign-in (observed)."""
    said = {
        "email": user.email,
        "firstname": user.firstname,
        "lastname": user.lastname,
        "emailverified": user.emailverified,
        "_id": user.id,
    }
    return compact_json({"success": True, "token": f"JWT {jwt}", "user": said})


def invalid_fields(fields: Iterable[InvalidField]) -> bytes:
    """The body that says which fields of a sign-in are not valid (observed)."""
    errors = [
        ({} if field.value is ABSENT else {"value": field.value})
        | {"msg": "Invalid value", "param": field.name, "location": field.location}
        for field in fields
    ]
    return stringify({"errors": errors}).encode()


NOTHING = b"null"
"""The body that answers the revocation of nothing, where that is no error (assumed: revoke-unknown)."""


def refusal(message: str) -> bytes:
    """The body of most refusals (observed)."""
    return compact_json({"success": False, "msg": message})


def failure() -> bytes:
    """The body of the real server's failures (observed)."""
    return b'{"err":"error"}'


def fall_through(project: str) -> bytes:
    """The real server's answer if it takes part of a path for a project's id (observed)."""
    said = "Project not found with id" if is_object_id(project) else "Invalid project id"
    return compact_json({"error": f"{said}: {project}"})


def too_large(limit: int | None) -> bytes:
    """The real server's answer to a body over its limit in bytes, or over another limit (observed)."""
    return compact_json({"err": "Request entity too large", **({} if limit is None else {"limit": limit})})
