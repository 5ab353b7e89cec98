"""How JavaScript reads a query, where nobody checks it first (assumed: invalid-query=coerce).

Three libraries in a row, as on sibling lists (observed): qs makes values of the query, JavaScript makes a number of a
page, mongoose judges a direction.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..javascript import to_number
from .operation import Operation, Parameter

Value = str | list[str] | None
"""What qs makes of a parameter: text, a list, or None for an object."""

_INDEX = re.compile(r"(?:\[(?:[0-9]|1[0-9]|20)?\])+")
_DIRECTIONS = {"1": 1, "asc": 1, "ascending": 1, "-1": -1, "desc": -1, "descending": -1}

# Past the end of any list, and a whole number still when it is multiplied by the size of a page.
_FARTHEST = 2**31 - 1


class BadDirection(ValueError):
    """A direction that mongoose refuses to sort by; the server fails on it."""


class Meant(NamedTuple):
    """What the query of a listing means.

    `field` is None for the order of issue, `direction` 1 or -1, or 0 where none is looked at; `page` may be a fraction.
    """

    field: str | None
    direction: int
    page: float
    first_page: int

    def skipped(self, page_size: int) -> int:
        """The number of records before the page."""
        return int((self.page - self.first_page) * page_size)


def read(operation: Operation, query: Mapping[str, Sequence[str]]) -> Meant:
    """Read the query of a listing as the real server does. Raises BadDirection."""
    roles = {parameter.role: parameter for parameter in operation.parameters}
    field: str | None = _field(roles["sortField"], query)
    # JavaScript takes this name for the object's prototype, so there is no sort field and no direction.
    direction = 0 if field == "__proto__" else _direction(roles["direction"], query)
    if not direction or field not in roles["sortField"].schema["enum"]:
        field = None
    return Meant(field, direction, _page(roles["page"], query), roles["page"].schema["minimum"])


def _page(parameter: Parameter, query: Mapping[str, Sequence[str]]) -> float:
    first: int = parameter.schema["minimum"]
    value = value_of(query, parameter.name)
    number = parameter.default if value == "" else math.nan if value is None else to_number(_joined(value))
    return first if math.isnan(number) else min(max(first, number), _FARTHEST)


def _direction(parameter: Parameter, query: Mapping[str, Sequence[str]]) -> int:
    """1 or -1; 0 where the order is to be by a score, which no record has."""
    value = value_of(query, parameter.name)
    if value is None and any(query.get(f"{parameter.name}[$meta]", ())):
        return 0
    if value == "":
        return int(parameter.default)
    word = "" if value is None else _joined(value).lower()
    if word not in _DIRECTIONS:
        raise BadDirection(word)
    return _DIRECTIONS[word]


def _field(parameter: Parameter, query: Mapping[str, Sequence[str]]) -> str:
    value = value_of(query, parameter.name)
    return str(parameter.default) if value == "" else "[object Object]" if value is None else _joined(value)


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ",".join(value)


def value_of(query: Mapping[str, Sequence[str]], name: str) -> Value:
    """What qs makes of a parameter: what is given twice, or with `[]`, is a list; with any other key an object.

    >>> value_of({"page[]": ["1"]}, "page"), value_of({"page[a]": ["1"]}, "page"), value_of({}, "page")
    (['1'], None, '')
    """
    given = {key[len(name) :]: values for key, values in query.items() if key == name or key.startswith(f"{name}[")}
    if any(key and not _INDEX.fullmatch(key) for key in given):
        return None
    values = [value for each in given.values() for value in each]
    return values[0] if values and set(given) == {""} and len(values) == 1 else values or ""
