"""Profiles: what may be chosen, on the command line, in Python and in files."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiledesk_fake
from tests.choices import choices_of
from tiledesk_fake import ProfileError, TiledeskFake
from tiledesk_fake.contract.profile import CHOICES, SHIPPED, Profile, check, parse_assumptions, read_profile

SHIPPED_FILES = Path(tiledesk_fake.__file__).parent / "profiles"

PROFILES = st.fixed_dictionaries({}, optional={id: choices_of(id) for id in CHOICES})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "real.yaml"


def written(file: Path, content: str) -> Path:
    file.write_text(content, encoding="utf-8")
    return file


def error_of_file(file: Path, content: str) -> str:
    """What read_profile says to a file with this content."""
    with pytest.raises(ProfileError) as refused:
        read_profile(written(file, content))
    return str(refused.value)


@given(PROFILES)
@settings(deadline=None)
def test_every_combination_of_choices_is_valid(choices: dict[str, str]) -> None:
    assert check(choices, source="profile") == choices


@given(PROFILES)
@settings(deadline=None)
def test_choices_written_as_id_and_choice_are_read_again(choices: dict[str, str]) -> None:
    assert parse_assumptions([f"{id}={choice}" for id, choice in choices.items()], source="--assume") == choices


@given(PROFILES)
@settings(deadline=None, max_examples=40)
def test_a_fake_makes_the_choices_it_is_given_and_the_defaults_for_the_rest(choices: dict[str, str]) -> None:
    defaults = dict(TiledeskFake().profile)

    assert TiledeskFake(profile=choices).profile == defaults | choices


def test_a_profile_has_one_choice_per_assumption() -> None:
    profile = Profile.of({id: choices[-1] for id, choices in CHOICES.items()})

    assert profile.list_envelope == "bare"
    assert profile.page_size == "10"
    assert profile.server_quirks == "observed"


def test_an_unknown_assumption_is_refused_with_the_nearest_and_all_valid_ones() -> None:
    with pytest.raises(ProfileError) as refused:
        check({"page-bass": "1"}, source="here")

    assert str(refused.value) == (
        f"here: there is no assumption 'page-bass'; did you mean 'page-base'? Valid: {', '.join(CHOICES)}"
    )


def test_an_assumption_like_none_is_refused_with_all_valid_ones() -> None:
    with pytest.raises(ProfileError) as refused:
        check({"zzz": "1"}, source="here")

    assert str(refused.value) == f"here: there is no assumption 'zzz'; Valid: {', '.join(CHOICES)}"


def test_an_unknown_choice_is_refused_with_the_nearest_and_all_valid_ones() -> None:
    with pytest.raises(ProfileError) as refused:
        check({"list-envelope": "jwtHistory"}, source="here")

    assert str(refused.value) == (
        "here: list-envelope has no choice 'jwtHistory'; did you mean 'jwtHistories'? Valid: jwts, jwtHistories, bare"
    )


@pytest.mark.parametrize(
    ("id", "value", "text"),
    [
        ("revoked-listed", False, "no"),
        ("revoked-listed", True, "yes"),
        ("revoke-unknown", 404, "404"),
        ("revoke-unknown", None, "null"),
        ("page-base", 0, "0"),
        ("page-size", 10, "10"),
        ("page-size", 7, "7"),
    ],
)
def test_a_choice_that_is_not_text_is_refused_with_how_to_quote_it(id: str, value: Any, text: str) -> None:
    with pytest.raises(ProfileError) as refused:
        check({id: value}, source="here")

    assert str(refused.value) == f"here: {id} has no choice {value!r}; it must be text, so put it in quotes: '{text}'"


@pytest.mark.parametrize(
    ("id", "value"), [("page-base", False), ("page-size", 1001), ("page-base", ["0"]), ("page-base", {})]
)
def test_a_choice_that_quotes_would_not_help_is_refused_with_the_valid_ones(id: str, value: Any) -> None:
    with pytest.raises(ProfileError, match=f"{id} has no choice .* Valid: {', '.join(CHOICES[id])}") as refused:
        check({id: value}, source="here")

    assert "quotes" not in str(refused.value)


@pytest.mark.parametrize("size", ["1", "7", "40", "999", "1000"])
def test_a_page_size_is_any_whole_number_from_1_to_1000(size: str) -> None:
    assert check({"page-size": size}, source="here") == {"page-size": size}
    assert TiledeskFake(profile={"page-size": size}).profile["page-size"] == size


@pytest.mark.parametrize(
    "size",
    ["0", "1001", "-1", "+7", "07", " 7", "7 ", "7.0", "1e2", "7_0", "", "\u0667", "\uff17", "9" * 5000, "seven"],
)
def test_any_other_page_size_is_refused_with_the_valid_ones(size: str) -> None:
    with pytest.raises(ProfileError) as refused:
        check({"page-size": size}, source="here")

    assert str(refused.value).endswith("Valid: 40, 10, any whole number from 1 to 1000")


def test_an_assumption_that_is_no_text_is_refused() -> None:
    with pytest.raises(ProfileError, match="there is no assumption 5;"):
        check({5: "1"}, source="here")


def test_the_last_of_several_choices_counts() -> None:
    assert parse_assumptions(["page-base=1", "page-base=0"], source="--assume") == {"page-base": "0"}


def test_blanks_around_id_and_choice_are_no_matter() -> None:
    assert parse_assumptions([" page-base = 1 "], source="--assume") == {"page-base": "1"}


def test_an_assumption_without_an_equals_sign_is_refused_with_the_form() -> None:
    with pytest.raises(ProfileError) as refused:
        parse_assumptions(["page-base"], source="--assume")

    assert str(refused.value).startswith(
        "--assume: expected ID=CHOICE, got 'page-base'; write page-base=0 or page-base=1"
    )


@pytest.mark.parametrize("assumption", ["page-base=2", "page-bas=1", "=", "=1", "page-base="])
def test_an_assumption_on_the_command_line_is_checked_as_any(assumption: str) -> None:
    with pytest.raises(ProfileError, match=r"^--assume: .* Valid: "):
        parse_assumptions([assumption], source="--assume")


def test_a_file_has_choices_and_evidence(file: Path) -> None:
    content = 'profile: {page-base: "1", revoked-listed: "no"}\nevidence: {page-base: page 0 is refused}\n'

    read = read_profile(written(file, content))

    assert read.choices == {"page-base": "1", "revoked-listed": "no"}
    assert read.evidence == {"page-base": "page 0 is refused"}


def test_a_fake_keeps_the_evidence_of_its_profile_file(file: Path) -> None:
    written(file, 'profile: {page-base: "1"}\nevidence: {page-base: page 0 is refused, page-size: seen}\n')

    for path in (file, str(file)):
        fake = TiledeskFake(profile=path)
        assert fake.evidence == {"page-base": "page 0 is refused", "page-size": "seen"}
        assert fake.profile["page-base"] == "1"


def test_without_a_file_there_is_no_evidence() -> None:
    assert TiledeskFake().evidence == {}
    assert TiledeskFake(profile={"page-base": "1"}).evidence == {}


@pytest.mark.parametrize("content", ["profile: {}\n", "profile:\n", "profile: {}\nevidence:\n"])
def test_a_file_may_choose_nothing(file: Path, content: str) -> None:
    read = read_profile(written(file, content))

    assert read.choices == {}
    assert read.evidence == {}


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("revoked-listed: no", "'no'"),
        ("revoked-listed: off", "'no'"),
        ("revocation-enforced: yes", "'yes'"),
        ("revoke-unknown: 404", "'404'"),
        ("revoke-unknown: null", "'null'"),
        ("page-base: 0", "'0'"),
        ("page-size: 10", "'10'"),
    ],
)
def test_a_choice_in_a_file_that_yaml_takes_for_something_else_is_to_be_quoted(
    file: Path, line: str, quoted: str
) -> None:
    message = error_of_file(file, f"profile: {{{line}}}")

    assert message.startswith(f"{file}:1: profile: {line.partition(':')[0]} has no choice ")
    assert message.endswith(f"; it must be text, so put it in quotes: {quoted}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", ": expected a mapping with the key 'profile'"),
        ("", ": expected a mapping with the key 'profile'"),
        ("page-base: '1'", ": expected a mapping with the key 'profile'"),
        ("profile: {}\nevidense: {}", ":2: unknown key 'evidense'; did you mean 'evidence'? Valid: profile, evidence"),
        ("\nprofile: []", ":2: profile: expected a mapping by the id of an assumption, got []"),
        ("profile: {}\nevidence: x", ":2: evidence: expected a mapping by the id of an assumption, got 'x'"),
        (
            "profile: {}\nevidence: {page-bas: x}",
            ":2: evidence: there is no assumption 'page-bas'; did you mean 'page-base'?",
        ),
        ("profile: {}\nevidence:\n  page-base: 5", ":3: evidence: page-base: expected text, got 5"),
        ("profile:\n  page-bas: '1'", ":2: profile: there is no assumption 'page-bas'; did you mean 'page-base'?"),
        ("profile: {page-base: '2'}", ":1: profile: page-base has no choice '2'; Valid: 0, 1"),
        ("profile:\n\n  page-size: '10'\n  page-base: '2'", ":4: profile: page-base has no choice '2'; Valid: 0, 1"),
    ],
)
def test_an_error_in_a_file_names_the_file_the_line_and_the_key(file: Path, content: str, message: str) -> None:
    assert error_of_file(file, content).startswith(f"{file}{message}")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('profile:\n  page-base: "1"\n  page-base: "0"\n', 3),
        ("profile: {}\nprofile: {}\n", 2),
        ("profile:\n  a: [\n", 3),
    ],
    ids=["choice twice", "part twice", "syntax"],
)
def test_a_broken_file_is_named_with_the_line(file: Path, content: str, line: int) -> None:
    assert error_of_file(file, content).startswith(f"{file}:{line}: is not valid YAML: ")


def test_a_key_that_is_written_twice_is_named(file: Path) -> None:
    content = "profile:\n  page-base: '1'\n  page-base: '0'\n"

    assert error_of_file(file, content).endswith("the key 'page-base' is written twice")


def test_a_file_that_is_missing_is_named(file: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        read_profile(file)

    assert str(refused.value) == f"{file}: cannot be read: No such file or directory"


def test_the_documented_profile_is_the_defaults() -> None:
    assert read_profile("documented").choices == {}
    assert TiledeskFake(profile="documented").profile == TiledeskFake().profile


def test_the_likeliest_server_makes_every_choice_and_says_why() -> None:
    siblings = read_profile("siblings")

    assert set(siblings.choices) == set(siblings.evidence) == set(CHOICES)
    assert TiledeskFake(profile="siblings").profile == siblings.choices
    assert TiledeskFake(profile="siblings").evidence == siblings.evidence


def test_every_shipped_profile_is_a_file_and_every_file_is_shipped() -> None:
    assert {file.stem for file in SHIPPED_FILES.glob("*.yaml")} == set(SHIPPED)


def test_a_shipped_name_wins_over_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "siblings", "profile: {page-base: '1'}")
    monkeypatch.chdir(tmp_path)

    assert read_profile("siblings").choices["sort-parameter"] == "sort"
    for file in ("./siblings", Path("siblings"), tmp_path / "siblings", str(tmp_path / "siblings")):
        assert read_profile(file).choices == {"page-base": "1"}
        assert TiledeskFake(profile=file).profile["sort-parameter"] == "sortField"


@pytest.mark.parametrize("name", ["sibling", "Siblings", "documentd"])
def test_a_name_like_a_shipped_one_is_told_what_it_may_mean(name: str) -> None:
    with pytest.raises(ProfileError, match=r"of the profiles that have a name; did you mean '(siblings|documented)'\?"):
        TiledeskFake(profile=name)


def test_a_fake_refuses_an_unknown_choice() -> None:
    with pytest.raises(ProfileError, match=r"^profile: there is no assumption 'pagebase'; did you mean 'page-base'"):
        TiledeskFake(profile={"pagebase": "1"})


def test_a_choice_given_for_a_file_is_told_where_it_belongs() -> None:
    with pytest.raises(
        ProfileError, match=r"^page-base=1: cannot be read: .*; a choice .* profile=\{'page-base': '1'\}"
    ):
        TiledeskFake(profile="page-base=1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("page-size:10", "profile={'page-size': '10'}, or on the command line --assume page-size=10"),
        ("page-size: 10", "profile={'page-size': '10'}, or on the command line --assume page-size=10"),
        ("page-size 10", "profile={'page-size': '10'}, or on the command line --assume page-size=10"),
        ("{'page-size': '10'}", "profile={'page-size': '10'}, or on the command line --assume page-size=10"),
        (
            "page_size=10, Page-Base:1",
            "profile={'page-size': '10', 'page-base': '1'}, or on the command line --assume page-size=10 --assume "
            "page-base=1",
        ),
        (
            "page-base",
            "profile={'page-base': 'CHOICE'}, or on the command line --assume page-base=CHOICE, with one of its "
            "choices: page-base: 0, 1",
        ),
    ],
)
def test_choices_given_for_a_file_are_told_how_they_are_written(text: str, told: str) -> None:
    for use in (lambda: TiledeskFake(profile=text), lambda: TiledeskFake().set_profile(text)):
        with pytest.raises(ProfileError) as refused:
            use()

        assert str(refused.value).endswith(f"; a choice that is in no file is written {told}")
