"""Recorded traffic teaches what it decides, and nothing else."""

import json
from pathlib import Path

import pytest
import yaml

from tests.conformance.command import run
from tests.conformance.world import untouched
from tests.replay.recording import recorded, written
from tests.replay.traffic import Traffic
from tiledesk_fake import contract
from tiledesk_fake.conformance.replay.learning import learn_from
from tiledesk_fake.contract.profile import read_profile

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_nothing_wrong_is_learnt_of_random_traffic(seed: int, tmp_path: Path) -> None:
    traffic = Traffic(seed)
    true = contract.load(traffic.profile).choices

    learnt = learn_from(written(traffic.lines, tmp_path), others=traffic.others)

    assert {id: choice for id, choice in learnt.known.items() if choice != true[id]} == {}


def test_a_check_of_the_likeliest_server_teaches_nearly_all_of_it(tmp_path: Path) -> None:
    choices = read_profile("siblings").choices

    learnt = learn_from(written(recorded(untouched, profile=choices), tmp_path))

    assert {id: learnt.choices[id] for id in choices if learnt.choices[id] is not None} == {
        id: choices[id] for id in choices if learnt.choices[id] is not None
    }
    assert len(learnt.known) >= 11
    assert all("exchange" in learnt.evidence[id] for id in learnt.known)


def test_traffic_that_contradicts_itself_is_told_and_not_averaged(tmp_path: Path) -> None:
    def listed(size: int) -> dict[str, object]:
        body = json.dumps({"perPage": size, "count": 0, "jwts": []})
        return {
            "request": {"method": "GET", "target": "/v3/jwt/history", "headers": [], "body": ""},
            "response": {"status": 200, "headers": [["Content-Type", "application/json"]], "body": body},
            "at": "2026-03-01T00:00:00Z",
        }

    file = written([listed(40), listed(10), listed(40)], tmp_path)
    done = run("learn", "--from", str(file))

    said = yaml.safe_load(done.stdout)
    assert said["profile"]["page-size"] == "unknown"
    assert "contradicts itself" in said["evidence"]["page-size"]
    assert "exchange 1" in said["evidence"]["page-size"]
    assert "exchange 2" in said["evidence"]["page-size"]


def test_a_server_or_a_file_is_needed_and_not_both(tmp_path: Path) -> None:
    assert run("learn").returncode == 2
    assert run("learn", "http://127.0.0.1:1/v3", "--from", str(tmp_path / "x.jsonl")).returncode == 2
