"""What `openapi/control.yaml` says of the control API: the routes are made from it."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ..contract import FILE
from ..contract.file import METHODS, read
from ..contract.references import resolved

CONTROL = FILE.with_name("control.yaml")


class Route(NamedTuple):
    """One operation: how it is called, and what may be sent to it.

    `fields` are those of the body's object, by name whether it is required; `parameters` those of the query.
    `open_to_all` is whether it needs no control token.
    """

    id: str
    method: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    media_types: tuple[str, ...]
    fields: Mapping[str, bool]
    parameters: tuple[str, ...]
    open_to_all: bool


def document() -> dict[str, Any]:
    """The file, as JSON has it."""
    return read(CONTROL).document


@cache
def routes() -> tuple[Route, ...]:
    """All operations of the file."""
    return tuple(_routes())


def _routes() -> Iterator[Route]:
    for path, item in document()["paths"].items():
        for method in METHODS:
            if method in item:
                yield _route(path, method.upper(), item[method])


def _route(path: str, method: str, operation: Mapping[str, Any]) -> Route:
    literals_and_names = re.split(r"{([^}]*)}", path)
    pattern = "([^/]+)".join(map(re.escape, literals_and_names[::2]))
    # Linters refuse a path that ends with a slash; the page is found with one, too.
    last = "/?" if path == "/_fake" else ""
    content = _resolved(operation.get("requestBody", {})).get("content", {})
    schema = _resolved(next(iter(content.values()), {})).get("schema", {})
    required = schema.get("required", ())
    return Route(
        operation["operationId"],
        method,
        re.compile(pattern + last),
        tuple(literals_and_names[1::2]),
        tuple(content),
        {name: name in required for name in schema.get("properties", ())},
        tuple(_resolved(parameter)["name"] for parameter in operation.get("parameters", ())),
        operation.get("security") == [],
    )


def _resolved(node: Any) -> Any:
    return resolved(document(), node, source=CONTROL.name)
