"""Scenarios: users and tokens from YAML or a mapping, all of them or none."""

import os
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake import ScenarioError, TiledeskFake

ADA = "ada@example.com"


@pytest.fixture
def fake() -> TiledeskFake:
    return TiledeskFake()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people.yaml"


def error_of(fake: TiledeskFake, scenario: Any) -> str:
    """What load says to a scenario that it refuses."""
    with pytest.raises(ScenarioError) as refused:
        fake.load(scenario)
    return str(refused.value)


def test_a_file_says_everything_about_users_and_tokens(fake: TiledeskFake, file: Path) -> None:
    file.write_text(
        """
        users:
          - email: ada@example.com
            password: secret
            _id: "5e0000000000000000000001"
            tokens:
              - jti: phone
                _id: "6000000000000000000000a1"
                createdAt: 2026-01-01T10:00:00Z
                expiresAt: 2027-01-01T00:00:00Z
                revoked: true
          - email: bob@example.com
            active: false
        """,
        encoding="utf-8",
    )

    fake.load(file)

    ada, bob = fake.users.values()
    (phone,) = fake.history(ada)
    assert (ada.id, ada.email, ada.password, ada.active) == ("5e0000000000000000000001", ADA, "secret", True)
    assert (bob.email, bob.password, bob.active) == ("bob@example.com", None, False)
    assert (phone.jti, phone.id, phone.revoked) == ("phone", "6000000000000000000000a1", True)
    assert phone.created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert phone.expires_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("token", ["{}", ""])
def test_a_token_of_which_nothing_is_said_is_fresh(fake: TiledeskFake, file: Path, token: str) -> None:
    file.write_text(f"users:\n  - email: {ADA}\n    tokens:\n      - {token}\n", encoding="utf-8")
    fake.clock.freeze(datetime(2026, 1, 1, tzinfo=UTC))

    fake.load(file)

    (fresh,) = fake.history(fake.users[ADA])
    assert fresh.created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert fresh.expires_at is None
    assert not fresh.revoked


@pytest.mark.parametrize("content", ["users:\n", "users: []\n", "{}\n", "users: [{email: a@example.com, tokens: }]\n"])
def test_a_scenario_may_leave_lists_empty(fake: TiledeskFake, file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")

    fake.load(file)

    assert len(fake.users) == content.count("email")


def test_a_path_may_be_text(fake: TiledeskFake, file: Path) -> None:
    file.write_text(f"users: [{{email: {ADA}}}]", encoding="utf-8")

    fake.load(str(file))

    assert list(fake.users) == [ADA]


def test_a_mapping_of_the_same_form_loads_alike(fake: TiledeskFake) -> None:
    created_at = datetime(2026, 1, 1, tzinfo=UTC)

    fake.load({"users": ({"email": ADA, "tokens": [{"jti": "phone", "createdAt": created_at}, {}]},)})

    assert {"phone"} < {token.jti for token in fake.history(fake.users[ADA])}


@pytest.mark.parametrize(
    "written", ["2026-01-01T10:00:00Z", "2026-01-01T12:00:00+02:00", "2026-01-01 10:00:00.000+00:00"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_times_are_read_in_any_zone_quoted_or_not(fake: TiledeskFake, file: Path, written: str, quote: str) -> None:
    file.write_text(f"users: [{{email: {ADA}, tokens: [{{createdAt: {quote}{written}{quote}}}]}}]", encoding="utf-8")

    fake.load(file)

    assert fake.history(fake.users[ADA])[0].created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_two_scenarios_add_up(fake: TiledeskFake) -> None:
    fake.load({"users": [{"email": ADA}]})
    fake.load({"users": [{"email": "bob@example.com"}]})

    assert list(fake.users) == [ADA, "bob@example.com"]


def test_a_file_that_is_missing_is_named(fake: TiledeskFake, file: Path) -> None:
    assert error_of(fake, file) == f"{file}: cannot be read: No such file or directory"


def test_a_file_that_is_not_utf_8_is_named_with_the_byte(fake: TiledeskFake, file: Path) -> None:
    file.write_bytes(b"users: \xff")

    assert error_of(fake, file) == f"{file}: is not UTF-8 text (byte 7)"


def test_a_byte_order_mark_is_no_matter(fake: TiledeskFake, file: Path) -> None:
    file.write_text(f"users: [{{email: {ADA}}}]", encoding="utf-8-sig")

    fake.load(file)

    assert list(fake.users) == [ADA]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("users:\n  - email: [\n", 3),
        ("users: []\nusers: []\n", 2),
        ("users:\n  - email: a@example.com\n    email: b@example.com\n", 3),
        ("users:\n  - ? [a]\n    : b\n", 2),
        ("users: *nobody\n", 1),
        ("users: !!python/object:os.system {}\n", 1),
    ],
    ids=["syntax", "key twice", "nested key twice", "key is a list", "alias", "tag"],
)
def test_a_file_that_is_not_valid_yaml_is_named_with_the_line(
    fake: TiledeskFake, file: Path, content: str, line: int
) -> None:
    file.write_text(content, encoding="utf-8")

    assert error_of(fake, file).startswith(f"{file}:{line}: is not valid YAML: ")


@pytest.mark.parametrize(
    "content",
    [
        "users: \0",
        "users: 2026-99-99",
        "users: !!timestamp x",
        "users: !!bool x",
        "users: !!int ''",
        "{" * 5000,
        "- " * 5000,
    ],
)
def test_what_pyyaml_stumbles_over_is_an_error_that_names_the_file(
    fake: TiledeskFake, file: Path, content: str
) -> None:
    file.write_text(content, encoding="utf-8")

    message = error_of(fake, file)

    assert str(file) in message
    assert "\n" not in message


@given(st.text(st.characters(codec="utf-8")) | st.text("users:[]{}-? &*!|>'\"#%@`\n ,", max_size=40))
@settings(deadline=None, max_examples=60)
def test_any_text_is_a_scenario_or_a_scenario_error(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(content, encoding="utf-8")

    with suppress(ScenarioError):
        TiledeskFake().load(file)


USER = {"email": ADA}


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ({"user": []}, "unknown key 'user'; did you mean 'users'? Valid: users"),
        ({"users": {}}, "users: expected a list, got a dict"),
        ({"users": "ada"}, "users: expected a list, got ada (str)"),
        ({"users": ["ada"]}, "users[0]: expected a mapping"),
        ({"users": [USER, {}]}, "users[1].email: expected an e-mail address, it is missing"),
        ({"users": [{"email": ""}]}, "users[0]: expected an e-mail address"),
        ({"users": [{"email": 5}]}, "users[0].email: expected text, got 5 (int); put it in quotes"),
        ({"users": [USER | {"pasword": "x"}]}, "unknown key 'pasword'; did you mean 'password'?"),
        ({"users": [USER | {"password": ["x"]}]}, "users[0].password: expected text, got a list"),
        (
            {"users": [None]},
            "users[0]: expected a mapping with the keys email, password, _id, active, "
            "firstname, lastname, emailverified, tokens, got null",
        ),
        ({"users": [USER | {"_id": "5e"}]}, "users[0]: expected an id of 24 hex digits, got '5e'"),
        ({"users": [USER | {"active": "yes"}]}, "users[0].active: expected true or false, got yes (str)"),
        ({"users": [USER, USER]}, "users[1]: there is a user with the e-mail address 'ada@example.com' already"),
        ({"users": [USER | {"tokens": {}}]}, "users[0].tokens: expected a list, got a dict"),
        ({"users": [USER | {"tokens": ["x"]}]}, "users[0].tokens[0]: expected a mapping"),
        (
            {"users": [USER | {"tokens": [{}, {"jit": 1}]}]},
            "users[0].tokens[1]: unknown key 'jit'; did you mean 'jti'?",
        ),
        ({"users": [USER | {"tokens": [{"jti": 1}]}]}, "users[0].tokens[0].jti: expected text, got 1 (int)"),
        ({"users": [USER | {"tokens": [{"jti": ""}]}]}, "users[0].tokens[0]: expected the jti as text of at least one"),
        ({"users": [USER | {"tokens": [{"jti": "x"}, {"jti": "x"}]}]}, "tokens[1]: there is a token with the jti 'x'"),
        ({"users": [USER | {"tokens": [{"_id": "5e"}]}]}, "users[0].tokens[0]: expected an id of 24 hex digits"),
        ({"users": [USER | {"tokens": [{"revoked": 1}]}]}, "tokens[0].revoked: expected true or false, got 1 (int)"),
        ({"users": [USER | {"tokens": [{"createdAt": "soon"}]}]}, "tokens[0].createdAt: expected a time like 2026-"),
        ({"users": [USER | {"tokens": [{"createdAt": 5}]}]}, "tokens[0].createdAt: expected a time with its zone"),
        (
            {"users": [USER | {"tokens": [{"createdAt": datetime(2026, 1, 1)}]}]},
            "tokens[0].createdAt: expected a time with its zone",
        ),
        (
            {"users": [USER | {"tokens": [{"expiresAt": date(2026, 1, 1)}]}]},
            "tokens[0].expiresAt: expected a time with its zone",
        ),
        (
            {"users": [USER | {"tokens": [{"createdAt": datetime(1969, 1, 1, tzinfo=UTC)}]}]},
            "users[0].tokens[0]: expected a time from 1970 to 9999",
        ),
    ],
)
def test_an_error_names_the_source_the_key_and_what_is_valid(fake: TiledeskFake, scenario: Any, message: str) -> None:
    refusal = error_of(fake, scenario)

    assert refusal.startswith("scenario: ")
    assert message in refusal


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (
            f"users:\n  - email: {ADA}\n    tokens:\n      - {{}}\n      - jti: x\n        revoked: maybe\n",
            ":6: users[0].tokens[1].revoked: expected true or false, got maybe (str)",
        ),
        (f"users:\n- email: {ADA}\n  pasword: x\n", ":3: users[0]: unknown key 'pasword'; did you mean 'password'?"),
        ("users:\n- 5: x\n", ":2: users[0]: unknown key 5"),
        ("\n# nobody\nusers: x\n", ":3: users: expected a list, got x (str)"),
        ("\nuser: []\n", ":2: the scenario: unknown key 'user'"),
        (
            f"users:\n  - email: {ADA}\n  - password: x\n",
            ":3: users[1].email: expected an e-mail address, it is missing",
        ),
        (f"users:\n  - email: {ADA}\n    tokens:\n\n      - x\n", ":5: users[0].tokens[0]: expected a mapping"),
        (
            f"users:\n  - email: {ADA}\n  - active: false\n    email: {ADA}\n",
            ":3: users[1]: there is a user with the e-mail address 'ada@example.com' already",
        ),
        (
            f"users:\n  - email: {ADA}\n    tokens:\n      - jti: x\n      - jti: x\n",
            ":5: users[0].tokens[1]: there is a token with the jti 'x' already",
        ),
        (
            f"users:\n  - &ada\n    email: {ADA}\n    active: 5\n  - *ada\n",
            ":4: users[0].active: expected true or false",
        ),
        (
            f"users:\n  - <<: {{active: 5}}\n    email: {ADA}\n",
            ":2: users[0].active: expected true or false, got 5 (int)",
        ),
    ],
    ids=lambda value: value if value.startswith(":") else "",
)
def test_an_error_in_a_file_names_the_file_the_line_and_the_key(
    fake: TiledeskFake, file: Path, content: str, told: str
) -> None:
    file.write_text(content, encoding="utf-8")

    assert error_of(fake, file).startswith(f"{file}{told}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_scenario_may_come_through_a_pipe_and_still_be_told_its_lines(fake: TiledeskFake, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=("users:\n  - email: 5\n",))
    writer.start()

    message = error_of(fake, pipe)

    writer.join()
    assert message == f"{pipe}:2: users[0].email: expected text, got 5 (int); put it in quotes"


@pytest.mark.parametrize("content", ["[]", "5", "''", "users", ""])
def test_a_file_that_is_no_mapping_is_named(fake: TiledeskFake, file: Path, content: str) -> None:
    file.write_text(content, encoding="utf-8")

    assert error_of(fake, file).startswith(
        f"{file}: the scenario: expected a mapping with the keys users, frozenAt, got "
    )


def test_a_scenario_that_cannot_be_added_whole_adds_nothing(fake: TiledeskFake) -> None:
    """Neither users nor tokens, and the ids go on as if nothing had been tried."""
    fake = TiledeskFake(seed=7)
    ada = fake.add_user(email=ADA)
    phone = fake.issue_token(ada, jti="phone")
    mark = fake.snapshot()
    next_id = fake.add_user(email="next@example.com").id
    fake.restore(mark)

    error_of(
        fake,
        {
            "users": [
                {"email": "bob@example.com", "tokens": [{"jti": "laptop"}]},
                {"email": "eve@example.com", "tokens": [{"jti": "phone"}]},
            ]
        },
    )

    assert list(fake.users) == [ADA]
    assert fake.history(ada) == [phone]
    assert fake.add_user(email="next@example.com").id == next_id
    fake.issue_token(ada, jti="laptop")


def test_a_scenario_that_is_not_of_the_form_adds_nothing(fake: TiledeskFake) -> None:
    error_of(fake, {"users": [USER, {"email": 5}]})

    assert list(fake.users) == []
