"""Whatever a recording says in the place of a value, replaying it ends with an outcome, or with what is unusable."""

import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.replay.recording import written
from tests.replay.traffic import Traffic
from tiledesk_fake.conformance.replay import Unusable, replay

pytestmark = pytest.mark.slow


ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "\x00",
    "é" * 300,
    "JWT a.b.c",
    [],
    {},
    [[]],
    "9999-12-31T23:59:59.999Z",
]
ODD += ["0" * 24, "<redacted>", "Basic 1", "{", "null", '{"perPage":40,"count":-1,"jwts":[{}]}', "/v3/jwt/history/id/%"]


def mutated(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.02:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {name: mutated(each, chance) for name, each in value.items()}
    if isinstance(value, list):
        return [mutated(each, chance) for each in value]
    if isinstance(value, str) and len(value) > 2 and chance.random() < 0.03:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice("0{\"'%é/ ") + value[at + 1 :]
    return value


@pytest.mark.parametrize("seed", range(20))
def test_a_mutated_recording_is_judged_or_told(seed: int, tmp_path: Path) -> None:
    traffic, chance = Traffic(seed), random.Random(seed)
    lines = [mutated(line, chance) for line in traffic.lines]
    kept = [line for line in lines if isinstance(line, dict)]
    for file in (written(lines, tmp_path), *(written([line], tmp_path) for line in kept[:10])):
        with suppress(Unusable):
            assert replay(file, traffic.profile).replayed > 0
