"""Reads the OpenAPI file of the contract, or its twin in JSON, which says the same and is read faster."""

import json
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ContractError

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""The keys of a path item that are operations."""


def _find_file() -> Path:
    # In the wheel the file lies inside the package, in a checkout beside `src`.
    package = Path(__file__).parents[1]
    packaged = package / "openapi" / "jwt.yaml"
    return packaged if packaged.exists() else package.parents[1] / "openapi" / "jwt.yaml"


FILE = _find_file()


class Said(NamedTuple):
    """What an OpenAPI file says, and the line of each key by its JSON pointer; the first line is 1."""

    document: dict[str, Any]
    lines: Mapping[str, int]


@lru_cache(maxsize=8)
def read(file: Path, changed: int = 0) -> Said:
    """What the file says; `changed` is when that was written. Raises ContractError for a file that is no OpenAPI."""
    said = _twin(file) or _from_yaml(file)
    if not isinstance(said.document, dict) or "openapi" not in said.document:
        raise ContractError(f"{file.name}: expected an OpenAPI document")
    return said


def _from_yaml(file: Path) -> Said:
    from .. import yamlfile

    return Said(yamlfile.read(file, ContractError), yamlfile.lines(file))


def twin(file: Path = FILE) -> str:
    """What a file says as JSON, with the hash of what it was made from: `openapi/jwt.json`, which is built into wheels.

    Reading it takes a process a tenth of its time to the first answer less.
    """
    twin = {"sha256": sha256(file.read_bytes()).hexdigest(), **_from_yaml(file)._asdict()}
    return json.dumps(twin, ensure_ascii=False, indent=1) + "\n"


def _twin(file: Path) -> Said | None:
    """What the twin of a file says; None where there is none, or where it was made from something else."""
    try:
        source, text = file.read_bytes(), file.with_suffix(".json").read_bytes()
        twin = json.loads(text)
        return Said(twin["document"], twin["lines"]) if twin["sha256"] == sha256(source).hexdigest() else None
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
