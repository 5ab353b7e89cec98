"""The contract of sign-in, `openapi/auth.yaml`: a file of its own, since the published page does not have it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ..errors import ContractError, nearest
from .file import FILE, read
from .operation import Operation, Response
from .places import Places
from .references import resolved

AUTH_FILE = FILE.with_name("auth.yaml")
OPERATION = "signIn"
_REFUSALS = ("wrongPassword", "userNotFound", "passwordRequired")


class SignIn(NamedTuple):
    """What the file says of the operation.

    `refusals` are its answers by the names of their examples; `responses` are those and the others, the likeliest of
    each status first.
    """

    document: Mapping[str, Any]
    operation: Operation
    places: Places
    refusals: Mapping[str, Response]
    responses: tuple[Response, ...]


@cache
def load_sign_in() -> SignIn:
    """What the file says. Raises ContractError for one that does not match the code."""
    said = read(AUTH_FILE)
    places = Places(AUTH_FILE, said.document, said.lines)
    try:
        ((path, item),) = said.document["paths"].items()
        ((method, operation),) = item.items()
        responses = {
            name: Response(int(status), (), example["value"], is_json=True)
            for status, reference in operation["responses"].items()
            for name, example in _examples(said.document, reference).items()
        }
    except (LookupError, TypeError, ValueError, AttributeError) as cause:
        raise ContractError(f"{AUTH_FILE.name}: expected one operation with examples of its answers") from cause
    if operation["operationId"] != OPERATION:
        raise ContractError(f"{AUTH_FILE.name}: expected the operation {OPERATION!r}, got {operation['operationId']!r}")
    for name in _REFUSALS:
        if name not in responses:
            raise ContractError(f"{AUTH_FILE.name}: expected the example {name!r}{nearest(name, responses)}")
    return SignIn(
        said.document,
        Operation(OPERATION, method.upper(), path, (), gated=False),
        places,
        {name: responses[name] for name in _REFUSALS},
        tuple(responses.values()),
    )


def _examples(document: Mapping[str, Any], reference: Mapping[str, Any]) -> Mapping[str, Any]:
    response = resolved(document, reference, source=AUTH_FILE.name)
    examples: Mapping[str, Any] = response["content"]["application/json"]["examples"]
    return examples
