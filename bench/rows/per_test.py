"""What the fixture adds to a test."""

import json
import subprocess
import sys
from collections.abc import Iterator
from statistics import median

from ..environment import HERE
from ..report import Row, microseconds

_TESTS = HERE / "fixture_tests"


def rows(rounds: int) -> Iterator[Row]:
    """The fixture alone, and a test with one call, against pytest-httpserver's."""
    costs: dict[str, list[float]] = {}
    for _ in range(rounds):
        # What is intercepted once stays refused for its run, so these tests have one of their own.
        for which in (["--ignore-glob=*/intercepted*"], [str(file) for file in sorted(_TESTS.glob("intercepted*"))]):
            for kind, measured in _cpu_of_tests(*which).items():
                costs.setdefault(kind, []).extend(measured)
    per_test = {kind: median(measured) for kind, measured in costs.items()}
    added = {kind: cost - per_test["nothing"] for kind, cost in per_test.items()}
    yield Row(
        "CPU that the fixture adds to a test, against httpserver",
        added["ours"] / added["rival"],
        at_most=1.3,
        detail=f"{microseconds(added['ours'])} to {microseconds(added['rival'])}",
    )
    yield Row(
        "CPU of a test with one list by requests.Session, against httpserver",
        per_test["ours_called"] / per_test["rival_called"],
        at_most=1.15,
        detail=f"{microseconds(per_test['ours_called'])} to {microseconds(per_test['rival_called'])}",
    )
    yield Row(
        "the same with the smallest socket server, against httpserver",
        per_test["smallest_called"] / per_test["rival_called"],
        detail=microseconds(per_test["smallest_called"]),
    )
    yield Row(
        "CPU that the fixture adds to a test inside intercept, against without",
        added["intercepted"] / added["ours"],
        detail=f"{microseconds(added['intercepted'])} to {microseconds(added['ours'])}",
    )
    yield Row(
        "CPU of a test with one list inside intercept by a kept Session, against a new Session without",
        per_test["intercepted_called"] / per_test["ours_called"],
        detail=f"{microseconds(per_test['intercepted_called'])} to {microseconds(per_test['ours_called'])}",
    )


def _cpu_of_tests(*which: str) -> dict[str, list[float]]:
    """The CPU seconds that pytest spends on a test, a mean for each block of tests, by kind.

    All in one run of pytest, because two runs differ by more than what the fixtures cost.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *which],
        cwd=_TESTS,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    printed = next(line for line in done.stdout.splitlines() if line.startswith("cpu_s "))
    measured: dict[str, list[float]] = json.loads(printed.removeprefix("cpu_s "))
    return measured
