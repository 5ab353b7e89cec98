"""Overlays under a tool from npm, as test_overlay.py has them under one in Python."""

import json
import random
from pathlib import Path

import pytest
import yaml

from tests.test_contract import SINGLE_TURNS
from tests.tools import foreign
from tiledesk_fake.contract import FILE, load
from tiledesk_fake.contract.overlay import overlay
from tiledesk_fake.contract.profile import CHOICES
from tiledesk_fake.contract.published import FORMS, published

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

TOOL = "openapi-overlays-js@0.2.0"
_random = random.Random(20)
PROFILES = [{id: _random.choice(choices) for id, choices in CHOICES.items()} for _ in range(20)]


@pytest.fixture(scope="module")
def tool() -> Path:
    return foreign.from_npm(TOOL) / ".bin"


@pytest.mark.parametrize(
    ("choices", "openapi"),
    [
        *((choices, None) for choices in SINGLE_TURNS),
        *((profile, random.Random(0).choice([*FORMS])) for profile in PROFILES),
    ],
    ids=lambda value: "-".join(*value.items()) if isinstance(value, dict) and len(value) == 1 else "",
)
def test_it_makes_of_the_file_what_spec_prints(
    choices: dict[str, str], openapi: str | None, tool: Path, tmp_path: Path
) -> None:
    (tmp_path / "overlay.json").write_text(json.dumps(overlay(choices, openapi=openapi)), encoding="utf-8")

    made = foreign.run(["overlayjs", "--openapi", str(FILE), "--overlay", "overlay.json"], tmp_path, tool)

    assert yaml.safe_load(made) == published(load(choices), openapi=openapi)
