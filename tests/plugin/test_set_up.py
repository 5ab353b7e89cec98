"""Installing the package is all the set-up there is; and who does not use it does not notice it."""

import json
import re
import subprocess
import sys

import pytest

from tests.plugin.outside import Project

FIXTURES = ("fake_tiledesk", "fake_tiledesk_factory", "fake_tiledesk_server")

FIRST_TEST = """
    import json, urllib.request

    def test_a_session_is_listed(fake_tiledesk):
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        phone = fake_tiledesk.issue_token(ada)

        request = urllib.request.Request(
            f"{fake_tiledesk.url}/jwt/history", headers={"Authorization": phone.authorization}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            (session,) = json.load(answer)["jwts"]

        assert session["jti"] == phone.jti
"""

# Writes down all modules there are when the run is over.
SPY = """
    import json, sys

    def pytest_unconfigure(config):
        with open("modules.json", "w") as file:
            json.dump(sorted(sys.modules), file)
"""


def test_installed_is_set_up(project: Project) -> None:
    project.write("test_first.py", FIRST_TEST)

    run = project.run("-W", "error", plugins=("no:schemathesis", "no:hypothesispytest"), autoload=True)

    assert run.code == 0, run.text
    assert "tiledesk-fake" in run.text.partition("collected")[0], "pytest does not list the plugin"
    assert run.counts == {"passed": 1}


def test_it_can_be_switched_off(project: Project) -> None:
    project.write("test_first.py", FIRST_TEST)

    run = project.run("-rA", plugins=("no:tiledesk_fake", "no:schemathesis", "no:hypothesispytest"), autoload=True)

    assert run.outcomes == {"test_a_session_is_listed": ["error"]}
    assert "fixture 'fake_tiledesk' not found" in run.text


def test_the_fixtures_are_documented(project: Project) -> None:
    run = project.run("--fixtures")

    _, _, ours = run.text.partition("fixtures defined from pytest_tiledesk_fake.plugin")
    ours = ours.partition("---- fixtures")[0].partition("\n===")[0]
    for name in FIXTURES:
        assert f"\n{name}" in ours
    assert "no docstring" not in ours
    # What each is, and its trap: pytest shows no more than the first paragraph.
    for sentence in (
        "A fake of Tiledesk's JWT history API: a TiledeskFake that listens on `fake_tiledesk.url`, new for each test.",
        "With Hypothesis's @given use `fake_tiledesk_factory`.",
        "The fake of Tiledesk's JWT history API that lives as long as the session: a TiledeskFake that listens.",
        "calls to this URL reach that test's fake.",
        "Makes more fakes: `fake_tiledesk_factory(profile={...}, seed=1)` is a TiledeskFake that listens.",
        "others stop at the end of the session.",
    ):
        assert sentence in " ".join(ours.split())


def test_the_options_and_the_marker_are_documented(project: Project) -> None:
    markers = project.run("--markers").text
    options = " ".join(project.run("--help").text.split())

    assert (
        "@pytest.mark.tiledesk(profile={...}, scenario='file.yaml', now=datetime(...), allow=['rule'], strict=True, "
        "assume_each=[...], intercept=['origin']): "
        "how fake_tiledesk starts this test, and which violations of the API it may see."
    ) in markers
    for name in ("--tiledesk-profile=FILE", "--tiledesk-strict=BOOL", "--tiledesk-allow=RULES"):
        assert name in options
    for name in ("tiledesk_profile (string)", "tiledesk_strict (bool)", "tiledesk_allow (args)"):
        assert name in options


def test_its_types_can_be_imported_and_cost_nothing_until_they_are() -> None:
    script = """
import sys
import pytest_tiledesk_fake
assert "tiledesk_fake" not in sys.modules
from pytest_tiledesk_fake import Factory, LateCallWarning
from tiledesk_fake import TiledeskFake, Token, User
from tiledesk_fake.pytest import Factory as SameFactory, LateCallWarning as SameWarning
assert issubclass(LateCallWarning, UserWarning)
assert (SameFactory, SameWarning) == (Factory, LateCallWarning)
try:
    pytest_tiledesk_fake.Fatcory
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("module 'pytest_tiledesk_fake' has no attribute 'Fatcory'\n", "")


def test_who_does_not_use_it_does_not_notice_it(project: Project) -> None:
    project.write("test_other.py", "def test_other():\n    pass\n")
    project.write("conftest.py", SPY)
    modules = []
    texts = []
    for plugins in (("tiledesk_fake",), ()):
        # No plugin of pytest's own may be in the way of a comparison.
        run = project.run("--setup-show", "-W", "error", plugins=plugins)
        assert run.code == 0, run.text
        texts.append([line for line in run.text.splitlines() if not re.search(r"^plugins: | passed in ", line)])
        modules.append(set(json.loads(project.read("modules.json"))))

    assert modules[0] - modules[1] == {"pytest_tiledesk_fake", "pytest_tiledesk_fake.plugin"}
    assert texts[0] == texts[1]


@pytest.mark.parametrize("use", ["", "def test_used(fake_tiledesk): pass"])
def test_nothing_of_ours_is_imported_by_collecting(project: Project, use: str) -> None:
    project.write("test_both.py", f"def test_other(): pass\n{use}")
    project.write("conftest.py", SPY)

    run = project.run("-k", "test_other")

    modules = json.loads(project.read("modules.json"))
    assert run.counts["passed"] == 1
    assert [name for name in modules if name.split(".")[0] in ("tiledesk_fake", "flask", "yaml", "werkzeug")] == []
