"""Repeats each test, and prints what each repetition costs."""

import os
import time

import pytest

TESTS = int(os.environ["BENCH_TESTS"])
_began = pytest.StashKey[float]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """So many tests, and one more that comes first: what is done once, like an import, is no part of the others."""
    metafunc.parametrize("number", range(TESTS + 1))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Note the time before the second test."""
    if item.session.testscollected > 1 and item is item.session.items[1]:
        item.session.stash[_began] = time.process_time()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Print the mean of all tests but the first."""
    print(f"\ncpu_s {(time.process_time() - session.stash[_began]) / TESTS}")
