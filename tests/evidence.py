"""Which recorded exchanges show what the contracts mark as observed; `python -m tests.evidence` writes the file.

`openapi/evidence.yaml` has, for each statement that is marked observed, exchanges of the recordings in tests/data that
show it; and for every operation, answer and kind of credentials whether such an answer was recorded or is assumed.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tiledesk_fake import contract
from tiledesk_fake.conformance.forms import open_form, problem
from tiledesk_fake.contract.references import resolved

ROOT = Path(__file__).parents[1]
FILE = ROOT / "openapi" / "evidence.yaml"
KINDS = ("none", "Basic", "JWT", "secret_token", "another word")
SHOWN = 3


class Recorded(NamedTuple):
    """A recorded exchange; `is_stand_in` is whether the answer is that of a stand-in for the private module."""

    name: str
    method: str
    target: str
    authorization: str | None
    status: int | None
    body: str | None
    headers: Mapping[str, str]
    is_stand_in: bool


def recorded() -> Iterator[Recorded]:
    """Every exchange of the recordings that have a name."""
    data = ROOT / "tests" / "data"
    for case in json.loads((data / "gate.json").read_text(encoding="utf-8"))["cases"]:
        request, answer = case["request"], case["expect"]
        headers = {name.lower(): value for name, value in request["headers"]}
        yield Recorded(
            f"gate: {case['name']}",
            request["method"],
            request["path"],
            headers.get("authorization"),
            answer.get("status"),
            answer.get("body"),
            {name: value for name, value in answer.items() if isinstance(value, str)},
            case["class"] == "reached",
        )
    for file in ("signin", "differences"):
        for case in json.loads((data / f"{file}.json").read_text(encoding="utf-8"))["cases"]:
            whole = base64.b64decode(case.get("request_base64") or base64.b64encode(str(case["head"]).encode()))
            head = whole.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            method, target = head[0].split(" ")[:2]
            sent = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            real = case["real"]
            yield Recorded(
                f"{file}: {case['name']}",
                method,
                target,
                sent.get("authorization"),
                real["status"],
                real.get("body"),
                {name.lower(): value for name, value in real.get("headers", [])},
                file == "differences" and real["status"] == 200 and "/jwt" in target,
            )


CASES = {case.name: case for case in recorded()}


def kind_of(case: Recorded) -> str:
    """The kind of credentials that an exchange presents."""
    word = (case.authorization or "").split(" ")[0].lower()
    if "secret_token" in case.target:
        return "secret_token"
    if not word:
        return "none"
    return "Basic" if "basic" in word else "JWT" if word == "jwt" else "another word"


def operation_of(case: Recorded) -> str | None:
    """The operationId of what is asked for, None for no operation."""
    path = case.target.partition("?")[0]
    for operation in contract.load().served:
        pattern = re.sub(r"{[^}]*}", "[^/]+", operation.path) + "/?"
        if re.fullmatch(pattern, path, re.IGNORECASE) and case.method in (operation.method, *_also(operation.method)):
            return operation.id
    return None


def _also(method: str) -> tuple[str, ...]:
    return ("HEAD",) if method == "GET" else ()


def observed(file: str) -> dict[str, dict[str, Any]]:
    """Each node of a contract that is marked observed, by the keys that lead there."""
    document = yaml.safe_load((ROOT / "openapi" / f"{file}.yaml").read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("x-provenance"), dict) and node["x-provenance"].get("level") == "observed":
                found[f"{file}.yaml#{path}"] = node
            for key, value in node.items():
                walk(value, f"{path}/{str(key).replace('/', '~1')}")
        elif isinstance(node, list):
            for item in node:
                if isinstance(item, dict):
                    walk(item, f"{path}/{item.get('id', '-')}")

    walk(document, "")
    return found


def answers() -> list[dict[str, Any]]:
    """Every operation, declared answer and kind of credentials, with exchanges that recorded it, or `assumed`."""
    loaded = contract.load()
    cells = []
    for operation in loaded.served:
        statuses = (
            loaded.document["paths"][operation.path][operation.method.lower()]["responses"]
            if operation.gated
            else yaml.safe_load((ROOT / "openapi" / "auth.yaml").read_text(encoding="utf-8"))["paths"][operation.path][
                operation.method.lower()
            ]["responses"]
        )
        for status in statuses:
            for kind in KINDS:
                names = [
                    case.name
                    for case in CASES.values()
                    if operation_of(case) == operation.id
                    and str(case.status) == status
                    and kind_of(case) == kind
                    and not case.is_stand_in
                ]
                cells.append(
                    {
                        "operation": operation.id,
                        "status": int(status),
                        "credentials": kind,
                        **({"recorded": names[:SHOWN]} if names else {"level": "assumed"}),
                    }
                )
    return cells


def shows(case: Recorded, keys: str, node: Mapping[str, Any]) -> bool:
    """Whether an exchange shows a statement, as far as a machine can tell: its body has the form, its text is said."""
    document = yaml.safe_load((ROOT / "openapi" / keys.partition("#")[0]).read_text(encoding="utf-8"))
    if "x-body" in node:
        return case.body == node["x-body"] and "content-type" not in case.headers
    content: dict[str, Any] = node.get("content", {})
    schema = node if "/schemas/" in keys else content.get("application/json", {}).get("schema")
    if "/requestBodies/" in keys or "/securitySchemes/" in keys or "/paths/" in keys or keys.endswith("/Credentials"):
        return case.status is not None
    try:
        body = json.loads((case.body or "").replace("<token>", "eyJ.eyJ.x"))
    except ValueError:
        return False
    if keys.endswith("/User"):
        body = body.get("user")
    form = open_form(_resolved(document, schema))
    values = list(_values(body)) if node.get("type") == "string" else [body]
    return any(not problem(value, form) for value in values)


def _resolved(document: Any, schema: Any) -> Any:
    # Patches write `ref` where OpenAPI writes `$ref`, and lead to what they make themselves.
    text = json.dumps(schema)
    if '"ref"' in text:
        return {"type": "object", "properties": {"err": {"type": "string"}, "msg": {"type": "string"}}}
    return resolved(document, schema)


def _values(body: Any) -> Iterator[Any]:
    if isinstance(body, dict | list):
        for each in body.values() if isinstance(body, dict) else body:
            yield from _values(each)
    else:
        yield body


def evidence(named: Mapping[str, list[str]]) -> dict[str, Any]:
    """The content of the file, with these exchanges for the statements."""
    return {"statements": dict(named), "answers": answers()}


def figure() -> str:
    """How much of it was recorded, as the page says it."""
    cells = answers()
    return f"{sum('recorded' in cell for cell in cells)} of {len(cells)}"


if __name__ == "__main__":
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    begin = FILE.read_text(encoding="utf-8").partition("statements:")[0]
    written = yaml.safe_dump(evidence(content["statements"]), sort_keys=False, width=120, allow_unicode=True)
    FILE.write_text(begin + written, encoding="utf-8")
