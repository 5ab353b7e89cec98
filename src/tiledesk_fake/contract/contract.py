"""The contract: what `openapi/jwt.yaml` says, under a profile.

Everything the fake takes from the file passes through here: paths, methods, base path, parameters with their schemas,
the responses that need no code, page size and first page. `OPERATIONS` and `profile.CHOICES` say what the code
implements; a file that names anything else is refused when it is loaded.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from ..errors import ContractError, nearest
from .file import FILE, METHODS, read
from .operation import Decided, Operation, Parameter, Response
from .places import Place, Places
from .profile import Profile, check
from .references import resolved
from .schemas import ANNOTATIONS, KEYWORDS, TYPES
from .signin import load_sign_in
from .specialising import checked_assumptions, decided_parameters, specialised

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "listTokens": ("sortField", "direction", "page"),
    "revokeTokenByJti": ("jti",),
    "revokeTokenById": ("id",),
}
"""The operations that the code implements, with the parameters it reads, by their names under components.parameters."""
RESPONSES = ("Unauthorized", "BadRequest", "NotTwoWords", "UnknownToken")
"""The responses that come whole from the file, by their names under components.responses."""


class Contract:
    """The OpenAPI document under one profile, and what the code reads from it.

    Made by `load`. `document` is OpenAPI, specialised: every patch of the profile's choices is applied, and each entry
    of `x-assumptions` has its `choice`. Treat it as read-only; it is shared. `parameter_names` are what clients call
    the parameters under one choice or another, by operationId. `places` says where in the file something stands.
    `operations` are those of the file; `sign_in` is what a file of its own says of one more.
    """

    def __init__(
        self, document: dict[str, Any], profile: Profile, places: Places, decided: Mapping[str, Decided]
    ) -> None:
        self.document = document
        self._decided = decided
        self.profile = profile
        self.places = places
        self._check_assumption_free_parts()
        self.base_path = urlsplit(document["servers"][0]["url"]).path.rstrip("/")
        self.operations = tuple(self._operations())
        self.sign_in = load_sign_in()
        self.parameter_names: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {
                each.id: tuple(name for parameter in each.parameters for name in parameter.decided.names)
                for each in self.served
            }
        )
        self._check_operations()
        schemas = document["components"]["schemas"]
        self.page_size = int(schemas["TokenPage"]["maxItems"])
        self.first_page = int(schemas["PageNumber"]["minimum"])
        self._check_pages(schemas)
        self.responses: Mapping[str, Response] = MappingProxyType(dict(self._responses()))
        self._check_responses()

    @property
    def choices(self) -> Mapping[str, str]:
        """The choice of every assumption, by its id."""
        return {id.replace("_", "-"): choice for id, choice in self.profile._asdict().items()}

    @property
    def served(self) -> tuple[Operation, ...]:
        """All operations, sign-in too."""
        return (*self.operations, self.sign_in.operation)

    def place(self, keys: tuple[str, ...]) -> Place:
        """The place of a statement in one of the contract's files."""
        of_sign_in = self.sign_in.operation.path in keys or self.sign_in.operation.id in keys
        return (self.sign_in.places if of_sign_in else self.places).of(keys)

    def responses_of(self, operation: Operation) -> Iterable[Response]:
        """The responses of an operation that need no code, the likeliest of a status first."""
        return self.responses.values() if operation.gated else self.sign_in.responses

    def schema(self, name: str) -> dict[str, Any]:
        """The schema of this name under components.schemas, with every reference resolved."""
        resolved: dict[str, Any] = self._resolved({"$ref": f"#/components/schemas/{name}"})
        return resolved

    def json(self, response: str) -> dict[str, Any]:
        """The schema and the examples of the JSON of a response under components.responses.

        They are in `x-content` where a status has another answer too, which comes without a Content-Type.
        """
        declared = self.document["components"]["responses"][response]
        content = declared["x-content"] if "x-content" in declared else declared["content"]
        media_type: dict[str, Any] = content["application/json"]
        return media_type

    def example(self, response: str) -> Any:
        """The value of the first example of a response under components.responses."""
        return self._resolved(next(iter(self.json(response)["examples"].values())))["value"]

    def _resolved(self, node: Any) -> Any:
        return resolved(self.document, node, source=self.places.file.name)

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method not in item:
                    continue
                operation = item[method]
                parameters = tuple(self._parameter(reference) for reference in operation.get("parameters", ()))
                yield Operation(operation.get("operationId", f"{method} {path}"), method.upper(), path, parameters)

    def _parameter(self, reference: Mapping[str, Any]) -> Parameter:
        prefix = "#/components/parameters/"
        if not str(reference.get("$ref", "")).startswith(prefix):
            raise self._error(f"expected a parameter as a reference to {prefix}…, got {dict(reference)!r}")
        parameter = self._resolved(reference)
        role = reference["$ref"].removeprefix(prefix)
        schema = parameter.get("schema", {})
        understood = schema["anyOf"][0] if "anyOf" in schema else schema
        self._check_schema(role, understood)
        return Parameter(
            role, parameter["name"], parameter["in"], understood, understood.get("default"), self._decided[role]
        )

    def _check_schema(self, role: str, schema: Mapping[str, Any]) -> None:
        for keyword in schema:
            if keyword not in (*KEYWORDS, *ANNOTATIONS) and not keyword.startswith("x-"):
                raise self._error(f"{role}: the code checks no {keyword!r}{nearest(keyword, KEYWORDS)}")
        if schema.get("type") not in TYPES:
            raise self._error(f"{role}: the code reads no type {schema.get('type')!r}; there are {', '.join(TYPES)}")

    def _responses(self) -> Iterator[tuple[str, Response]]:
        # The status of a response is where the operations put it; its body is its example, or the text of `x-body`.
        for operation in (
            item[method] for item in self.document["paths"].values() for method in METHODS if method in item
        ):
            for status, reference in operation["responses"].items():
                name = reference.get("$ref", "").rpartition("/")[2]
                if name in RESPONSES:
                    yield name, self._response(int(status), name)

    def _response(self, status: int, name: str) -> Response:
        response = self.document["components"]["responses"][name]
        headers = tuple((header, spec["schema"]["enum"][0]) for header, spec in response.get("headers", {}).items())
        if "content" not in response:
            return Response(status, headers, response["x-body"], is_json=False)
        return Response(status, headers, self.example(name), is_json=True)

    def _check_assumption_free_parts(self) -> None:
        for part in ("servers", "paths", "components"):
            if not self.document.get(part):
                raise self._error(f"expected the part {part!r}, which is missing or empty")
        for part in ("parameters", "schemas", "responses"):
            if part not in self.document["components"]:
                raise self._error(f"expected the part 'components.{part}', which is missing")
        # A bare list does not tell the size of a page.
        telling = () if self.profile.list_envelope == "bare" else ("PageSize",)
        for name in (*telling, "PageNumber", "TokenPage", "TokenRecord", "SortField"):
            if name not in self.document["components"]["schemas"]:
                raise self._error(
                    f"expected the schema {name!r}{nearest(name, self.document['components']['schemas'])}"
                )

    def _check_operations(self) -> None:
        found = {operation.id: operation for operation in self.operations}
        for id in found:
            if id not in OPERATIONS:
                raise self._error(f"the code implements no operation {id!r}{nearest(id, OPERATIONS)}")
        for id, roles in OPERATIONS.items():
            if id not in found:
                raise self._error(f"expected the operation {id!r}{nearest(id, found)}")
            operation = found[id]
            given = [parameter.role for parameter in operation.parameters]
            for role in given:
                if role not in roles:
                    raise self._error(f"{id}: the code reads no parameter {role!r}{nearest(role, roles)}")
            for role in roles:
                if role not in given:
                    raise self._error(f"{id}: expected the parameter {role!r}{nearest(role, given)}")
            self._check_path(operation)

    def _check_path(self, operation: Operation) -> None:
        in_template = re.findall(r"{([^}]*)}", operation.path)
        declared = [parameter.name for parameter in operation.parameters if parameter.location == "path"]
        if sorted(in_template) != sorted(declared):
            raise self._error(
                f"{operation.id}: expected the path {operation.path!r} to name its path parameters {declared}, "
                f"it names {in_template}"
            )

    def _check_pages(self, schemas: Mapping[str, Any]) -> None:
        most, number = schemas["TokenPage"]["maxItems"], schemas["PageNumber"]
        size = schemas.get("PageSize", {"minimum": most, "maximum": most})
        if not 1 <= size["minimum"] == size["maximum"] == most:
            raise self._error(
                "expected one page size in PageSize.minimum, PageSize.maximum and TokenPage.maxItems, got "
                f"{size['minimum']}, {size['maximum']} and {most}"
            )
        if number.get("default") != number["minimum"]:
            raise self._error(
                "expected PageNumber.default to be PageNumber.minimum, the first page; "
                f"got {number.get('default')} and {number['minimum']}"
            )

    def _check_responses(self) -> None:
        declared = self.document["components"]["responses"]
        for name in RESPONSES:
            if name == "UnknownToken" and self.profile.revoke_unknown != "404":
                continue
            if name not in self.responses:
                raise self._error(f"expected an operation to answer {name!r}{nearest(name, declared)}")

    def _error(self, message: str) -> ContractError:
        return ContractError(f"{self.places.file.name}: {message}")


def load(choices: Mapping[str, str] | None = None, *, file: Path = FILE) -> Contract:
    """The contract in `file`, under the file's defaults and these choices (assumption id to choice).

    Raises ProfileError for an unknown id or choice, and ContractError for a file that does not match the code.

    >>> load({"page-size": "10"}).page_size
    10
    """
    made = check(choices, source="profile") if choices else {}
    # The package's own file stays as it is for as long as the process lives.
    return _load(tuple(sorted(made.items())), file, 0 if file is FILE else file.stat().st_mtime_ns)


# Fakes are made by the hundred in a test run; the file is read once, and again only when it changes.
@lru_cache(maxsize=128)
def _load(choices: tuple[tuple[str, str], ...], file: Path, changed: int) -> Contract:
    try:
        said = read(file, changed)
        assumptions = checked_assumptions(said.document, file.name)
        made = {id: assumption["default"] for id, assumption in assumptions.items()} | dict(choices)
        return Contract(
            specialised(said.document, made),
            Profile.of(made),
            Places(file, said.document, said.lines),
            decided_parameters(said.document),
        )
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as cause:
        # A key is missing or of another kind, and no check names it; a linter says more.
        raise ContractError(f"{file.name}: cannot be read as this contract: {type(cause).__name__}: {cause}") from cause
