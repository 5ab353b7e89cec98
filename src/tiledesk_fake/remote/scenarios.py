"""How a scenario goes to a server: as JSON, judged here first, where the file and its lines are known."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import ScenarioError
from ..scenario import Scenario, parse_scenario, read_scenario
from .calls import Control

_PLACE = re.compile(r"scenario: ([^:\s]+): ")
_KEY = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def send(control: Control, scenario: str | Path | Mapping[str, Any]) -> dict[str, int]:
    """Add the users and tokens of a scenario, a file or a mapping; how many of each there were.

    Raises ScenarioError, naming file, line and key, and then nothing is added.
    """
    parsed = parse_scenario(scenario) if isinstance(scenario, Mapping) else read_scenario(scenario)
    try:
        told: dict[str, int] = control.post("/scenario", _json(parsed.file.content if parsed.file else scenario))
    except ScenarioError as problem:
        raise _placed(problem, parsed) from None
    return told


def _placed(problem: ScenarioError, scenario: Scenario) -> ScenarioError:
    """What a server says of a scenario, which it knows as a mapping, with the file and the line."""
    named = _PLACE.match(str(problem))
    if scenario.file is None or named is None:
        return problem
    keys = [int(number) if number else key for number, key in _KEY.findall(named[1])]
    return ScenarioError(scenario.file.place(*keys) + str(problem).removeprefix("scenario"))


def _json(value: Any) -> Any:
    """A scenario as JSON has it: times as text."""
    if isinstance(value, Mapping):
        return {name: _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
