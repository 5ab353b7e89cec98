"""Recordings of the servers of tests/conformance: what a check asks of them, and what they answer."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.conformance.world import NO_ANSWER, Answer, Ask, Request, Twist, World, world
from tiledesk_fake.conformance import RULES, Rule, check

Line = dict[str, Any]


def recorded(twist: Twist, *, profile: Mapping[str, str], rules: Iterable[Rule] = RULES) -> list[Line]:
    """The lines of a recording of a check against a server."""
    lines: list[Line] = []

    def listening(made: World, request: Request, ask: Ask) -> Answer:
        given = twist(made, request, ask)
        authorization = request.authorization
        body = "" if request.method == "HEAD" else given.body.decode()
        lines.append(
            {
                "request": {
                    "method": request.method,
                    "target": request.target,
                    "headers": [] if authorization is None else [["Authorization", authorization]],
                    "body": request.body.decode(),
                },
                "response": {
                    "status": None if given is NO_ANSWER else given.status,
                    "headers": [list(header) for header in given.headers],
                    "body": body,
                },
                "at": datetime.now(UTC).isoformat(),
            }
        )
        return given

    with world(listening, profile=profile).here() as server:
        check(server, rules=tuple(rules), generated=False)
    return lines


def written(lines: Iterable[Line], folder: Path) -> Path:
    """A file of JSON lines."""
    file = folder / "traffic.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return file
