"""What the fixture adds to a test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

from ..environment import HERE
from ..measure import medians
from ..report import Row, microseconds

_TESTS = HERE / "fixture_tests"


def rows(rounds: int, tests: int) -> Iterator[Row]:
    """The fixture alone, and a test with one call, against pytest-httpserver's."""
    kinds = ("nothing", "ours", "rival", "ours_called", "rival_called", "smallest_called")
    samplers = {kind: partial(_cpu_of_a_test, kind, tests) for kind in kinds}
    per_test = medians(samplers, rounds)
    added = {kind: per_test[kind] - per_test["nothing"] for kind in kinds}
    yield Row(
        "CPU that the fixture adds to a test, against httpserver",
        added["ours"] / added["rival"],
        at_most=0.8,
        detail=f"{microseconds(added['ours'])} to {microseconds(added['rival'])}",
    )
    yield Row(
        "CPU of a test with one list by requests.Session, against httpserver",
        per_test["ours_called"] / per_test["rival_called"],
        at_most=0.75,
        detail=f"{microseconds(per_test['ours_called'])} to {microseconds(per_test['rival_called'])}",
    )
    yield Row(
        "the same with the smallest socket server, against httpserver",
        per_test["smallest_called"] / per_test["rival_called"],
        detail=microseconds(per_test["smallest_called"]),
    )


def _cpu_of_a_test(kind: str, tests: int) -> float:
    """The CPU seconds that pytest spends on a test, the mean of so many, without what it does only once."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(_TESTS / f"{kind}_test.py")]
    done = subprocess.run(
        command,
        env=os.environ | {"BENCH_TESTS": str(tests)},
        cwd=_TESTS,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return float(next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("cpu_s ")))
