"""No client is let through: in a network namespace a resolver and a stand-in for the real host hear nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def told(namespace: str) -> Any:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "tests.tls.in_namespace"]
    proxies = {name for name in os.environ if name.lower().endswith("_proxy")}
    environment = {name: value for name, value in os.environ.items() if name not in proxies}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_intercept_the_listeners_hear_all_of_them(told: Any) -> None:
    assert all(case["heard"] for case in told["control"].values()), told["control"]
    assert {case["got"] for name, case in told["control"].items() if name != "proxy"} == {200}


def test_inside_clients_reach_the_fake_and_nobody_else_hears_of_it(told: Any) -> None:
    assert {name: (case["got"], case["heard"]) for name, case in told["led"].items()} == dict.fromkeys(
        told["led"], (200, [])
    )
    assert len(told["led"]) == 9


def test_who_cannot_be_led_is_refused_with_an_explanation_and_nobody_hears_a_byte(told: Any) -> None:
    assert len(told["refused"]) == 12
    for name, case in told["refused"].items():
        assert case["heard"] == [], name
        assert "api.tiledesk.com" in str(case["got"]), (name, case)
        assert "is refused" in str(case["got"]), (name, case)


def test_who_pins_the_certificate_gets_no_answer_and_nobody_hears_of_it(told: Any) -> None:
    (case,) = told["pinned"].values()

    assert "ingerprint" in case["got"]
    assert case["heard"] == []


def test_where_the_network_is_blocked_nobody_hears_of_anybody(told: Any) -> None:
    assert len(told["blocked"]) == 5
    for name, case in told["blocked"].items():
        assert case["heard"] == [], name
        assert "block_network=True" in str(case["got"]), (name, case)


def test_afterwards_the_real_host_is_reached_again(told: Any) -> None:
    assert told["after"]["got"] == 200
    assert told["after"]["heard"]


def test_what_the_page_says_is_out_of_reach_is_heard(told: Any) -> None:
    assert {name: bool(case["heard"]) for name, case in told["unseen"].items()} == {
        "raw socket": True,
        "another process": True,
    }
