"""The forms that the contract gives bodies, and what is wrong with a body under one."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jsonschema_rs

from ..contract import Contract
from ..contract.references import resolved


def response_form(contract: Contract, response: str) -> Any:
    """The schema of a JSON response under components.responses, self-contained, open to further fields."""
    return open_form(resolved(contract.document, contract.json(response)["schema"]))


def open_form(schema: Any) -> Any:
    """The schema without the ban on further fields: the contract leaves open which others a server has."""
    if isinstance(schema, dict):
        return {key: open_form(value) for key, value in schema.items() if key != "additionalProperties"}
    return [open_form(item) for item in schema] if isinstance(schema, list) else schema


def names_in(schema: Any) -> frozenset[str]:
    """The fields of an object that its schema names.

    >>> sorted(names_in({"allOf": [{"properties": {"_id": {}}}, {"properties": {"jti": {}}}]}))
    ['_id', 'jti']
    """
    parts = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword, ())]
    return frozenset(schema.get("properties", ())).union(*map(names_in, parts))


def problem(body: Any, schema: Any, hide: Callable[[str], str] = str) -> str:
    """The problem of a body, in a few words; empty if there is none. `hide` removes secrets."""
    return problem_under(body, _validator(json.dumps(schema, sort_keys=True)), hide)


def validator_of(contract: Contract, response: str) -> Any:
    """What `problem_under` judges the bodies of a response by: made once, where many are judged."""
    return jsonschema_rs.validator_for(response_form(contract, response), validate_formats=True)


def problem_under(body: Any, validator: Any, hide: Callable[[str], str] = str) -> str:
    """As `problem`, by a validator that was made before."""
    try:
        validator.validate(body)
    except jsonschema_rs.ValidationError as found:
        where = "/".join(map(str, found.instance_path)) or "the body"
        return f"{where}: {hide(found.message)[:200]}"
    except UnicodeEncodeError:
        return "half of a surrogate pair, which is no Unicode"
    except ValueError as found:
        return f"what cannot be read as JSON: {found}"
    return ""


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schema), validate_formats=True)
