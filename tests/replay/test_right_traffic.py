"""Right traffic, whatever a recording leaves out of it, gives no alarm."""

from pathlib import Path

import pytest

from tests.conformance.right_servers import RIGHT
from tests.conformance.world import untouched
from tests.replay.recording import recorded, written
from tests.replay.traffic import Traffic
from tiledesk_fake.conformance.replay import replay
from tiledesk_fake.conformance.rules import BY_ID
from tiledesk_fake.contract.profile import read_profile

SOME = [BY_ID[rule] for rule in ("revokes-by-jti", "revokes-again", "order-descending", "no-credentials", "unknown-id")]


@pytest.mark.parametrize("tens", range(30))
def test_random_traffic_under_random_profiles_gives_no_alarm(tens: int, tmp_path: Path) -> None:
    replayed = 0
    for seed in range(tens * 10, tens * 10 + 10):
        traffic = Traffic(seed)
        found = replay(written(traffic.lines, tmp_path), traffic.profile, others=traffic.others)
        assert [str(each) for each in found.differences] == [], f"seed {seed}, {traffic.profile}"
        replayed += found.replayed
    assert replayed > 100


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_server_that_looks_different_gives_no_alarm(name: str, tmp_path: Path) -> None:
    found = replay(written(recorded(RIGHT[name], profile={}, rules=SOME), tmp_path))

    assert [str(each) for each in found.differences] == []


@pytest.mark.parametrize("profile", ["documented", "siblings"])
def test_a_whole_check_of_a_right_server_gives_no_alarm(profile: str, tmp_path: Path) -> None:
    choices = read_profile(profile).choices
    found = replay(written(recorded(untouched, profile=choices), tmp_path), choices)

    assert [str(each) for each in found.differences] == []
    assert found.replayed > 500
