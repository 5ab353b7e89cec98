"""The marker is checked for every test that uses one of the fixtures, and never does nothing."""

import pytest

from tests.plugin.outside import Project

TEST = """
    import pytest


    @pytest.mark.tiledesk({marker})
    def test_it({fixture}):
        pass
"""


@pytest.mark.parametrize("fixture", ["fake_tiledesk_factory", "fake_tiledesk_server"])
@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('allow=["auth-schem"]', "there is no rule 'auth-schem'; did you mean 'auth-scheme'?"),
        ("profil={}", "there is no 'profil'; did you mean 'profile'?"),
    ],
    ids=["rule", "keyword"],
)
def test_a_marker_that_cannot_work_is_an_error(project: Project, fixture: str, marker: str, told: str) -> None:
    project.write("test_it.py", TEST.format(marker=marker, fixture=fixture))

    run = project.run("-W", "error")

    assert run.counts == {"errors": 1}
    assert told in " ".join(run.text.split())


@pytest.mark.parametrize("fixture", ["fake_tiledesk_factory", "fake_tiledesk_server"])
@pytest.mark.parametrize(
    "marker", ['profile={"page-base": "1"}', 'now="2026-01-01T00:00:00Z"', 'scenario={"users": []}']
)
def test_a_marker_that_does_nothing_fails_its_test(project: Project, fixture: str, marker: str) -> None:
    project.write("test_it.py", TEST.format(marker=marker, fixture=fixture))

    run = project.run("-W", "error")

    assert run.counts == {"failed": 1}
    name = marker.partition("=")[0]
    assert f"{name} would do nothing, because this test does not use fake_tiledesk" in " ".join(run.text.split())


def test_rules_are_allowed_for_a_fake_of_the_factory(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest
        import requests


        @pytest.mark.tiledesk(allow=["auth-scheme"])
        def test_it(fake_tiledesk_factory):
            with fake_tiledesk_factory() as fake:
                requests.get(f"{fake.url}/jwt/history", headers={"Authorization": "Bearer x"}, timeout=5)
        """,
    )

    assert "1 passed" in project.run("-W", "error").text


DYNAMIC = """
    import pytest, requests, unittest

    MARK = pytest.mark.tiledesk(profile={"page-base": "1"}, now="2026-01-01T00:00:00Z")

    def check(fake):
        assert (fake.profile["page-base"], fake.clock.now().year) == ("1", 2026)

    @MARK
    def test_asks_in_its_body(request):
        check(request.getfixturevalue("fake_tiledesk"))

    @pytest.fixture
    def indirect(request):
        return request.getfixturevalue("fake_tiledesk")

    @MARK
    def test_asks_in_a_fixture(indirect):
        check(indirect)

    @MARK
    def test_asks_beside_a_factory(fake_tiledesk_factory, request):
        check(request.getfixturevalue("fake_tiledesk"))

    @MARK
    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def take(self, request):
            self.fake = request.getfixturevalue("fake_tiledesk")

        def test_asks_in_a_class_of_unittest(self):
            check(self.fake)

    @pytest.fixture
    def goodbye(request):
        yield
        with open("ended.txt", "a") as file:
            file.write(request.node.name + "\\n")

    @MARK
    def test_asks_for_another(goodbye, request):
        with request.getfixturevalue("fake_tiledesk_factory")() as fake:
            requests.get(f"{fake.url}/jwt/history", timeout=10)

    @MARK
    def test_asks_for_another_and_fails_by_itself(request):
        with request.getfixturevalue("fake_tiledesk_factory")() as fake:
            requests.get(f"{fake.url}/jwt/history", timeout=10)
        raise AssertionError("on purpose")

    @MARK
    def test_asks_for_none(request):
        pass

    @pytest.mark.tiledesk(alow=["auth-scheme"])
    def test_asks_with_a_wrong_keyword(request):
        raise AssertionError("not reached")

    @pytest.mark.tiledesk(allow=["auth-schema"])
    def test_asks_with_a_wrong_rule(indirect):
        raise AssertionError("not reached")

    @pytest.mark.tiledesk(alow=[])
    @pytest.mark.skip
    def test_is_skipped(fake_tiledesk):
        pass
"""


def test_a_marker_counts_for_a_fixture_that_is_asked_for_by_name(project: Project) -> None:
    project.write("test_it.py", DYNAMIC)

    run = project.run("-rA", "-W", "error")

    assert run.outcomes == {
        "test_asks_in_its_body": ["passed"],
        "test_asks_in_a_fixture": ["passed"],
        "test_asks_beside_a_factory": ["passed"],
        "test_asks_in_a_class_of_unittest": ["passed"],
        "test_asks_for_another": ["failed"],
        "test_asks_for_another_and_fails_by_itself": ["failed"],
        "test_asks_for_none": ["passed"],
        "test_asks_with_a_wrong_keyword": ["error"],
        "test_asks_with_a_wrong_rule": ["error"],
    }, run.text
    assert run.counts["skipped"] == 1
    assert "now, profile would do nothing" in run.told("test_asks_for_another")
    assert "would do nothing" not in run.told("test_asks_for_another_and_fails_by_itself")
    assert "ERROR at setup of test_asks_with_a_wrong_keyword" in run.text
    assert "ERROR at setup of test_asks_with_a_wrong_rule" in run.text
    # It failed before its teardown, which came all the same.
    assert project.read("ended.txt") == "test_asks_for_another\n"


@pytest.mark.parametrize(
    ("override", "outcome"),
    [
        ("def fake_tiledesk():\n    with TiledeskFake() as fake:\n        yield fake", "failed"),
        ("def fake_tiledesk(fake_tiledesk_factory):\n    return fake_tiledesk_factory()", "failed"),
        (
            "def fake_tiledesk(fake_tiledesk):\n    fake_tiledesk.add_user(email='a@b.c')\n    return fake_tiledesk",
            "passed",
        ),
    ],
    ids=["by hand", "by the factory", "on top of it"],
)
def test_a_marker_counts_for_an_overridden_fixture_or_the_test_fails(
    project: Project, override: str, outcome: str
) -> None:
    project.write(
        "conftest.py", f"import pytest\nfrom tiledesk_fake import TiledeskFake\n\n@pytest.fixture\n{override}\n"
    )
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.tiledesk(profile={"page-base": "1"})
        def test_marked(fake_tiledesk):
            pass

        @pytest.mark.tiledesk(allow=["auth-scheme"])
        def test_allowed(fake_tiledesk):
            pass

        @pytest.mark.tiledesk(allow=["auth-schem"])
        def test_wrong(fake_tiledesk):
            pass
        """,
    )

    run = project.run("-rA", "-W", "error")

    assert run.outcomes == {"test_marked": [outcome], "test_allowed": ["passed"], "test_wrong": ["error"]}, run.text
    if outcome == "failed":
        told = " ".join(run.told("test_marked").split())
        assert "profile would do nothing, because this test does not use fake_tiledesk, another fixture has" in told


WRITTEN_WRONG = {
    "page_size=10": 'write profile={"page-size": "10"}',
    "revoke_again='unknown'": 'write profile={"revoke-again": "unknown"}',
    'profile="page-size:10"': 'write profile="page-size=10", or profile={"page-size": "10"}',
    'profile="page-size: 10"': 'write profile="page-size=10", or profile={"page-size": "10"}',
    'profile="page_size:10"': 'write profile="page-size=10", or profile={"page-size": "10"}',
    'profile="page-size"': 'write profile="page-size=CHOICE", with one of its choices: ',
    'profile={"page_size": "10"}': "there is no assumption 'page_size'; did you mean 'page-size'?",
    'profile=["page-size=10"]': 'write profile="page-size=10", or profile={"page-size": "10"}',
    'assume_each="page-base"': "or a list of assumptions, got 'page-base'; write assume_each=[\"page-base\"]",
    'assume_each=["page-base=1"]': "assume_each: no assumption is 'page-base=1'; did you mean 'page-base'?",
    'assume_each=[["page-base"]]': "assume_each: no assumption is ['page-base']",
    "frozen='2026-01-01T00:00:00Z'": "there is no 'frozen'",
    "'auth-scheme'": "expected keywords (profile, scenario, now, allow, strict, assume_each, intercept), "
    "got 'auth-scheme'",
}


@pytest.mark.parametrize("marker", WRITTEN_WRONG)
def test_a_marker_that_is_written_wrong_says_what_to_write(project: Project, marker: str) -> None:
    project.write("test_it.py", TEST.format(marker=marker, fixture="fake_tiledesk"))

    run = project.run("-W", "error")

    assert run.counts == {"errors": 1}
    assert WRITTEN_WRONG[marker] in " ".join(run.text.split())


def test_an_option_that_is_written_wrong_says_what_to_write(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")

    run = project.run("--tiledesk-profile", "page-size:10")

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--tiledesk-profile: there is no file 'page-size:10' in " in run.errors
    assert "; write page-size=10\n" in run.errors
