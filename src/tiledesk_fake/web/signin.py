"""Sign-in: the fields of a request as the real server's validator sees them, then the user (observed).

The validator, express-validator 6.14.2, looks for both fields in the body, the cookies, the headers and the query, and
all that it finds must be valid. What comes next reads the body alone.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ..core.request import Request
from ..core.users import Users
from ..gate.gate import Caller
from ..javascript import decode_uri_component, is_false, parse_json, to_text
from ..refusals import ABSENT, InvalidField, InvalidFields, Quirk, Refusal, ServerFails, SignInRefused
from .addresses import is_address
from .forms import QUERY

_FIELDS: dict[str, Callable[[str], bool]] = {"email": is_address, "password": bool}


def caller(users: Users, request: Request, body: Any) -> Caller:
    """The user whom the request signs in; `body` is the parsed body.

    Raises InvalidFields, SignInRefused, or a Quirk where the real server fails.
    """
    _check(request, body)
    email, password = (_of_body(body, field) for field in _FIELDS)
    if not isinstance(email, str):
        # Valid, but elsewhere, or in a list.
        raise _fails(InvalidField("email", "body", email))
    user = users.by_email(email.lower())
    if user is None or not user.active:
        capitals = "; the address is stored with capitals, and looked for in lower case"
        why = "inactive user" if user else f"no such user{capitals if users.by_email(email) else ''}"
        raise SignInRefused("userNotFound", why)
    if password is ABSENT or is_false(password):
        raise SignInRefused("passwordRequired", "a password that JavaScript counts as false")
    if user.password is None:
        raise SignInRefused("wrongPassword", "the user has no password")
    if not isinstance(password, str):
        raise SignInRefused("wrongPassword", "a password that is no text")
    if not user.has_password(password):
        raise SignInRefused("wrongPassword", "wrong password")
    return Caller(user.id, user)


def _check(request: Request, body: Any) -> None:
    invalid = []
    for field, is_valid in _FIELDS.items():
        for location, value in _found(request, body, field):
            problem = InvalidField(field, location, value)
            try:
                if not is_valid(_text(value)):
                    invalid.append(problem)
            except ValueError:
                raise _fails(problem) from None
    if invalid:
        raise InvalidFields(*invalid)


def _fails(problem: InvalidField) -> Refusal:
    return Quirk(real=ServerFails(), calm=InvalidFields(problem))


def _found(request: Request, body: Any, field: str) -> Iterator[tuple[str, Any]]:
    """Each value of a field with its place; where there is none, the body without it."""
    query = request.below_mount.partition("?")[2].partition("#")[0]
    values = {
        "body": _of_body(body, field),
        "cookies": _cookie(request.header("cookie") or "", field),
        "headers": request.header(field),
        "query": QUERY.read(query).get(field, ABSENT),
    }
    given = [(location, value) for location, value in values.items() if value is not ABSENT and value is not None]
    if values["body"] is None:
        given.insert(0, ("body", None))
    return iter(given or [("body", ABSENT)])


def _of_body(body: Any, field: str) -> Any:
    return body.get(field, ABSENT) if isinstance(body, dict) else ABSENT


def _cookie(header: str, name: str) -> Any:
    """The value of a cookie, the first of that name; one that begins with `j:` may be JSON."""
    for pair in header.split(";"):
        key, equals, value = pair.partition("=")
        if not equals or key.strip() != name:
            continue
        value = value.strip()
        value = value[1:-1] if value.startswith('"') else value
        with suppress(ValueError):
            value = decode_uri_component(value)
        if not value.startswith("j:"):
            return value
        try:
            parsed = parse_json(value[2:])
        except ValueError:
            return value
        return value if is_false(parsed) else parsed
    return ABSENT


def _text(value: Any) -> str:
    """The text that the validator sees: of a list its first item's, of nothing none."""
    if isinstance(value, list) and value:
        return "" if value[0] is None else _object_or_text(value[0])
    return "" if value is ABSENT or value is None else _object_or_text(value)


def _object_or_text(value: Any) -> str:
    if isinstance(value, dict) and not is_false(value.get("toString")):
        return "[object Object]"
    return to_text(value)
