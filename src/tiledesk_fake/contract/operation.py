"""An operation of the contract: its parameters, and the answers that need no code."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Decided(NamedTuple):
    """How assumptions change a parameter: its names under all choices, and the ids of the assumptions that change it.

    An alternative turns a parameter that it renames or whose schema it changes. One that lets any other value stand
    beside the schema changes nothing for those that have a meaning.
    """

    names: tuple[str, ...]
    ids: frozenset[str]


class Parameter(NamedTuple):
    """One parameter of an operation.

    `role` is what the code calls it, `name` what clients do. `schema` is that of the values that have a meaning (a
    profile may accept any others beside them), `default` what an absent parameter stands for. `decided` has what it is
    called under other choices, and which assumptions turn it.
    """

    role: str
    name: str
    location: str
    schema: Mapping[str, Any]
    default: Any
    decided: Decided


class Operation(NamedTuple):
    """One operation: its operationId, its method in capitals, its path template below the base path.

    `gated` is whether credentials are asked for in `Authorization`; the one that is not gated takes them in its body.
    """

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    gated: bool = True


class Response(NamedTuple):
    """A response that the file has whole: its status, its headers in order, and its content, JSON or text."""

    status: int
    headers: tuple[tuple[str, str], ...]
    content: Any
    is_json: bool
