"""The contract under a profile: which alternatives there are, and what each changes in the document."""

from collections.abc import Mapping
from typing import Any

from ..errors import ContractError, nearest
from .file import METHODS
from .operation import Decided
from .profile import CHOICES, NUMBERS, WholeNumbers, described, is_choice


def checked_assumptions(document: Mapping[str, Any], file: str) -> dict[str, dict[str, Any]]:
    """The assumptions of a document by their ids; ContractError unless they are those that the code implements."""
    assumptions = {assumption["id"]: assumption for assumption in document.get("x-assumptions", ())}
    for id, assumption in assumptions.items():
        if id not in CHOICES:
            raise ContractError(f"{file}: the code implements no assumption {id!r}{nearest(id, CHOICES)}")
        written = [assumption["default"], *assumption["alternatives"]]
        for choice in written:
            if not is_choice(id, choice):
                known = described(id)
                raise ContractError(
                    f"{file}: {id}: the code implements no choice {choice!r}{nearest(str(choice), known)}"
                )
        for choice in CHOICES[id]:
            if choice not in written:
                raise ContractError(f"{file}: {id}: expected the choice {choice!r}{nearest(choice, written)}")
        numbers = assumption.get("numbers")
        found = None if numbers is None else WholeNumbers(numbers["minimum"], numbers["maximum"])
        if found != NUMBERS.get(id):
            raise ContractError(f"{file}: {id}: expected {NUMBERS.get(id) or 'no numbers'}, got {found or 'none'}")
    for id in CHOICES:
        if id not in assumptions:
            raise ContractError(f"{file}: expected the assumption {id!r}{nearest(id, assumptions)}")
    return assumptions


def decided_parameters(document: Mapping[str, Any]) -> dict[str, Decided]:
    """What each parameter of a document owes to assumptions, by its key under components.parameters."""
    patches = [
        (assumption["id"], alternative["patch"].get("components", {}))
        for assumption in document["x-assumptions"]
        for alternative in assumption["alternatives"].values()
    ]
    decided = {}
    for role, parameter in document.get("components", {}).get("parameters", {}).items():
        schema = parameter.get("schema", {}).get("$ref", "").rpartition("/")[2]
        renamed = {id: patch["parameters"][role]["name"] for id, patch in patches if _renames(patch, role)}
        rebuilt = {id for id, patch in patches if schema in patch.get("schemas", {})}
        decided[role] = Decided((parameter["name"], *renamed.values()), frozenset(renamed) | rebuilt)
    return decided


def _renames(patch: Mapping[str, Any], role: str) -> bool:
    return "name" in patch.get("parameters", {}).get(role, {})


def specialised(document: Mapping[str, Any], made: Mapping[str, str]) -> dict[str, Any]:
    """The document under these choices: the patches of all that are not the default are applied.

    What no patch changes is shared with the document; nobody may change either.
    """
    assumptions = [{**assumption, "choice": made[assumption["id"]]} for assumption in document["x-assumptions"]]
    components = document.get("components", {})
    paths = {path: dict(item) for path, item in document["paths"].items()}
    operations = {
        item[method]["operationId"]: (item, method)
        for item in paths.values()
        for method in METHODS
        if method in item and "operationId" in item[method]
    }
    for assumption in assumptions:
        if assumption["choice"] == assumption["default"]:
            continue
        patch = _with_references(alternative_of(assumption, assumption["choice"])["patch"])
        components = merge_patch(components, patch.get("components", {}))
        for id, change in patch.get("operations", {}).items():
            if id not in operations:
                raise ContractError(f"{assumption['id']}: patches the operation {id!r}{nearest(id, operations)}")
            item, method = operations[id]
            item[method] = merge_patch(item[method], change)
    if made["page-size"] not in CHOICES["page-size"]:
        components = _cut_to_a_page(components)
    return {**document, "paths": paths, "components": components, "x-assumptions": assumptions}


def alternative_of(assumption: Mapping[str, Any], choice: str) -> Mapping[str, Any]:
    """The meaning and the patch of a choice that is not the default."""
    alternative: Mapping[str, Any] | None = assumption["alternatives"].get(choice)
    if alternative is None:
        numbers = assumption["numbers"]
        alternative = {"meaning": numbers["meaning"], "patch": _filled(numbers["patch"], int(choice))}
    return alternative


def _filled(patch: Any, number: int) -> Any:
    """The patch of a whole number, with the number wherever it says `$choice`."""
    if isinstance(patch, dict):
        return {key: _filled(value, number) for key, value in patch.items()}
    return number if patch == "$choice" else patch


def _cut_to_a_page(components: Any) -> Any:
    """The components with no more records in the example of a page than a page has."""
    most = components["schemas"]["TokenPage"]["maxItems"]
    shown = components["examples"]["firstPage"]["value"]
    if isinstance(shown, list):
        cut: Any = shown[:most]
    else:
        cut = {key: part[:most] for key, part in shown.items() if isinstance(part, list)}
    return merge_patch(components, {"examples": {"firstPage": {"value": cut}}})


def _with_references(patch: Any) -> Any:
    """The patch with `$ref` where the file writes `ref`, which keeps OpenAPI tools from following it too early."""
    if isinstance(patch, dict):
        return {"$ref" if key == "ref" else key: _with_references(value) for key, value in patch.items()}
    return [_with_references(item) for item in patch] if isinstance(patch, list) else patch


def merge_patch(target: Any, patch: Any) -> Any:
    """The target after a JSON merge patch (RFC 7396): null removes, objects merge, anything else replaces.

    Neither of the two is changed.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
