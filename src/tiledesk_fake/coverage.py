"""What tests have asked of the contract: operations by answers, parameters and assumptions.

A cell is one case of an operation, covered by the tests that met it. Calls that met a planned fault cover nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from . import contract as contracts
from .contract import Contract, Operation, Parameter
from .contract.parameters import Parameters, parse_query
from .contract.profile import CHOICES
from .contract.references import resolved
from .core.journal import Exchange
from .refusals import InvalidParameter

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")

Kind = Literal["answer", "parameter", "assumption"]


class Cell(NamedTuple):
    """One case of an operation: a status, something about a parameter, or the choice of an assumption."""

    operation: str
    kind: Kind
    case: str


def cells(choices: Mapping[str, str] | None = None) -> list[Cell]:
    """All cells of the contract under these choices, operation by operation.

    Of answers the declared statuses; of a parameter in the query that it is absent or invalid, and each value that is
    listed or both bounds and what lies between; of one in the path that it is given, and that it is percent-encoded; of
    assumptions each choice, where it makes a difference to the operation.

    >>> [cell.case for cell in cells() if cell.operation == "listTokens" and cell.case.startswith("page=")]
    ['page=absent', 'page=minimum', 'page=between', 'page=maximum', 'page=invalid']
    """
    contract = contracts.load(choices)
    return [cell for operation in contract.operations for cell in _cells_of(contract, operation)]


def met(exchange: Exchange, choices: Mapping[str, str]) -> Iterator[Cell]:
    """The cells that an exchange covers, of a fake with these choices."""
    contract = contracts.load(choices)
    operation = next((each for each in contract.operations if each.id == exchange.operation), None)
    if operation is None or exchange.fault is not None:
        return
    if exchange.status is not None:
        yield Cell(operation.id, "answer", str(exchange.status))
    for parameter in operation.parameters:
        for case in _met_cases(parameter, exchange):
            yield Cell(operation.id, "parameter", f"{parameter.role}={case}")
    for id in exchange.touched:
        yield Cell(operation.id, "assumption", f"{id}={contract.choices[id]}")


class Coverage:
    """The tests behind each cell of a contract."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._tests: dict[Cell, set[str]] = {cell: set() for cell in cells}

    def add(self, test: str, met: Iterable[Cell]) -> None:
        """Note what a test has met; what is no cell of the contract counts for nothing."""
        for cell in met:
            if cell in self._tests:
                self._tests[cell].add(test)

    @property
    def tests(self) -> Mapping[Cell, set[str]]:
        """The tests behind each cell, in the order of the contract."""
        return self._tests

    @property
    def percent(self) -> float:
        """How many of a hundred cells are covered, with one decimal rounded down: 100 says all of them."""
        covered = sum(map(bool, self._tests.values()))
        return covered * 1000 // max(len(self._tests), 1) / 10

    def as_json(self) -> dict[str, Any]:
        """All of it, as `--tiledesk-coverage=FILE.json` writes it."""
        return {
            "percent": self.percent,
            "cells": [
                {**cell._asdict(), "covered": bool(tests), "tests": sorted(tests)}
                for cell, tests in self._tests.items()
            ],
        }


def _cells_of(contract: Contract, operation: Operation) -> Iterator[Cell]:
    declared = contract.document["paths"][operation.path][operation.method.lower()]
    for status in declared["responses"]:
        yield Cell(operation.id, "answer", status)
    for parameter in operation.parameters:
        for case in _cases_of(parameter):
            yield Cell(operation.id, "parameter", f"{parameter.role}={case}")
    for id, named in CHOICES.items():
        if _concerns(contract, operation, id):
            for choice in dict.fromkeys((contract.choices[id], *named)):
                yield Cell(operation.id, "assumption", f"{id}={choice}")


def _concerns(contract: Contract, operation: Operation, id: str) -> bool:
    """Whether some choice changes what the contract says of the operation, or else of none at all, as of the gate."""
    others = [
        contracts.load({**contract.choices, id: choice}) for choice in CHOICES[id] if choice != contract.choices[id]
    ]
    changed = {
        each.id for other in others for each in contract.operations if _said(other, each) != _said(contract, each)
    }
    return operation.id in changed or not changed


def _said(contract: Contract, operation: Operation) -> Any:
    item = contract.document["paths"][operation.path][operation.method.lower()]
    return resolved(contract.document, item)


def _cases_of(parameter: Parameter) -> list[str]:
    if parameter.location == "path":
        return ["given", "percent-encoded"]
    if "enum" in parameter.schema:
        return ["absent", *(str(value) for value in parameter.schema["enum"]), "invalid"]
    return ["absent", "minimum", "between", "maximum", "invalid"]


def _met_cases(parameter: Parameter, exchange: Exchange) -> Iterator[str]:
    path, _, query = exchange.target.partition("?")
    if parameter.location == "path":
        yield "given"
        if _ESCAPE.search(path.rstrip("/").rpartition("/")[2]):
            yield "percent-encoded"
        return
    # Not `exchange.query`, which has the first value alone of a parameter that is there twice.
    given = parse_query(query).get(parameter.name)
    try:
        value = Parameters.value(parameter, given) if given else None
    except InvalidParameter:
        yield "invalid"
        return
    if value is None:
        yield "absent"
    elif "enum" in parameter.schema:
        yield str(value)
    else:
        edges = {parameter.schema["minimum"]: "minimum", parameter.schema["maximum"]: "maximum"}
        yield edges.get(value, "between")
