"""Is a recorded answer the one that a fake gives? Modulo ids, times, secrets, wording and further fields."""

import json
from collections.abc import Mapping
from typing import Any

from ...web.answer import Answer
from ..credentials import decoded
from .exchange import Exchange
from .known import SLACK_MS, time_of

_WORDED = frozenset({"msg", "err", "error", "value"})
"""What these fields say is worded by the server, or repeats what it was sent."""
_COMPARED_HEADERS = ("WWW-Authenticate",)


def difference(exchange: Exchange, answer: Answer | None) -> str:
    """How the recorded answer differs from the fake's; empty if it does not. Compares only the kind of a successful
    body.
    """
    if answer is None:
        return "" if exchange.status is None else f"expected no answer, got {exchange.status}"
    if exchange.status != answer.status:
        return f"expected status {answer.status}, got {exchange.status or 'no answer'}"
    return _of_headers(exchange, answer) or ("" if exchange.method == "HEAD" else _of_kind(exchange, answer))


def _of_headers(exchange: Exchange, answer: Answer) -> str:
    if not exchange.answer_headers:
        return ""
    for name in _COMPARED_HEADERS:
        expected = [value for each, value in answer.headers if each == name]
        if exchange.answered(name) != expected:
            return f"expected {name} {_listed(expected)}, got {_listed(exchange.answered(name))}"
    allowed = _methods(value for each, value in answer.headers if each == "Allow")
    if missing := allowed - _methods(exchange.answered("Allow")):
        return f"expected Allow to name {', '.join(sorted(missing))}, got {_listed(exchange.answered('Allow'))}"
    if exchange.method == "HEAD":
        return ""
    expected_type = next((value for each, value in answer.headers if each == "Content-Type"), "").partition(";")[0]
    if (exchange.media_type or "") != expected_type and answer.body:
        return f"expected {expected_type or 'no Content-Type'}, got {exchange.media_type or 'none'}"
    return ""


def _of_kind(exchange: Exchange, answer: Answer) -> str:
    if exchange.answer is None or not answer.body:
        return ""
    if not _is_json(answer):
        is_html = any(value.startswith("text/html") for _, value in answer.headers)
        return "" if is_html or exchange.answer == answer.body else f"expected the text {answer.body.decode()!r}"
    if not exchange.has_json:
        return "expected JSON, got none"
    return "" if answer.status == 200 else unlike(json.loads(answer.body), exchange.json)


def _is_json(answer: Answer) -> bool:
    return any(name == "Content-Type" and value.startswith("application/json") for name, value in answer.headers)


def unlike(expected: Any, got: Any, where: str = "") -> str:
    """The first place where a value lacks what is expected; further fields and the wording are nobody's business."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return f"{where or 'the body'}: expected an object"
        for name, value in expected.items():
            path = f"{where}.{name}" if where else name
            if name not in got:
                if name == "value":
                    continue
                return f"{path}: expected it, got nothing"
            if name in _WORDED:
                if name != "value" and not isinstance(got[name], str):
                    return f"{path}: expected text"
            elif problem := unlike(value, got[name], path):
                return problem
        return ""
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return f"{where or 'the body'}: expected a list of {len(expected)}"
        pairs = enumerate(zip(expected, got, strict=True))
        return next(filter(None, (unlike(one, other, f"{where}[{at}]") for at, (one, other) in pairs)), "")
    return "" if expected == got and type(expected) is type(got) else f"{where or 'the body'}: expected {expected!r}"


def is_now(exchange: Exchange, ms: int | None) -> bool:
    """Whether a time may be that of the answer."""
    return ms is not None and exchange.at_ms - exchange.took_ms - SLACK_MS <= ms <= exchange.at_ms + SLACK_MS


def unlike_sign_in(exchange: Exchange, expected: Mapping[str, Any]) -> str:
    """How a recorded sign-in differs from the fake's."""
    got = exchange.json
    if not isinstance(got, dict) or got.get("success") is not True:
        return "success: expected true"
    token = got.get("token")
    words = token.split(" ") if isinstance(token, str) else []
    if len(words) != 2 or words[0] != "JWT" or words[1].count(".") != 2:
        return "token: expected JWT and a token"
    user, wanted = got.get("user"), expected["user"]
    if not isinstance(user, dict):
        return "user: expected an object"
    said = decoded(words[1].split(".")[1])
    for name, value in wanted.items():
        if name in user and user[name] != value:
            return f"user.{name}: expected that of whoever signs in"
        if name in user and said.get(name) != user[name]:
            return f"token: expected the claim {name} to say what user.{name} does"
    claims = decoded(expected["token"].split(".")[1])
    for name in ("aud", "iss", "sub"):
        if said.get(name) != claims[name]:
            return f"token: expected the claim {name} to be {claims[name]!r}"
    if not isinstance(said.get("jti"), str) or "exp" in said:
        return "token: expected a jti and no expiry"
    issued = said.get("iat")
    at_s = exchange.at_ms // 1000
    slack_s = (SLACK_MS + exchange.took_ms) // 1000 + 1
    if not isinstance(issued, int) or not at_s - slack_s <= issued <= at_s + slack_s:
        return "token: expected to be issued now"
    return ""


def unlike_record(
    exchange: Exchange, expected: Mapping[str, Any], names: Mapping[str, str], *, is_new: bool, has_new_id: bool
) -> str:
    """How a recorded record differs from the fake's.

    `is_new` is whether it was made just now, `has_new_id` whether its id was. `names` are the names of the fields, by
    what they mean.
    """
    got = exchange.json
    if not isinstance(got, dict):
        return "expected a record"
    made_up = {names["id"]} if has_new_id else set()
    times = {names["updated_at"]} | ({names["created_at"]} if is_new else set())
    for name, value in expected.items():
        if name not in got:
            return f"{name}: expected it, got nothing"
        if name in made_up or name == names["version"]:
            continue
        if name in times:
            is_right = is_now(exchange, time_of(got[name])) if is_now(exchange, time_of(value)) else got[name] == value
            if not is_right:
                return f"{name}: expected {value}, got {str(got[name])[:40]}"
        elif got[name] != value:
            return f"{name}: expected {value!r}"
    for name in names.values():
        if name in got and name not in expected:
            return f"{name}: expected none"
    return ""


def _methods(values: Any) -> set[str]:
    return {method.strip().upper() for value in values for method in value.split(",")} - {""}


def _listed(values: list[str]) -> str:
    return ", ".join(values) or "none"
