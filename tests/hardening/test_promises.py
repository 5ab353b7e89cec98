"""SECURITY.md: whatever it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def missing(text: str) -> list[str]:
    """The tests that a text names and that do not exist."""
    return [f"{file}::{name}" for file, name in NAMED.findall(text) if name not in names_in(ROOT / file)]


def named_in(beginning: str) -> set[str]:
    """The tests that the promises name from here to the end of the section, as `module.name`."""
    text = PROMISES.partition(f"\n{beginning}")[2].partition("\n## ")[0]
    return {f"{file.removesuffix('.py').replace('/', '.')}.{name}" for file, name in NAMED.findall(text)}


@cache
def names_in(file: Path) -> set[str]:
    if not file.exists():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED.findall(PROMISES)) > 40
    assert missing(PROMISES) == []


def test_a_test_that_does_not_exist_is_found() -> None:
    gone = "`tests/test_house.py::test_gone`, `tests/test_gone.py::test_gone`, `tests/hardening/served.py::serving`"

    assert len(missing(gone)) == 3


def test_every_promise_names_its_tests() -> None:
    promises = PROMISES.partition("## Promises")[2].partition("## Limits")[0].split("\n**")[1:]

    assert len(promises) == 8
    assert all(NAMED.search(promise) for promise in promises)


def test_every_promise_of_the_clients_names_its_tests() -> None:
    promises = PROMISES.partition("## What `check` and `learn` promise")[2].partition("\n## ")[0].split("\n**")[1:]

    assert len(promises) == 3
    assert all(NAMED.search(promise) for promise in promises)


def unnamed(text: str) -> list[str]:
    """The promises of a text that name no test."""
    return [each.strip() for each in re.split(r"\n(?=\*\*)|\n## ", text) if promises_nothing_tested(each)]


def promises_nothing_tested(paragraph: str) -> bool:
    return paragraph.startswith("**") and not NAMED.search(paragraph)


def test_every_promise_of_every_section_names_its_tests() -> None:
    assert unnamed(PROMISES.partition("\n## Not promised")[0]) == []


def test_a_promise_without_a_test_is_found() -> None:
    named = "**All is well,** always.\n\n- `tests/test_a.py::test_it`\n"

    assert unnamed(f"{named}\n**Nothing is wrong.** Ever.\n\n## Next\n\n{named}") == ["**Nothing is wrong.** Ever."]


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "hardening").glob("test_*.py")), ids=lambda file: file.stem)
def test_every_module_of_these_tests_is_named(file: Path) -> None:
    if file.stem != "test_promises":
        assert f"tests/hardening/{file.name}::" in PROMISES
