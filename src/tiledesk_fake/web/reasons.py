"""Why a request was answered as it was, for whoever reads the journal; none of it goes over the wire."""

from collections.abc import Callable
from typing import Literal
from urllib.parse import unquote

from ..core.history import Page, Record
from ..core.ids import parse_hex_id
from ..core.redaction import JWT
from ..gate.gate import Caller
from ..state import State

Key = Literal["jti", "id"]

OF_PHANTOM = "no such token; the record that was answered is that of its revocation"
"""What is said of a revocation that makes a phantom, or finds one."""

# What clients do to a jti or an id on its way, and the words for it. The first that leads to a token counts.
_UNDONE: tuple[tuple[Callable[[str], str], str], ...] = (
    (unquote, "decoded once more it exists: percent-encode it once"),
    (lambda text: text.replace("+", " "), "with a space for each + it exists: in a path a space is %20"),
    (str.strip, "without the white space around it it exists"),
    (lambda text: text.strip("'\""), "without the quotes around it it exists"),
    (str.lower, "in lower case it exists"),
    (str.upper, "in upper case it exists"),
)


def of_page(state: State, caller: Caller, page: Page) -> str:
    """What a list had: how many records of how many, and where to look if there are none."""
    said = f"{len(page.records)} of {page.total} records"
    if page.records:
        return said
    if page.total:
        return f"{said}; the first page is {state.contract.first_page}"
    hidden = len(state.history.of(caller.user_id))
    return f"{said}; revoked ones are not listed, and there are {hidden}" if hidden else said


def of_unknown(state: State, caller: Caller, key: Key, text: str) -> str:
    """Why there is nothing to revoke for this caller, and what the text is instead."""
    record = _find(state, key, text)
    if record is not None:
        return "revoked already" if record.user_id == caller.user_id else f"the {key} is that of another user's token"
    other: Key = "id" if key == "jti" else "jti"
    if (meant := _find(state, other, text)) is not None:
        whose = "this user" if meant.user_id == caller.user_id else "another user"
        return f"no such {key}; it is the {other} of a token of {whose}: use {_path(state, other)}"
    if JWT.search(text):
        return f"no such {key}; it is a whole token, and its {key} belongs here"
    if key == "jti" and text == _path(state, "id").split("/")[-2]:
        return "no such jti; if an id was to follow the last slash, it is empty"
    for undo, words in _UNDONE:
        undone = undo(text)
        if undone != text and _find(state, key, undone) is not None:
            return f"no such {key}; {words}"
    return f"no such {key}" if key == "jti" or parse_hex_id(text) is not None else "no such id; one is 24 hex digits"


def of_nowhere(state: State, method: str, path: str) -> str:
    """Why a path, below the base path, or a method leads to no operation."""
    folded = _folded(state, method, path)
    if folded is None:
        return "no such path, or not by this method"
    if state.history.by_jti(folded) is not None:
        return f"no such path; the jti {folded!r} was folded by the client: revoke it by its id"
    return f"no such path; {folded!r} as a jti or id is folded by the client, and an empty one leads here too"


def _find(state: State, key: Key, text: str) -> Record | None:
    if key == "jti":
        return state.history.by_jti(text)
    id = parse_hex_id(text)
    return None if id is None else state.history.by_id(id)


def _path(state: State, key: Key) -> str:
    parameter = f"{{{key}}}"
    paths = (operation.path for operation in state.contract.operations)
    return next(path.replace(parameter, "…") for path in paths if path.endswith(parameter))


def _folded(state: State, method: str, path: str) -> str | None:
    """The value of a path parameter, `.` or `..`, that most clients fold away before they send, and so arrive here."""
    arrivals: dict[str, str] = {}
    for operation in state.contract.operations:
        before, parameter, _ = operation.path.partition("/{")
        if parameter and operation.method == method:
            arrivals.setdefault(before, ".")
            arrivals.setdefault(before.rpartition("/")[0], "..")
    return arrivals.get(path.rstrip("/").lower())
