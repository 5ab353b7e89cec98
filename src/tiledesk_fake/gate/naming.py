"""Finds the user that the `_id` of a token names, as mongoose and MongoDB read it (observed; MongoDB's own part is
inferred).

The real gate asks the database for whatever a signed token has there: an id, a list of ids, or an object of MongoDB's
operators, which are executed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.ids import is_object_id, parse_hex_id
from ..javascript import NoText, to_text

Condition = Callable[[int], bool]
"""Says of the id of a user whether it is meant."""


class NotAnId(ValueError):
    """A value that mongoose cannot cast to an ObjectId, or that MongoDB refuses; the real server fails on it."""


def ids_of(identifier: Any) -> list[int] | None:
    """The ids that an identifier names, in order; None for an object of operators. Raises NotAnId.

    >>> ids_of("5E0000000000000000000001") == ids_of(["5e0000000000000000000001", None]) == [0x5e0000000000000000000001]
    True
    """
    if _has_operators(identifier):
        return None
    wanted = identifier if isinstance(identifier, list) else [identifier]
    return sorted({id for value in wanted if (id := _object_id(value)) is not None})


def condition_of(operators: Mapping[str, Any]) -> Condition:
    """What an object of operators asks of an id: all of them. Raises NotAnId.

    >>> condition_of({"$gt": "5e0000000000000000000001", "$ne": None})(0x5e0000000000000000000002)
    True
    """
    conditions = [_condition(operator, value) for operator, value in operators.items()]
    return lambda one: all(condition(one) for condition in conditions)


def _has_operators(value: Any) -> bool:
    return isinstance(value, dict) and any(key.startswith("$") for key in value)


def _condition(operator: str, value: Any) -> Condition:
    if operator == "$not":
        # MongoDB takes nothing else than operators there; mongoose looks at the first, and then at each.
        if not (isinstance(value, dict) and value and next(iter(value)).startswith("$")) or "$not" in value:
            raise NotAnId(operator)
        inner = condition_of(value)
        return lambda one: not inner(one)
    if operator not in _OPERATORS:
        raise NotAnId(operator)
    return _OPERATORS[operator](value)


def _comparison(compare: Callable[[int, int], bool], *, of_nothing: bool = False) -> Callable[[Any], Condition]:
    """An operator with one id beside it; `of_nothing` is what it says where that is null."""

    def condition(value: Any) -> Condition:
        wanted = _object_id(value)
        return lambda one: of_nothing if wanted is None else compare(one, wanted)

    return condition


def _in(value: Any) -> Condition:
    wanted = _all_of(value)
    return lambda one: one in wanted


def _not_in(value: Any) -> Condition:
    wanted = _all_of(value)
    return lambda one: one not in wanted


def _all(value: Any) -> Condition:
    wanted = _all_of(value)
    return lambda one: wanted == {one}


def _all_of(value: Any) -> set[int | None]:
    return {_object_id(item) for item in (value if isinstance(value, list) else [value])}


def _exists(value: Any) -> Condition:
    for meaning, spellings in ((True, (True, "true", "1", "yes")), (False, (False, None, "false", "0", "no"))):
        # In Python 1 is True, and 1.0 as well, as they are in JavaScript.
        if not isinstance(value, list | dict) and value in spellings:
            return lambda _: meaning
    raise NotAnId("$exists")


def _type(value: Any) -> Condition:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise NotAnId("$type")
    return lambda _: value in (7, "objectId")


_OPERATORS: Mapping[str, Callable[[Any], Condition]] = {
    "$eq": _comparison(lambda one, wanted: one == wanted),
    "$ne": _comparison(lambda one, wanted: one != wanted, of_nothing=True),
    "$gt": _comparison(lambda one, wanted: one > wanted),
    "$gte": _comparison(lambda one, wanted: one >= wanted),
    "$lt": _comparison(lambda one, wanted: one < wanted),
    "$lte": _comparison(lambda one, wanted: one <= wanted),
    "$in": _in,
    "$nin": _not_in,
    "$all": _all,
    "$exists": _exists,
    "$type": _type,
}


def _object_id(value: Any) -> int | None:
    """The ObjectId that mongoose makes of a value; None for null, and for twelve characters of which some have no byte.

    Raises NotAnId for what it cannot cast.
    """
    if isinstance(value, dict):
        value = value.get("_id", value)
    if value is None:
        return None
    try:
        text = to_text(value)
    except NoText:
        raise NotAnId("an object without a text") from None
    if not is_object_id(text):
        raise NotAnId(text)
    id = parse_hex_id(text)
    if id is None and all(character < "\u0100" for character in text):
        id = int.from_bytes(text.encode("latin-1"), "big")
    return id
