"""Resolves the `$ref`s of an OpenAPI document."""

from typing import Any

from ..errors import ContractError, nearest


def resolved(document: Any, node: Any, *, source: str = "the contract") -> Any:
    """The node with every reference replaced by what it refers to in the document.

    Raises ContractError, which names the `source`, for a reference that leads nowhere.

    >>> resolved({"a": {"b": 1}}, [{"$ref": "#/a"}])
    [{'b': 1}]
    """
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            return resolved(document, _target(document, reference, source), source=source)
        return {key: resolved(document, value, source=source) for key, value in node.items()}
    return [resolved(document, item, source=source) for item in node] if isinstance(node, list) else node


def _target(document: Any, reference: str, source: str) -> Any:
    node = document
    for key in reference.removeprefix("#/").split("/"):
        name = key.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or name not in node:
            known = node if isinstance(node, dict) else ()
            raise ContractError(f"{source}: the reference {reference!r} leads nowhere{nearest(name, known)}")
        node = node[name]
    return node
