"""How a test's fake starts and what it may see: by marker, command line, environment and file, in this order."""

import json
import re
from typing import NamedTuple

import pytest

from tests.plugin.outside import Project, Run, Setup, run_many

# Breaks four rules, one for each source to allow.
CLIENT = """
    import json
    import pytest, requests

    def misbehave(fake):
        with open("profiles.txt", "a") as file:
            file.write(json.dumps(dict(fake.profile)) + "\\n")
        requests.get(f"{fake.url}/jwt/history?limit=1", headers={"Authorization": "Bearer abc"}, timeout=10)
        requests.delete(f"{fake.url}/jwt/history/phone", json={}, timeout=10)
        requests.get(f"{fake.url}/nowhere", timeout=10)

    def test_plain(fake_tiledesk):
        misbehave(fake_tiledesk)

    @pytest.mark.tiledesk(allow=["unexpected-body"], profile={"revoke-answer": "success"})
    def test_marked(fake_tiledesk):
        misbehave(fake_tiledesk)

    def test_of_the_factory(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            misbehave(fake)

    def test_of_the_session(fake_tiledesk_server):
        misbehave(fake_tiledesk_server)
"""
ALL = {"auth-scheme", "unknown-parameter", "unexpected-body", "unknown-path"}
ALTERNATIVES = {"page-base": "1", "page-size": "10", "list-envelope": "bare", "revoke-answer": "success"}

IN_FILE = {
    "test_client.py": CLIENT,
    "pytest.ini": "[pytest]\ntiledesk_allow = auth-scheme\ntiledesk_profile = page-base=1\n",
}
IN_ENVIRONMENT = {"TILEDESK_FAKE_ALLOW": "unknown-parameter", "TILEDESK_FAKE_PROFILE": "page-size=10"}
ON_COMMAND_LINE = ("--tiledesk-allow", "unknown-path", "--tiledesk-profile", "list-envelope=bare")


class Counting(NamedTuple):
    """A setup, and what counts in it where no marker says otherwise."""

    setup: Setup
    allowed: set[str]
    turned: set[str]
    header: str | None


SOURCES = {
    "nothing": Counting(Setup({"test_client.py": CLIENT}, {}, ("-rA",)), set(), set(), None),
    "file": Counting(
        Setup(IN_FILE, {}, ("-rA",)),
        {"auth-scheme"},
        {"page-base"},
        "profile page-base=1 (tiledesk_profile in pytest.ini); allow auth-scheme (tiledesk_allow in pytest.ini)",
    ),
    "environment over file": Counting(
        Setup(IN_FILE, IN_ENVIRONMENT, ("-rA",)),
        {"unknown-parameter"},
        {"page-size"},
        "profile page-size=10 (TILEDESK_FAKE_PROFILE); allow unknown-parameter (TILEDESK_FAKE_ALLOW)",
    ),
    "command line over environment and file": Counting(
        Setup(IN_FILE, IN_ENVIRONMENT, ("-rA", *ON_COMMAND_LINE)),
        {"unknown-path"},
        {"list-envelope"},
        "profile list-envelope=bare (--tiledesk-profile); allow unknown-path (--tiledesk-allow)",
    ),
}

STRICT = """
    import pytest, requests

    def test_plain(fake_tiledesk):
        requests.get(f"{fake_tiledesk.url}/nowhere", timeout=10)

    @pytest.mark.tiledesk(strict=True)
    def test_strict(fake_tiledesk):
        requests.get(f"{fake_tiledesk.url}/nowhere", timeout=10)

    @pytest.mark.tiledesk(strict=False)
    def test_lenient(fake_tiledesk):
        requests.get(f"{fake_tiledesk.url}/nowhere", timeout=10)
"""


class Strictness(NamedTuple):
    """A setup, and whether a test without a marker is strict in it."""

    setup: Setup
    is_strict: bool
    header: str | None


def strict_in(file: str, text: str, environment: str | None = None, *arguments: str) -> Setup:
    variables = {} if environment is None else {"TILEDESK_FAKE_STRICT": environment}
    return Setup({"test_strict.py": STRICT, file: text}, variables, ("-rA", *arguments))


LENIENT_INI = "[pytest]\ntiledesk_strict = no\n"
IN_TOML = "strict false (tiledesk_strict in pyproject.toml)"
STRICTNESS = {
    "file": Strictness(strict_in("pytest.ini", LENIENT_INI), False, "strict false (tiledesk_strict in pytest.ini)"),
    "environment": Strictness(strict_in("pytest.ini", LENIENT_INI, "on"), True, None),
    "command line": Strictness(
        strict_in("pytest.ini", LENIENT_INI, "1", "--tiledesk-strict=Off"), False, "strict off (--tiledesk-strict)"
    ),
    "quietly": Strictness(strict_in("pytest.ini", LENIENT_INI, None, "-q"), False, None),
    "ini_options, a boolean": Strictness(
        strict_in("pyproject.toml", "[tool.pytest.ini_options]\ntiledesk_strict = false\n"), False, IN_TOML
    ),
    "ini_options, text": Strictness(
        strict_in("pyproject.toml", '[tool.pytest.ini_options]\ntiledesk_strict = "no"\n'), False, IN_TOML
    ),
    "native, false": Strictness(
        strict_in("pyproject.toml", "[tool.pytest]\ntiledesk_strict = false\n"), False, IN_TOML
    ),
    "native, true": Strictness(strict_in("pyproject.toml", "[tool.pytest]\ntiledesk_strict = true\n"), True, None),
}


def allowing(file: str, text: str) -> Setup:
    return Setup({"test_client.py": CLIENT, file: text}, {}, ("-k", "test_plain"))


FILES = {
    "pytest.ini": allowing(
        "pytest.ini", "[pytest]\ntiledesk_allow =\n    auth-scheme\n    unknown-path\ntiledesk_profile = page-base=1\n"
    ),
    "setup.cfg": allowing(
        "setup.cfg",
        "[tool:pytest]\ntiledesk_allow = auth-scheme, unknown-path\ntiledesk_profile = profile.yaml\n",
    ),
    "ini_options, a list": allowing(
        "pyproject.toml",
        '[tool.pytest.ini_options]\ntiledesk_allow = ["auth-scheme", "unknown-path"]\n'
        'tiledesk_profile = "page-base=1"\n',
    ),
    "ini_options, text": allowing(
        "pyproject.toml",
        '[tool.pytest.ini_options]\ntiledesk_allow = "auth-scheme unknown-path"\ntiledesk_profile = "page-base=1"\n',
    ),
    "native": allowing(
        "pyproject.toml",
        '[tool.pytest]\ntiledesk_allow = ["auth-scheme", "unknown-path"]\ntiledesk_profile = "page-base=1"\n',
    ),
}
FILES["setup.cfg"] = Setup(
    {**FILES["setup.cfg"].files, "profile.yaml": "profile: {page-base: '1'}\n"}, {}, FILES["setup.cfg"].arguments
)

OTHER = {"test_other.py": "def test_other(): pass\n"}
RULES = (
    "auth-scheme, auth-malformed, auth-in-query, unknown-parameter, repeated-parameter, invalid-parameter, "
    "unknown-path, unknown-method, unexpected-body, unspent-fault"
)
NO_RULE = f"there is no rule 'auth-schema'; did you mean 'auth-scheme'? Valid: {RULES}"
NO_CHOICE = "page-base has no choice '2'; Valid: 0, 1"


def in_ini(name: str, value: str) -> Setup:
    return Setup({**OTHER, "pytest.ini": f"[pytest]\ntiledesk_{name} = {value}\n"})


def in_toml(name: str, value: str) -> Setup:
    return Setup({**OTHER, "pyproject.toml": f"[tool.pytest]\ntiledesk_{name} = {value}\n"})


def in_environment(name: str, value: str) -> Setup:
    return Setup(OTHER, {f"TILEDESK_FAKE_{name.upper()}": value})


def on_command_line(name: str, value: str) -> Setup:
    return Setup(OTHER, {}, (f"--tiledesk-{name}", value))


MARKING = """
    import pytest

    def pytest_collection_modifyitems(items):
        for item in items:
            item.add_marker(pytest.mark.tiledesk(profile="siblings"))
"""
IS_SIBLINGS = {
    "test_it.py": """
        import pytest

        def test_configured(fake_tiledesk):
            assert fake_tiledesk.profile["sort-parameter"] == "sort"

        @pytest.mark.tiledesk(profile="documented")
        def test_marked(fake_tiledesk):
            assert fake_tiledesk.profile["sort-parameter"] == "sortField"
    """,
    # Its name is taken.
    "siblings": "no profile",
}
SHIPPED = {
    "marker": Setup({**IS_SIBLINGS, "conftest.py": MARKING}, {}, ("-rA",)),
    "command line": Setup(IS_SIBLINGS, {}, ("-rA", "--tiledesk-profile", "siblings")),
    "environment": Setup(IS_SIBLINGS, {"TILEDESK_FAKE_PROFILE": "siblings"}, ("-rA",)),
    "ini": Setup({**IS_SIBLINGS, "pytest.ini": "[pytest]\ntiledesk_profile = siblings\n"}, {}, ("-rA",)),
}

WRONG = {
    "--tiledesk-profile: there is no file 'sibling' in FOLDER; of the profiles that have a name; did you mean "
    "'siblings'? Valid: documented, siblings": on_command_line("profile", "sibling"),
    f"tiledesk_allow in pytest.ini: {NO_RULE}": in_ini("allow", "auth-schema"),
    f"tiledesk_allow in pyproject.toml: {NO_RULE}": in_toml("allow", '["unknown-path", "auth-schema"]'),
    f"TILEDESK_FAKE_ALLOW: {NO_RULE}": in_environment("allow", "unknown-path,auth-schema"),
    f"--tiledesk-allow: {NO_RULE}": on_command_line("allow", "auth-schema"),
    "tiledesk_strict in pytest.ini: invalid truth value 'maybe'": in_ini("strict", "maybe"),
    "TILEDESK_FAKE_STRICT: expected true or false, got 'maybe'": in_environment("strict", "maybe"),
    "--tiledesk-strict: expected true or false, got ''": on_command_line("strict", ""),
    f"tiledesk_profile in pytest.ini: {NO_CHOICE}": in_ini("profile", "page-base=2"),
    f"TILEDESK_FAKE_PROFILE: {NO_CHOICE}": in_environment("profile", "page-base=2"),
    "--tiledesk-profile: there is no assumption 'page-bass'; did you mean 'page-base'? Valid: ": on_command_line(
        "profile", "page-bass=1"
    ),
    "--tiledesk-profile: there is no file 'nowhere.yaml' in ": on_command_line("profile", "nowhere.yaml"),
    "--tiledesk-profile: there is no file '' in ": on_command_line("profile", ""),
    f"--tiledesk-profile: FOLDER/profile.yaml:1: profile: {NO_CHOICE}": Setup(
        {**OTHER, "profile.yaml": "profile: {page-base: '2'}\n"}, {}, ("--tiledesk-profile", "profile.yaml")
    ),
    "tiledesk_allow in pyproject.toml: FOLDER/pyproject.toml: config option 'tiledesk_allow' expects a list": in_toml(
        "allow", '"auth-scheme"'
    ),
    "tiledesk_strict in pyproject.toml: FOLDER/pyproject.toml: config option 'tiledesk_strict' expects a bool": in_toml(
        "strict", '"no"'
    ),
    "tiledesk_profile in pyproject.toml: FOLDER/pyproject.toml: config option 'tiledesk_profile' expects a s": in_toml(
        "profile", "1"
    ),
}

Runs = dict[str, tuple[Project, Run]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """All these setups, run."""
    setups = {f"sources: {name}": case.setup for name, case in SOURCES.items()}
    setups |= {f"strictness: {name}": case.setup for name, case in STRICTNESS.items()}
    setups |= {f"files: {name}": setup for name, setup in FILES.items()}
    setups |= {f"shipped: {name}": setup for name, setup in SHIPPED.items()}
    setups |= {f"wrong: {name}": setup for name, setup in WRONG.items()}
    return run_many(tmp_path_factory.mktemp("configured"), setups)


# New in pytest 9.
is_native = pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="pytest 9 is the first to read [tool.pytest]")


def with_native(setups: dict[str, Setup]) -> list[object]:
    return [
        pytest.param(name, marks=is_native if any("[tool.pytest]" in text for text in setup.files.values()) else ())
        for name, setup in setups.items()
    ]


def broken_rules(run: Run, test: str) -> set[str]:
    return set(re.findall(r"^([a-z-]+): [A-Z]", run.told(test), re.M))


def turned(line: str) -> set[str]:
    profile = json.loads(line)
    return {id for id, choice in ALTERNATIVES.items() if profile[id] == choice}


def headers(run: Run) -> list[str]:
    return re.findall("^tiledesk-fake: (.*)$", run.text, re.M)


@pytest.mark.parametrize("name", SOURCES)
def test_the_nearest_source_counts(runs: Runs, name: str) -> None:
    case = SOURCES[name]
    project, run = runs[f"sources: {name}"]

    for test in ("test_plain", "test_of_the_factory", "test_of_the_session"):
        assert broken_rules(run, test) == ALL - case.allowed
    assert broken_rules(run, "test_marked") == ALL - {"unexpected-body"}
    # What is nearer replaces what is further away as a whole.
    plain, marked, of_factory, of_session = project.read("profiles.txt").splitlines()
    assert turned(plain) == turned(of_factory) == turned(of_session) == case.turned
    assert turned(marked) == {"revoke-answer"}
    assert headers(run) == ([] if case.header is None else [case.header])


@pytest.mark.parametrize("name", with_native({name: case.setup for name, case in STRICTNESS.items()}))
def test_strictness_has_the_same_sources(runs: Runs, name: str) -> None:
    case = STRICTNESS[name]
    _, run = runs[f"strictness: {name}"]

    plain = "failed" if case.is_strict else "passed"
    assert run.outcomes == {"test_plain": [plain], "test_strict": ["failed"], "test_lenient": ["passed"]}
    assert headers(run) == ([] if case.header is None else [case.header])


@pytest.mark.parametrize("name", with_native(FILES))
def test_any_file_that_pytest_reads_will_do(runs: Runs, name: str) -> None:
    project, run = runs[f"files: {name}"]

    assert broken_rules(run, "test_plain") == ALL - {"auth-scheme", "unknown-path"}
    assert turned(project.read("profiles.txt")) == {"page-base"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_profile_goes_by_name_wherever_a_profile_is_named(runs: Runs, name: str) -> None:
    _, run = runs[f"shipped: {name}"]

    assert run.outcomes == {"test_configured": ["passed"], "test_marked": ["passed"]}


@pytest.mark.parametrize("told", with_native(WRONG))
def test_a_setting_that_cannot_work_ends_the_run_and_names_its_source(runs: Runs, told: str) -> None:
    project, run = runs[f"wrong: {told}"]

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {told}".replace("FOLDER", str(project.folder)) in run.errors
    assert "Traceback" not in run.text + run.errors


# Markers

MARKED = """
    from datetime import UTC, date, datetime, timedelta
    from pathlib import Path
    import pytest
    from tiledesk_fake import TiledeskFake

    BROKEN = {
        "keyword": dict(alow=["auth-scheme"]),
        "rule": dict(allow=["auth-scheme", "auth-schema"]),
        "rule_in_text": dict(allow="auth-scheme, auth-schema"),
        "rules": dict(allow=5),
        "rule_type": dict(allow=[5]),
        "strict": dict(strict="maybe"),
        "assumption": dict(profile={"page-bass": "1"}),
        "choice": dict(profile={"page-base": 1}),
        "profile_file": dict(profile="nowhere.yaml"),
        "profile_type": dict(profile=5),
        "scenario_file": dict(scenario="nowhere.yaml"),
        "scenario": dict(scenario={"usres": []}),
        "scenario_type": dict(scenario=5),
        "now": dict(now="tomorrow"),
        "naive": dict(now="2026-01-01T00:00:00"),
        "date": dict(now=date(2026, 1, 1)),
        "early": dict(now="1969-12-31T00:00:00Z"),
    }

    for name, keywords in BROKEN.items():
        @pytest.mark.tiledesk(**keywords)
        def test(fake_tiledesk):
            raise AssertionError("not reached")
        globals()[f"test_broken_{name}"] = test

    @pytest.mark.tiledesk(["auth-scheme"])
    def test_broken_positional(fake_tiledesk):
        raise AssertionError("not reached")

    @pytest.mark.tiledesk(alow=["auth-scheme"])
    def test_broken_but_unused():
        pass

    @pytest.mark.tiledesk(
        profile={"page-base": "1"},
        scenario={"users": [{"email": "ada@example.com", "tokens": [{}]}]},
        now="2026-01-01T00:00:00Z",
    )
    def test_works(fake_tiledesk):
        assert fake_tiledesk.profile["page-base"] == "1"
        assert fake_tiledesk.clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
        (token,) = fake_tiledesk.history(fake_tiledesk.users["ada@example.com"])
        assert token.created_at == fake_tiledesk.clock.now()
        fake_tiledesk.clock.advance(hours=1)
        assert fake_tiledesk.clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)

    @pytest.mark.tiledesk(profile="profile.yaml", scenario=Path("scenario.yaml"), now=datetime(2026, 1, 1, tzinfo=UTC))
    class TestFiles:
        def test_files_beside_the_test(self, fake_tiledesk):
            assert fake_tiledesk.profile["page-size"] == "10"
            assert list(fake_tiledesk.users) == ["beside@example.com"]

        @pytest.mark.tiledesk(profile="other.yaml", now=None)
        def test_files_at_the_root(self, fake_tiledesk):
            assert fake_tiledesk.profile["list-envelope"] == "bare"
            assert list(fake_tiledesk.users) == ["beside@example.com"]
            assert not fake_tiledesk.clock.frozen

    @pytest.mark.tiledesk(scenario="other.yaml")
    def test_a_file_of_another_kind(fake_tiledesk):
        raise AssertionError("not reached")

    def test_as_new_after_all(fake_tiledesk):
        assert fake_tiledesk.profile == TiledeskFake().profile
        assert not fake_tiledesk.users
        assert not fake_tiledesk.clock.frozen
"""
LIKE = "like 2026-01-01T00:00:00Z, got"
BROKEN = {
    "keyword": "there is no 'alow'; did you mean 'allow'? Valid: profile, scenario, now, allow, strict, assume_each",
    "positional": "expected keywords (profile, scenario, now, allow, strict, assume_each, intercept), "
    "got ['auth-scheme']",
    "rule": NO_RULE,
    "rule_in_text": NO_RULE,
    "rules": "expected a list of rules, got 5",
    "rule_type": f"there is no rule 5; Valid: {RULES}",
    "strict": "expected true or false, got 'maybe'",
    "assumption": "there is no assumption 'page-bass'; did you mean 'page-base'? Valid: page-base, ",
    "choice": "page-base has no choice 1; it must be text, so put it in quotes: '1'",
    "profile_file": "there is no file 'nowhere.yaml' in ",
    "profile_type": "expected the profile as a mapping or the name of a file, got 5",
    "scenario_file": "there is no file 'nowhere.yaml' in ",
    "scenario": "scenario: unknown key 'usres'; did you mean 'users'? Valid: users",
    "scenario_type": "expected the scenario as the name of a file or a mapping, got 5",
    "now": f"expected now {LIKE} 'tomorrow'",
    "naive": f"expected now as a time with its zone, {LIKE} datetime.datetime(2026, 1, 1, 0, 0)",
    "date": f"expected now as a time with its zone, {LIKE} datetime.date(2026, 1, 1)",
    "early": "now: expected a time from 1970 to 9999, got 1969-12-31 00:00:00+00:00",
}


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of tests with markers, right and wrong ones."""
    project = Project(tmp_path_factory.mktemp("marked"))
    project.write("pytest.ini", "[pytest]\naddopts = --strict-markers\n")
    project.write("tests/test_marked.py", MARKED)
    project.write("tests/profile.yaml", "profile: {page-size: '10'}\n")
    project.write("profile.yaml", "profile: {page-base: '1'}\n")
    project.write("other.yaml", "profile: {list-envelope: bare}\n")
    project.write("tests/scenario.yaml", "users: [{email: beside@example.com}]\n")
    project.write("scenario.yaml", "users: [{email: root@example.com}]\n")
    return project.run("-rA", "-W", "error")


@pytest.mark.parametrize("name", BROKEN)
def test_a_marker_that_cannot_work_is_an_error_that_names_it(marked: Run, name: str) -> None:
    test = f"test_broken_{name}"

    assert marked.outcomes[test] == ["error"]
    told = marked.told(f"ERROR at setup of {test}")
    assert told.startswith(f"@pytest.mark.tiledesk of tests/test_marked.py::{test}: ")
    assert BROKEN[name] in told
    # The message, and no traceback of ours.
    assert len(told.splitlines()) == 1


def test_a_broken_scenario_names_file_and_test(marked: Run) -> None:
    told = marked.told("test_a_file_of_another_kind")

    assert told.startswith("@pytest.mark.tiledesk of tests/test_marked.py::test_a_file_of_another_kind: ")
    assert "other.yaml:1: the scenario: unknown key 'profile'" in told


def test_a_marker_starts_the_fake_as_it_says(marked: Run) -> None:
    passed = [name for name, words in marked.outcomes.items() if words == ["passed"]]

    assert sorted(passed) == [
        "test_as_new_after_all",
        "test_broken_but_unused",
        "test_files_at_the_root",
        "test_files_beside_the_test",
        "test_works",
    ]
