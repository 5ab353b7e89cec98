"""Every planted change that traffic can show is noticed."""

from pathlib import Path

import pytest

from tests.conformance.wrong_servers import WRONG, Wrong
from tests.replay.recording import recorded, written
from tiledesk_fake.conformance.replay import replay
from tiledesk_fake.conformance.rules import BY_ID

pytestmark = pytest.mark.slow


# Generated requests alone show the others.
SHOWN = [wrong for wrong in WRONG if not wrong.generated]


@pytest.mark.parametrize("wrong", SHOWN, ids=str)
def test_a_recording_of_a_wrong_server_differs(wrong: Wrong, tmp_path: Path) -> None:
    lines = recorded(wrong.twist, profile=dict(wrong.profile), rules=[BY_ID[rule] for rule in wrong.rules])

    assert replay(written(lines, tmp_path), dict(wrong.profile)).differs
