"""The parameters of a request, checked against the schemas of the contract."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from ..core.redaction import redacted
from ..refusals import InvalidParameter, ServerFails
from . import coercion, schemas
from .choices import Choices
from .contract import Contract
from .operation import Operation, Parameter

Query = Mapping[str, Sequence[str]]

# As JSON writes an integer; int() would also take blanks, underscores and the digits of every script.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_LONGEST_SHOWN = 40

MOST_PARAMETERS = 1_000
"""How many parameters of a query the real server reads (observed)."""


def parse_query(query: str) -> Query:
    """All values of every parameter of a query string, decoded; a malformed escape stays as it is.

    What follows the first thousand parameters is not read (observed).
    """
    values: dict[str, list[str]] = {}
    if query:
        if query.count("&") >= MOST_PARAMETERS:
            query = "&".join(query.split("&", MOST_PARAMETERS)[:MOST_PARAMETERS])
        for name, value in parse_qsl(query, keep_blank_values=True):
            values.setdefault(name, []).append(value)
    return values


class Parameters:
    """Reads the parameters of every operation of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._deciders = {operation.id: _deciders(operation) for operation in contract.served}

    def note_deciders(self, operation: Operation, query: Query, choices: Choices) -> None:
        """Note the assumptions that turn what a query says, and what is said of it.

        Whatever comes of the request: it is judged as a client's too where a fault or the gate has answered.
        """
        by_name, of_unknown = self._deciders[operation.id]
        for name in query:
            if name not in by_name:
                choices.note(of_unknown)
            # With brackets after it, the name is the same to those who coerce.
            choices.note(by_name.get(name.partition("[")[0], ()))

    def read(self, operation: Operation, path: Mapping[str, str], query: Query, choices: Choices) -> dict[str, Any]:
        """The value of each parameter by its role; what is absent has its default.

        An invalid value in the query raises InvalidParameter or ServerFails, counts as absent or is taken for what it
        may mean (assumed: invalid-query); one in the path raises InvalidParameter.
        """
        # Names with brackets are parameters to those alone who coerce; in all else that is valid the choices agree.
        if any("[" in name for name in query) and choices.invalid_query == "coerce" and operation.id == "listTokens":
            return _coerced(operation, query)
        values = {}
        for parameter in operation.parameters:
            if parameter.location == "path":
                values[parameter.role] = self.value(parameter, [path[parameter.name]])
                continue
            try:
                given = query.get(parameter.name)
                values[parameter.role] = self.value(parameter, given) if given else parameter.default
            except InvalidParameter:
                policy = choices.invalid_query
                if policy == "reject":
                    raise
                if policy == "fail":
                    raise ServerFails from None
                if policy == "coerce":
                    return _coerced(operation, query)
                values[parameter.role] = parameter.default
        return values

    @staticmethod
    def value(parameter: Parameter, given: Sequence[str]) -> Any:
        """The value that a client gave a parameter; raises InvalidParameter for one that the contract excludes."""
        if len(given) > 1:
            raise InvalidParameter(parameter.name, f"expected one value, got {len(given)}")
        text = given[0]
        if not text:
            raise InvalidParameter(parameter.name, "expected a value, got an empty one")
        integral = parameter.schema["type"] == "integer" and _INTEGER.fullmatch(text)
        value = int(text) if integral else text
        if complaint := schemas.complaint(parameter.schema, value):
            # A long value is not said again: it may be a token in the wrong place.
            got = f"; got {redacted(repr(text))}" if len(text) <= _LONGEST_SHOWN else f"; got {len(text)} characters"
            raise InvalidParameter(parameter.name, f"{complaint}{got}")
        return value


def _deciders(operation: Operation) -> tuple[Mapping[str, frozenset[str]], frozenset[str]]:
    """The assumptions that change each parameter, by its name under some choice; and those that change any name."""
    by_name = {name: parameter.decided.ids for parameter in operation.parameters for name in parameter.decided.names}
    renamed = [parameter.decided for parameter in operation.parameters if len(parameter.decided.names) > 1]
    # Of an unknown parameter a violation says which ones are known.
    return by_name, frozenset().union(*(decided.ids for decided in renamed))


def _coerced(operation: Operation, query: Query) -> dict[str, Any]:
    try:
        meant = coercion.read(operation, query)
    except coercion.BadDirection:
        raise ServerFails from None
    return {"sortField": meant.field, "direction": meant.direction, "page": meant.page}
