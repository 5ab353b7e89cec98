"""Repeats each test, in blocks that take turns, and prints what the tests of each block cost."""

import json
import time
from itertools import groupby, zip_longest

import pytest

_BLOCKS = 10
# And one more that comes first: it meets what the block before left to be done, and caches full of other code.
_TESTS = 50
_costs: dict[str, list[float]] = {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """So many tests a block, and a block more: what is done once, like an import, is no part of the others."""
    metafunc.parametrize("number", range((_BLOCKS + 1) * (_TESTS + 1)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One block of each kind after the other, every other time backwards."""
    rounds: list[list[list[pytest.Item]]] = [[] for _ in range(_BLOCKS + 1)]
    for _, of_kind in groupby(items, _kind):
        for number, block in enumerate(_in_blocks(list(of_kind))):
            rounds[number].append(block)
    items[:] = [
        item
        for number, blocks in enumerate(rounds)
        for block in (blocks if number % 2 == 0 else reversed(blocks))
        for item in block
    ]


def pytest_runtestloop(session: pytest.Session) -> bool:
    """Run the tests as pytest does, and look at the clock after the first and the last one of each block."""
    for number, (item, following) in enumerate(zip_longest(session.items, session.items[1:])):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        place = number % (_TESTS + 1)
        if place == 0:
            began = time.process_time()
        elif place == _TESTS:
            _costs.setdefault(_kind(item), []).append((time.process_time() - began) / _TESTS)
    return True


def pytest_sessionfinish() -> None:
    """Print the cost of a test in each block but the first of its kind, by kind."""
    print(f"\ncpu_s {json.dumps({kind: costs[1:] for kind, costs in _costs.items()})}")


def _kind(item: pytest.Item) -> str:
    return item.path.stem.removesuffix("_test")


def _in_blocks(items: list[pytest.Item]) -> list[list[pytest.Item]]:
    size = _TESTS + 1
    return [items[start : start + size] for start in range(0, len(items), size)]
