"""The schemas of parameters: the few keywords that they are made of, and whether a value is what one allows.

A validator for all of JSON Schema takes 6 ms to load, a twelfth of what `serve` takes to its first answer.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

TYPES: Mapping[str, type] = {"integer": int, "string": str}
"""The types that a parameter can have."""

KEYWORDS = ("type", "enum", "minimum", "maximum", "minLength", "maxLength")
"""What is asked of a value."""

ANNOTATIONS = ("title", "description", "default", "example", "examples", "deprecated")
"""What a schema says beside that, which asks nothing."""


def complaint(schema: Mapping[str, Any], value: int | str) -> str | None:
    """What a schema has against a value; None if nothing.

    >>> complaint({"type": "integer", "minimum": 0}, -1)
    'the value is less than the minimum of 0'
    """
    if value not in schema.get("enum", (value,)):
        valid = [str(each) for each in schema["enum"]]
        close = get_close_matches(str(value), valid, n=1, cutoff=0.5)
        hint = f" (did you mean {close[0]}?)" if close else ""
        return f"the value is not one of {', '.join(valid)}{hint}"
    if not isinstance(value, TYPES[schema["type"]]):
        return f'the value is not of type "{schema["type"]}"'
    if isinstance(value, int):
        if value < schema.get("minimum", value):
            return f"the value is less than the minimum of {schema['minimum']}"
        if value > schema.get("maximum", value):
            return f"the value is greater than the maximum of {schema['maximum']}"
    elif len(value) < schema.get("minLength", 0):
        return f"the value has less than {schema['minLength']} characters"
    elif len(value) > schema.get("maxLength", len(value)):
        return f"the value has more than {schema['maxLength']} characters"
    return None
