"""The contract for other tools: in a version of OpenAPI, with the server to call."""

from collections.abc import Mapping
from typing import Any

from .contract import Contract

FORMS: Mapping[str, str] = {"3.0": "3.0.3", "3.1": "3.1.0"}
"""What the key `openapi` says in each form; nothing else differs, because the file is written in what both share."""


def published(contract: Contract, *, openapi: str | None = None, server: str | None = None) -> dict[str, Any]:
    """The document of a contract in one of FORMS, the file's own unless given.

    `server` is the URL, with the base path, that tools send requests to: "try it" on a rendered page reaches it and not
    the public API.

    >>> from tiledesk_fake.contract import load
    >>> published(load(), openapi="3.1", server="http://127.0.0.1:8000/v3")["servers"]
    [{'url': 'http://127.0.0.1:8000/v3'}]
    """
    document = dict(contract.document)
    if openapi is not None:
        document["openapi"] = FORMS[openapi]
    if server is not None:
        document["servers"] = [{"url": server}]
    return document
