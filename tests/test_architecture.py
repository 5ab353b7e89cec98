"""What ARCHITECTURE.md says of the code is so."""

import ast
import re
from pathlib import Path

import pytest

import tiledesk_fake
from tiledesk_fake.contract.profile import CHOICES

PACKAGE = Path(tiledesk_fake.__file__).parent
PAGE = (Path(__file__).parents[1] / "ARCHITECTURE.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \| `([a-z_/]+\.py)` `([A-Za-z_.]+)` \| `([A-Za-z_.\"]+)` \|$", re.MULTILINE)
ROWS = ROW.findall(PAGE)


def definition(file: str, name: str) -> str:
    """The source of a class or a function, by its qualified name."""
    source = (PACKAGE / file).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        children = {
            child.name: child
            for child in ast.iter_child_nodes(node)
            if isinstance(child, ast.ClassDef | ast.FunctionDef)
        }
        assert part in children, f"{file} has no {name}; there are {', '.join(children)}"
        node = children[part]
    return ast.get_source_segment(source, node) or ""


def test_the_table_leads_from_every_assumption_to_the_code_that_decides_it() -> None:
    assert {id for id, *_ in ROWS} == set(CHOICES)


@pytest.mark.parametrize(("id", "file", "name", "by"), ROWS, ids=[f"{row[0]}-{row[2]}" for row in ROWS])
def test_the_code_that_the_table_names_reads_what_it_says(id: str, file: str, name: str, by: str) -> None:
    assert by in definition(file, name)


def test_a_row_that_leads_nowhere_is_found() -> None:
    with pytest.raises(AssertionError, match=r"has no revocation_of; there are"):
        definition("web/wire.py", "revocation_of")
    assert "profile.tie_order" not in definition("web/wire.py", "listing")


def test_every_part_of_the_package_is_on_the_map() -> None:
    drawn = PAGE.partition("```\n")[2].partition("```")[0]
    parts = {path.stem if path.is_file() else f"{path.name}/" for path in PACKAGE.iterdir()}
    parts -= {"__init__", "__main__", "__pycache__/", "py", "openapi/", "py.typed"}

    assert {part for part in parts if not re.search(rf"(?<![\w/]){re.escape(part)}(?!\w)", drawn)} == set()
