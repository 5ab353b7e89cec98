"""The contract: what `openapi/jwt.yaml` says, under a profile.

Everything the fake takes from the file passes through here: paths, methods, base path, parameters with their schemas,
the answers that need no code, page size and first page. `OPERATIONS` and `profile.CHOICES` say what the code
implements; a file that names anything else is refused when it is loaded.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .errors import ContractError, nearest
from .profile import CHOICES, Profile, check

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "listTokens": ("sortField", "direction", "page"),
    "revokeTokenByJti": ("jti",),
    "revokeTokenById": ("id",),
}
"""The operations that the code implements, with the parameters it reads, by their names under components.parameters."""

ANSWERS = ("Unauthorized", "BadRequest", "NotTwoWords", "UnknownToken")
"""The answers that come whole from the file, by their names under components.responses."""

_SOURCE = "x-sha256-of-yaml"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def _find_file() -> Path:
    # In the wheel the file lies inside the package, in a checkout beside `src`.
    package = Path(__file__).parent
    packaged = package / "openapi" / "jwt.yaml"
    return packaged if packaged.exists() else package.parents[1] / "openapi" / "jwt.yaml"


FILE = _find_file()


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
    """One operation: its operationId, its method in capitals, its path template below the base path."""

    id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]


class Answer(NamedTuple):
    """A whole HTTP answer: status, headers in order, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Contract:
    """The OpenAPI document under one profile, and what the code reads from it.

    Made by `load`. `document` is OpenAPI, specialised: every patch of the profile's choices is applied, and each entry
    of `x-assumptions` has its `choice`. Treat it as read-only; it is shared. `parameter_names` are what clients call
    the parameters, by operationId.
    """

    def __init__(self, document: dict[str, Any], profile: Profile, file: Path) -> None:
        self.document = document
        self.profile = profile
        self._file = file
        self._check_assumption_free_parts()
        self.base_path = urlsplit(document["servers"][0]["url"]).path.rstrip("/")
        self.operations = tuple(self._operations())
        self.parameter_names: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {each.id: tuple(parameter.name for parameter in each.parameters) for each in self.operations}
        )
        self._check_operations()
        schemas = document["components"]["schemas"]
        self.page_size = int(schemas["TokenPage"]["maxItems"])
        self.first_page = int(schemas["PageNumber"]["minimum"])
        self._check_pages(schemas)
        self.answers: Mapping[str, Answer] = MappingProxyType(dict(self._answers()))
        self._check_answers()

    @property
    def choices(self) -> Mapping[str, str]:
        """The choice of every assumption, by its id."""
        return {id.replace("_", "-"): choice for id, choice in self.profile._asdict().items()}

    def schema(self, name: str) -> dict[str, Any]:
        """The schema of this name under components.schemas, with every reference resolved."""
        resolved: dict[str, Any] = self._resolved({"$ref": f"#/components/schemas/{name}"})
        return resolved

    def example(self, response: str) -> Any:
        """The value of the first example of a response under components.responses."""
        content = self.document["components"]["responses"][response]["content"]["application/json"]
        return self._resolved(next(iter(content["examples"].values())))["value"]

    def where(self, *keys: str) -> str:
        """The place in the file that these keys lead to, or as far as they lead: `openapi/jwt.yaml:12`."""
        from . import yamlfile

        lines = yamlfile.lines(self._file)
        while keys and keys not in lines:
            keys = keys[:-1]
        return f"openapi/{self._file.name}:{lines[keys]}"

    def _resolved(self, node: Any) -> Any:
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                return self._resolved(self._target(reference))
            return {key: self._resolved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._resolved(item) for item in node]
        return node

    def _target(self, reference: str) -> Any:
        node: Any = self.document
        for key in reference.removeprefix("#/").split("/"):
            if not isinstance(node, dict) or key not in node:
                known = node if isinstance(node, dict) else ()
                raise self._error(f"the reference {reference!r} leads nowhere{nearest(key, known)}")
            node = node[key]
        return node

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in _METHODS:
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
        return Parameter(role, parameter["name"], parameter["in"], understood, understood.get("default"))

    def _answers(self) -> Iterator[tuple[str, Answer]]:
        # An answer's status is where the operations put it; its body is its example, or the text of `x-body`.
        for operation in (
            item[method] for item in self.document["paths"].values() for method in _METHODS if method in item
        ):
            for status, reference in operation["responses"].items():
                name = reference.get("$ref", "").rpartition("/")[2]
                if name in ANSWERS:
                    yield name, self._answer(int(status), name)

    def _answer(self, status: int, name: str) -> Answer:
        response = self.document["components"]["responses"][name]
        headers = [(header, spec["schema"]["enum"][0]) for header, spec in response.get("headers", {}).items()]
        if "content" not in response:
            return Answer(status, tuple(headers), response["x-body"].encode())
        headers.append(("Content-Type", JSON))
        return Answer(status, tuple(headers), compact_json(self.example(name)))

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

    def _check_answers(self) -> None:
        responses = self.document["components"]["responses"]
        for name in ANSWERS:
            if name == "UnknownToken" and self.profile.revoke_unknown == "null":
                continue
            if name not in self.answers:
                raise self._error(f"expected an operation to answer {name!r}{nearest(name, responses)}")

    def _error(self, message: str) -> ContractError:
        return ContractError(f"{self._file.name}: {message}")


JSON = "application/json; charset=utf-8"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def compact_json(value: Any) -> bytes:
    """The value as JSON.stringify writes it: no spaces, text as UTF-8."""
    return _ENCODER.encode(value).encode()


def load(choices: Mapping[str, str] | None = None, *, file: Path = FILE) -> Contract:
    """The contract in `file`, under the file's defaults and these choices (assumption id to choice).

    Raises ProfileError for an unknown id or choice, and ContractError for a file that does not match the code.

    >>> load({"page-size": "10"}).page_size
    10
    """
    made = check(choices, source="profile") if choices else {}
    # The package's own file stays as it is for as long as the process lives.
    return _load(tuple(sorted(made.items())), file, 0 if file is FILE else file.stat().st_mtime_ns)


# Fakes are made by the hundred in a test run; the file is parsed once, and again only when it changes.
@lru_cache(maxsize=128)
def _load(choices: tuple[tuple[str, str], ...], file: Path, changed: int) -> Contract:
    document = _document(file, changed)
    try:
        assumptions = _checked_assumptions(document, file)
        made = {id: assumption["default"] for id, assumption in assumptions.items()} | dict(choices)
        return Contract(_specialised(document, made), Profile.of(made), file)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as cause:
        # What is missing or of another kind where nothing looks for it in particular; a linter says more.
        raise ContractError(f"{file.name}: cannot be read as this contract: {type(cause).__name__}: {cause}") from cause


@lru_cache(maxsize=8)
def _document(file: Path, changed: int) -> dict[str, Any]:
    document = _twin(file) or _from_yaml(file)
    if not isinstance(document, dict) or "openapi" not in document:
        raise ContractError(f"{file.name}: expected an OpenAPI document")
    return document


def _from_yaml(file: Path) -> Any:
    from . import yamlfile

    return yamlfile.read(file, ContractError)


def twin(file: Path = FILE) -> str:
    """The file as JSON, with the hash of what it was made from: `openapi/jwt.json`, which `make twin` writes.

    Reading it takes a process a tenth of its time to the first answer less.
    """
    document = _from_yaml(file)
    return json.dumps(document | {_SOURCE: sha256(file.read_bytes()).hexdigest()}, ensure_ascii=False, indent=1) + "\n"


def _twin(file: Path) -> dict[str, Any] | None:
    """What the twin of a file says; None where there is none, or where it was made from something else."""
    try:
        source, text = file.read_bytes(), file.with_suffix(".json").read_bytes()
        document: dict[str, Any] = json.loads(text)
        return document if document.pop(_SOURCE) == sha256(source).hexdigest() else None
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None


def _checked_assumptions(document: Mapping[str, Any], file: Path) -> dict[str, dict[str, Any]]:
    assumptions = {assumption["id"]: assumption for assumption in document.get("x-assumptions", ())}
    for id, assumption in assumptions.items():
        if id not in CHOICES:
            raise ContractError(f"{file.name}: the code implements no assumption {id!r}{nearest(id, CHOICES)}")
        written = [assumption["default"], *assumption["alternatives"]]
        for choice in written:
            if choice not in CHOICES[id]:
                known = CHOICES[id]
                raise ContractError(
                    f"{file.name}: {id}: the code implements no choice {choice!r}{nearest(str(choice), known)}"
                )
        for choice in CHOICES[id]:
            if choice not in written:
                raise ContractError(f"{file.name}: {id}: expected the choice {choice!r}{nearest(choice, written)}")
    for id in CHOICES:
        if id not in assumptions:
            raise ContractError(f"{file.name}: expected the assumption {id!r}{nearest(id, assumptions)}")
    return assumptions


def _specialised(document: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    specialised: dict[str, Any] = deepcopy(dict(document))
    operations = {
        item[method]["operationId"]: (item, method)
        for item in specialised["paths"].values()
        for method in _METHODS
        if method in item and "operationId" in item[method]
    }
    for assumption in specialised["x-assumptions"]:
        assumption["choice"] = made[assumption["id"]]
        if assumption["choice"] == assumption["default"]:
            continue
        patch = _with_references(assumption["alternatives"][assumption["choice"]]["patch"])
        specialised["components"] = merge_patch(specialised["components"], patch.get("components", {}))
        for id, change in patch.get("operations", {}).items():
            if id not in operations:
                raise ContractError(f"{assumption['id']}: patches the operation {id!r}{nearest(id, operations)}")
            item, method = operations[id]
            item[method] = merge_patch(item[method], change)
    return specialised


def _with_references(patch: Any) -> Any:
    """The patch with `$ref` where the file writes `ref`, which keeps OpenAPI tools from following it too early."""
    if isinstance(patch, dict):
        return {"$ref" if key == "ref" else key: _with_references(value) for key, value in patch.items()}
    return [_with_references(item) for item in patch] if isinstance(patch, list) else patch


def merge_patch(target: Any, patch: Any) -> Any:
    """The target after a JSON merge patch (RFC 7396): null removes, objects merge, anything else replaces."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
