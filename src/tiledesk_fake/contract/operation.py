"""What a contract says of an operation: its parameters, and the answers that need no code."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Parameter(NamedTuple):
    """One parameter of an operation.

    `role` is what the code calls it, `name` what clients do. `schema` is that of the values that have a meaning (a
    profile may accept any others beside them), `default` what an absent parameter stands for.
    """

    role: str
    name: str
    location: str
    schema: Mapping[str, Any]
    default: Any


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
