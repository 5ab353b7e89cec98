"""What `tiledesk_fake` offers, under which names."""

import ast
import importlib.metadata
import inspect
import re
from pathlib import Path

import pytest

import tiledesk_fake
from tiledesk_fake import errors

DOCUMENTED = {
    "AlreadyExists",
    "CannotListen",
    "Clock",
    "ContractError",
    "MisuseError",
    "NetworkRefused",
    "NoAnswer",
    "NotFound",
    "NotListening",
    "ProfileError",
    "ScenarioError",
    "Snapshot",
    "TiledeskFake",
    "TiledeskFakeError",
    "Token",
    "User",
}
ROOT = Path(__file__).parent.parent


def homes_for_type_checkers() -> dict[str, str]:
    """The module that each name is imported from, by what type checkers see."""
    tree = ast.parse(inspect.getsource(tiledesk_fake))
    return {
        alias.asname or alias.name: f"tiledesk_fake.{statement.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }


def test_the_public_names_are_the_documented_ones() -> None:
    assert set(tiledesk_fake.__all__) >= DOCUMENTED
    assert len(tiledesk_fake.__all__) == len(set(tiledesk_fake.__all__))


def test_type_checkers_see_the_public_names_and_no_others() -> None:
    assert homes_for_type_checkers().keys() == set(tiledesk_fake.__all__)


def test_dir_lists_the_public_names_and_the_version() -> None:
    assert dir(tiledesk_fake) == sorted([*tiledesk_fake.__all__, "__version__"])


@pytest.mark.parametrize("name", tiledesk_fake.__all__)
def test_a_public_name_leads_to_what_it_names_and_where_that_is_defined(name: str) -> None:
    thing = getattr(tiledesk_fake, name)

    assert (thing.__name__, thing.__module__) == (name, homes_for_type_checkers()[name])
    assert thing.__doc__


@pytest.mark.parametrize("name", tiledesk_fake.__all__)
def test_a_public_name_is_imported_from_its_home_alone(name: str) -> None:
    assert f"tiledesk_fake.{tiledesk_fake._HOMES[name]}" == homes_for_type_checkers()[name]


def test_a_star_import_gives_the_public_names() -> None:
    names: dict[str, object] = {}
    exec("from tiledesk_fake import *", names)

    assert names.keys() - {"__builtins__"} == set(tiledesk_fake.__all__)


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="module 'tiledesk_fake' has no attribute 'TileDeskFake'"):
        _ = tiledesk_fake.TileDeskFake


def test_the_version_is_that_of_the_distribution() -> None:
    assert tiledesk_fake.__version__ == importlib.metadata.version("tiledesk-fake")


def test_every_error_is_public_and_in_the_tree_at_the_top_of_its_module() -> None:
    raised = {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    # By depth: "│   ├── AlreadyExists" hangs below the last name one step to the left.
    drawn: dict[str, str] = {}
    above: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^ {4}([│├└─ ]*)([A-Z]\w+)", line):
            depth = len(match[1]) // 4
            above[depth] = match[2]
            drawn[match[2]] = above.get(depth - 1, "Exception")

    assert raised.keys() <= set(tiledesk_fake.__all__)
    assert drawn == {name: kind.__bases__[0].__name__ for name, kind in raised.items() if kind.__base__}


@pytest.mark.parametrize("file", [path for path in (ROOT / "README.md", *ROOT.glob("docs/*.md")) if path.exists()])
def test_what_the_documents_import_is_public(file: Path) -> None:
    imported = re.findall(r"from tiledesk_fake import ([\w, ]+)", file.read_text(encoding="utf-8"))
    names = {name.strip() for line in imported for name in line.split(",")}

    assert names <= set(tiledesk_fake.__all__)
