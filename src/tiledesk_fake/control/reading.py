"""What a request of the control API brings: its body and its query, read strictly, and refused in words of ours.

How deep a body nests is judged before anything is made of it. What the fields hold is for the fake to judge.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from ..arguments import phrase
from ..core.clock import OutsideOfTime
from ..core.request import Request
from ..errors import MisuseError, ScenarioError, nearest
from ..gate.nesting import DEEPEST, nests_too_deep
from ..web.body import BODY_LIMIT
from .description import Route
from .problems import Problem

_WITH_BODY = ("POST", "PUT", "PATCH")
# By other names than the registered one, which is the newest.
_ALIASES = {
    "application/x-yaml": "application/yaml",
    "text/yaml": "application/yaml",
    "text/x-yaml": "application/yaml",
}
_PHRASES: Mapping[type, str] = {dict: "an object", list: "a list", type(None): "null"}
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def body_of(request: Request, route: Route) -> Any:
    """The JSON of the body, the empty object for an empty body; raises a Problem for a body that is not accepted."""
    if request.method not in _WITH_BODY:
        return {}
    media_type = request.content_type.partition(";")[0].strip().lower()
    media_type = _ALIASES.get(media_type, media_type)
    charset = _CHARSET.search(request.content_type)
    if media_type not in route.media_types or (charset and charset[1].lower() not in ("utf-8", "utf8")):
        wanted = " or ".join(route.media_types)
        raise Problem("content-type", f"expected the header Content-Type: {wanted}, in UTF-8", valid=route.media_types)
    if len(request.body) > BODY_LIMIT:
        raise too_large()
    if not request.body.strip():
        return {}
    try:
        text = request.body.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise MisuseError(f"expected a body in UTF-8; byte {cause.start} is not") from None
    if nests_too_deep(text):
        raise MisuseError(f"expected a body that nests at most {DEEPEST} levels of lists and objects")
    return _yaml(text) if media_type == "application/yaml" else _json(text)


def too_large() -> Problem:
    """The problem with a body that is larger than any that is read."""
    return Problem("too-large", f"expected a body of at most {BODY_LIMIT:,} bytes; send it in several requests")


def _json(text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_no_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as cause:
        raise MisuseError(f"expected JSON: {cause.msg} at line {cause.lineno}, column {cause.colno}") from None
    except UnicodeEncodeError:
        raise MisuseError(
            r"expected text that has a UTF-8 form; an escape like \ud800 alone is half a character"
        ) from None
    except ValueError:
        raise MisuseError("expected numbers that can be read; one has too many digits") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = Counter(names).most_common(1)[0][0]
        raise MisuseError(f"the key {twice!r} is written twice in one object; leave one out")
    return found


def _number(text: str) -> float:
    # To JSON, 2.0 is the whole number 2.
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> None:
    raise MisuseError(f"expected JSON, which has no {name}")


def _yaml(text: str) -> Any:
    from .. import yamlfile  # noqa: PLC0415 - JSON needs none of it

    return yamlfile.parse(text, Path("scenario"), ScenarioError).content


def fields_of(body: Any, known: Mapping[str, bool]) -> dict[str, Any]:
    """The fields of an object; raises a Problem if it is none, or has other fields or too few."""
    if not isinstance(body, dict):
        raise MisuseError(f"expected a JSON object{_with(known)}, got {said(body)}")
    for name in body:
        if name not in known:
            hint = nearest(name, known) if known else "; this takes none"
            raise Problem("misuse", f"there is no field {name!r}{hint}", valid=known)
    for name, required in known.items():
        if required and name not in body:
            raise Problem("misuse", f"expected the field {name!r}, which is missing", valid=known)
    return body


def _with(known: Iterable[str]) -> str:
    return f" with the fields {', '.join(known)}" if known else " without fields"


def said(value: Any) -> str:
    """The kind of a JSON value, in words; never the value, which may be a password in the wrong place."""
    return _PHRASES.get(type(value)) or phrase(type(value))


def query_of(text: str, route: Route) -> dict[str, str]:
    """The parameters of a query string; raises a Problem for one that does not exist or is given twice."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise MisuseError("expected a query in UTF-8, percent-encoded") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in route.parameters:
            hint = nearest(name, route.parameters) if route.parameters else "; this takes none"
            raise Problem("misuse", f"there is no parameter {name!r}{hint}", valid=route.parameters)
        if name in found:
            raise MisuseError(f"the parameter {name!r} is given twice; leave one out")
        found[name] = value
    return found


def whole_number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    """The whole number that a parameter has; None where it is absent."""
    if name not in query:
        return None
    text = query[name]
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise MisuseError(f"{name}: expected a whole number from {least} to {most}, got {_shown(text)}")
    return int(text)


def number(query: Mapping[str, str], name: str, most: float) -> float:
    """The number from 0 that a parameter has; 0 where it is absent."""
    text = query.get(name, "0")
    if not _NUMBER.fullmatch(text) or not 0 <= float(text) <= most:
        raise MisuseError(f"{name}: expected a number from 0 to {most:g}, got {_shown(text)}")
    return float(text)


def text_of(query: Mapping[str, str], name: str) -> str | None:
    """The text that a parameter has; None where it is absent."""
    if name in query and not query[name]:
        raise MisuseError(f"{name}: expected a value, got an empty one; leave the parameter out for any")
    return query.get(name)


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 20 else f"{len(text)} characters"


def path_parameter(raw: str) -> str:
    """A segment of a raw path, decoded, so that `%2F` stays inside it."""
    try:
        return unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise MisuseError("expected a path in UTF-8, percent-encoded") from None


def instant(value: Any, name: str) -> datetime | None:
    """The time that a field has; null is none."""
    if value is None:
        return None
    wanted = "expected a time with its zone, like 2026-01-01T10:00:00Z"
    if not isinstance(value, str):
        raise MisuseError(f"{name}: {wanted}, got {said(value)}")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise MisuseError(f"{name}: {wanted}, got other text") from None
    if at.tzinfo is None:
        raise MisuseError(f"{name}: {wanted}, got one without; add Z if it is UTC")
    return at


def duration(value: Any, name: str) -> timedelta | None:
    """The seconds that a field has; null is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisuseError(f"{name}: expected a number of seconds, got {said(value)}")
    try:
        if math.isfinite(value):
            return timedelta(seconds=value)
    except OverflowError:
        pass
    raise OutsideOfTime(f"{name}: expected a time from 1970 to 9999; no step is that long")
