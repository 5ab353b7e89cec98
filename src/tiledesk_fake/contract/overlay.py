"""A profile as an OpenAPI Overlay 1.0, which turns the published contract into the contract under the profile."""

import re
from collections.abc import Mapping
from typing import Any

from .contract import load
from .published import published
from .specialising import alternative_of

_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def overlay(
    choices: Mapping[str, str] | None = None, *, openapi: str | None = None, server: str | None = None
) -> dict[str, Any]:
    """The overlay that turns `openapi/jwt.yaml` into what `published` gives for these choices.

    It has the actions of one choice after the other, each described by what the choice means. Raises ProfileError for
    an unknown id or choice.

    >>> [action for action in overlay({"page-base": "1"})["actions"] if action["target"].endswith("PageNumber")]
    [{'target': '$.components.schemas.PageNumber', 'description': 'page-base=1: The first page is page 1; page 0 is \
invalid.', 'update': {'minimum': 1, 'default': 1}}]
    """
    contract = load(choices)
    document = load().document
    made: dict[str, str] = {}
    actions: list[dict[str, Any]] = []
    for assumption in document["x-assumptions"]:
        id, choice = assumption["id"], contract.choices[assumption["id"]]
        made[id] = choice
        changed = {**load(made).document, "x-assumptions": document["x-assumptions"]}
        actions += _actions(document, changed, f"{id}={choice}: {_meaning(assumption, choice)}")
        document = changed
    # Whole, though one word is new in each entry: some tools cannot change an entry of a list.
    actions += _actions({**document, "x-assumptions": []}, contract.document, "The choices that were made.")
    handed_over = published(contract, openapi=openapi, server=server)
    actions += _actions(contract.document, handed_over, "The form of OpenAPI and the server that were asked for.")
    turned = [f"{id}={choice}" for id, choice in contract.choices.items() if choice != load().choices[id]]
    title = f"Tiledesk JWT history under {', '.join(turned) or 'the defaults'}"
    return {"overlay": "1.0.0", "info": {"title": title, "version": "1.0.0"}, "actions": actions}


def _meaning(assumption: Mapping[str, Any], choice: str) -> str:
    told = assumption if choice == assumption["default"] else alternative_of(assumption, choice)
    return str(told["meaning"])


def _actions(before: Mapping[str, Any], after: Mapping[str, Any], reason: str, path: str = "$") -> list[dict[str, Any]]:
    """What turns one object, at this path of the document, into another.

    An update replaces texts and numbers alone; it merges objects and appends to lists.
    """
    actions: list[dict[str, Any]] = []
    entered = [key for key in before if isinstance(before[key], dict) and isinstance(after.get(key), dict)]
    kept = {key for key in after if key in entered or (key in before and before[key] == after[key])}
    for key in before:
        if key not in after or (key not in kept and isinstance(before[key], dict | list)):
            actions.append({"target": _below(path, key), "description": reason, "remove": True})
    if new := {key: value for key, value in after.items() if key not in kept}:
        actions.append({"target": path, "description": reason, "update": new})
    for key in entered:
        actions += _actions(before[key], after[key], reason, _below(path, key))
    return actions


def _below(path: str, key: str) -> str:
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{escaped}']"
