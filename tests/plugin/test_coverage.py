"""`--tiledesk-coverage` tells what of the contract the tests have asked for, and which tests did."""

import json
from typing import Any

import pytest

from tests.plugin.outside import Project

pytestmark = pytest.mark.slow

SUITE = """
    import json
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    import pytest


    def ask(fake, method="GET", path=""):
        ada = fake.users.get("ada@example.com") or fake.add_user(email="ada@example.com", password="x")
        request = Request(f"{fake.url}/jwt/history{path}", method=method, headers={"Authorization": ada.authorization})
        try:
            urlopen(request).close()
        except HTTPError as refused:
            return refused.code


    def test_lists(fake_tiledesk):
        ask(fake_tiledesk)
        ask(fake_tiledesk, path="?page=0&direction=-1")
        ask(fake_tiledesk, path="?page=3")


    def test_revokes(fake_tiledesk_factory):
        ask(fake_tiledesk_factory(profile={"revoke-unknown": "null"}), "DELETE", "/a%2Fb")


    def test_only_meets_a_fault(fake_tiledesk):
        fake_tiledesk.faults.add("revokeTokenById", status=401)
        ask(fake_tiledesk, "DELETE", "/id/x")


    @pytest.mark.tiledesk(allow=["invalid-parameter"])
    def test_asks_for_what_there_is_not(fake_tiledesk):
        ask(fake_tiledesk, path="?page=x")
"""
COVERED = {
    ("listTokens", "200"): ["test_lists"],
    ("listTokens", "400"): ["test_asks_for_what_there_is_not"],
    ("listTokens", "401"): [],
    ("listTokens", "page=absent"): ["test_lists"],
    ("listTokens", "page=minimum"): ["test_lists"],
    ("listTokens", "page=between"): ["test_lists"],
    ("listTokens", "page=maximum"): [],
    ("listTokens", "page=invalid"): ["test_asks_for_what_there_is_not"],
    ("listTokens", "direction=-1"): ["test_lists"],
    ("listTokens", "direction=1"): [],
    ("listTokens", "list-envelope=jwts"): ["test_lists"],
    ("listTokens", "list-envelope=bare"): [],
    ("revokeTokenByJti", "200"): ["test_revokes"],
    ("revokeTokenByJti", "404"): [],
    ("revokeTokenByJti", "jti=given"): ["test_revokes"],
    ("revokeTokenByJti", "jti=percent-encoded"): ["test_revokes"],
    ("revokeTokenByJti", "revoke-unknown=null"): ["test_revokes"],
    ("revokeTokenByJti", "revoke-unknown=404"): [],
    ("revokeTokenById", "401"): [],
    ("revokeTokenById", "id=given"): [],
}


@pytest.fixture
def suite(project: Project) -> Project:
    project.write("test_it.py", SUITE)
    return project


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_each_cell_has_the_tests_behind_it(suite: Project, workers: tuple[str, ...]) -> None:
    run = suite.run("--tiledesk-coverage=here/cells.json", *workers, plugins=("tiledesk_fake", "xdist"))

    told: dict[str, Any] = json.loads(suite.read("here/cells.json"))
    cells = {(cell["operation"], cell["case"]): cell for cell in told["cells"]}
    assert run.code == 0, run.text
    assert {key: [test.partition("::")[2] for test in cells[key]["tests"]] for key in COVERED} == COVERED
    assert all(cell["covered"] == bool(cell["tests"]) for cell in told["cells"])
    assert {cell["kind"] for cell in told["cells"]} == {"answer", "parameter", "assumption"}
    assert told["percent"] == sum(cell["covered"] for cell in told["cells"]) * 1000 // len(cells) / 10
    assert f"{told['percent']:g}%" in run.text


def test_assumptions_are_cells_of_the_operations_that_they_concern(suite: Project) -> None:
    suite.run("--tiledesk-coverage=cells.json")

    cells = json.loads(suite.read("cells.json"))["cells"]
    ids = {(cell["operation"], cell["case"].partition("=")[0]) for cell in cells if cell["kind"] == "assumption"}
    assert {("listTokens", "page-base"), ("revokeTokenById", "malformed-id")} <= ids
    assert ids.isdisjoint({("revokeTokenByJti", "page-base"), ("revokeTokenByJti", "malformed-id")})
    gated = {"listTokens", "revokeTokenByJti", "revokeTokenById"}
    assert {operation for operation, id in ids if id == "revocation-enforced"} == gated


def test_the_page_loads_nothing_and_names_tests(suite: Project) -> None:
    suite.run("--tiledesk-coverage=page.html")

    page = suite.read("page.html")
    assert "test_it.py::test_lists" in page
    assert "default-src 'none'" in page
    assert not any(part in page for part in ("<script", "src=", "href=", "url(", "@import"))


def test_the_name_of_a_test_is_no_markup_on_the_page(project: Project) -> None:
    script = "<script>alert(1)</script>"
    case = f'@pytest.mark.parametrize("case", ["{script}"])\n    def test_lists(fake_tiledesk, case)'
    project.write("test_it.py", SUITE.replace("def test_lists(fake_tiledesk)", case))
    project.run("--tiledesk-coverage=page.html")

    page = project.read("page.html")
    assert script not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(("least", "code"), [("1", 0), ("99.9", 1)])
def test_too_little_fails_the_run(suite: Project, least: str, code: int) -> None:
    run = suite.run("--tiledesk-coverage-fail-under", least)

    assert run.code == code
    assert ("expected at least 99.9 %" in run.text) == bool(code)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--tiledesk-coverage=page.pdf", "expected a file that ends with .html or .json, got 'page.pdf'"),
        ("--tiledesk-coverage-fail-under=101", "expected a number from 0 to 100, got '101'"),
        ("--tiledesk-coverage-fail-under=", "expected a number from 0 to 100, got ''"),
        ("--tiledesk-coverage=test_it.py", "; write the tests first: pytest test_it.py --tiledesk-coverage"),
        (
            "--tiledesk-coverage=test_it.py::test_it[a b]",
            "; write the tests first: pytest 'test_it.py::test_it[a b]' --tiledesk-coverage",
        ),
        ("--tiledesk-coverage=folder.html", "--tiledesk-coverage: cannot write 'folder.html': Is a directory"),
        (
            "--tiledesk-coverage=test_it.py/page.html",
            "--tiledesk-coverage: cannot write 'test_it.py/page.html': Not a directory",
        ),
    ],
)
def test_what_cannot_work_is_refused(suite: Project, option: str, said: str) -> None:
    (suite.folder / "folder.html").mkdir()
    run = suite.run(option)

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert said in run.errors


def test_where_tests_are_only_collected_nothing_is_too_little(suite: Project) -> None:
    run = suite.run("--tiledesk-coverage=page.html", "--tiledesk-coverage-fail-under=50", "--collect-only")

    assert run.code == pytest.ExitCode.OK
    assert "coverage of the contract" not in run.text
    assert not (suite.folder / "page.html").exists()


def test_what_was_asked_counts_where_a_fixture_resets_the_fake_afterwards(project: Project) -> None:
    fixtures = """
    @pytest.fixture(autouse=True)
    def clean(fake_tiledesk_server):
        ask(fake_tiledesk_server, path="?page=1")
        yield
        fake_tiledesk_server.reset()


    def test_resets(fake_tiledesk_server):
        ask(fake_tiledesk_server, path="?page=0")
    """
    project.write("test_it.py", SUITE.partition("def test_lists")[0].rstrip() + "\n\n" + fixtures)
    project.run("--tiledesk-coverage=cells.json")

    cells = {cell["case"]: cell["tests"] for cell in json.loads(project.read("cells.json"))["cells"]}
    assert cells["page=between"] == cells["page=minimum"] == ["test_it.py::test_resets"]
