"""Users, and what stands between them and Basic authentication."""

from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes import status
from tiledesk_fake import AlreadyExists, MisuseError, NotFound, TiledeskFake, User

ID = "5e0000000000000000000001"
# Text that has a UTF-8 form, and some that the gate cuts or folds.
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.text("aA:@ İßΣ", max_size=6)


def basic(email: str, password: str) -> str:
    return f"Basic {b64encode(f'{email}:{password}'.encode()).decode()}"


@given(email=TEXTS.filter(bool), password=st.none() | TEXTS, active=st.booleans())
@example(email="ada@example.com", password="pa:ss", active=True)
@example(email="Ada@example.com", password="secret", active=True)
@settings(deadline=None, max_examples=60)
def test_authorization_logs_the_user_in_or_is_refused_because_basic_cannot(
    email: str, password: str | None, active: bool
) -> None:
    fake = TiledeskFake()
    user = fake.add_user(email=email, password=password, active=active)

    try:
        authorization = user.authorization
    except MisuseError:
        assert status(fake, basic(email, password or "")) == 401
    else:
        assert authorization == basic(email, password or "")
        assert status(fake, authorization) == 200


@pytest.mark.parametrize(
    ("email", "password", "active", "obstacle"),
    [
        ("ada@example.com", None, True, "no password"),
        ("ada@example.com", "", True, "no password"),
        ("ada@example.com", "pa:ss", True, "password has a colon"),
        ("Ada@example.com", "secret", True, "stored with capitals"),
        ("a:da@example.com", "secret", True, "empty or has a colon"),
        ("ada@example.com", "secret", False, "not active"),
    ],
)
def test_authorization_says_why_basic_can_never_work_and_what_can(
    email: str, password: str | None, active: bool, obstacle: str
) -> None:
    user = User(ID, email, password, active)

    with pytest.raises(MisuseError, match=obstacle) as refused:
        _ = user.authorization

    assert email in str(refused.value)
    # A token of an inactive user is refused as well.
    can = "fake.issue_token(user).authorization" if active else "fake.update_user(user, active=True)"
    assert can in str(refused.value)
    assert ("issue_token" in str(refused.value)) == active


def test_an_obstacle_never_tells_the_password() -> None:
    with pytest.raises(MisuseError) as refused:
        _ = User(ID, "ada@example.com", "hush:hush").authorization

    assert "hush" not in str(refused.value)


def test_authorization_is_utf_8() -> None:
    authorization = User(ID, "ünï@example.com", "pässwörd€").authorization

    assert b64decode(authorization.removeprefix("Basic ")).decode("utf-8") == "ünï@example.com:pässwörd€"


def test_a_user_has_what_it_was_added_with() -> None:
    user = TiledeskFake().add_user(email="ada@example.com", password="secret", id=ID, active=False)

    assert user == User(id=ID, email="ada@example.com", password="secret", active=False)


def test_a_user_is_active_and_without_a_password_unless_told() -> None:
    user = TiledeskFake().add_user(email="ada@example.com")

    assert user.active
    assert user.password is None


def test_a_new_user_has_an_id_of_24_hex_digits() -> None:
    fake = TiledeskFake()
    ids = {fake.add_user(email=email).id for email in ("a@example.com", "b@example.com")}

    assert len(ids) == 2
    assert all(len(bytes.fromhex(id)) == 12 for id in ids)


def test_an_id_given_in_capitals_is_the_same_id_in_lower_case() -> None:
    assert TiledeskFake().add_user(email="ada@example.com", id="5E000000000000000000000A").id == (
        "5e000000000000000000000a"
    )


@pytest.mark.parametrize("id", ["", "abc", "5e", "g" * 24, "5" * 25, " " + "5" * 23, "twelve-chars"])
def test_an_id_that_is_not_24_hex_digits_is_refused(id: str) -> None:
    with pytest.raises(MisuseError, match="an id of 24 hex digits"):
        TiledeskFake().add_user(email="ada@example.com", id=id)


def test_an_e_mail_address_can_be_taken_once() -> None:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com")

    with pytest.raises(AlreadyExists, match=r"ada@example\.com"):
        fake.add_user(email="ada@example.com")


def test_an_id_can_be_taken_once_in_either_case() -> None:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com", id="5e000000000000000000000a")

    with pytest.raises(AlreadyExists, match=r"5e000000000000000000000a already: ada@example\.com"):
        fake.add_user(email="bob@example.com", id="5E000000000000000000000A")


def test_a_user_that_was_refused_is_not_there() -> None:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com", id=ID)

    with pytest.raises(AlreadyExists):
        fake.add_user(email="bob@example.com", id=ID)

    assert list(fake.users) == ["ada@example.com"]


def test_e_mail_addresses_that_differ_in_case_are_two_users() -> None:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com")
    fake.add_user(email="Ada@example.com")

    assert len(fake.users) == 2


def test_an_empty_e_mail_address_is_refused() -> None:
    with pytest.raises(MisuseError, match="e-mail address"):
        TiledeskFake().add_user(email="")


@pytest.mark.parametrize(("email", "password"), [("\ud800@example.com", "x"), ("ada@example.com", "x\udfff")])
def test_text_without_a_utf_8_form_is_refused(email: str, password: str) -> None:
    with pytest.raises(MisuseError, match="UTF-8"):
        TiledeskFake().add_user(email=email, password=password)


@pytest.mark.parametrize(("email", "password"), [(5, "x"), (None, "x"), ("ada@example.com", 5), (b"a@b.c", "x")])
def test_what_is_no_text_is_refused(email: str, password: str) -> None:
    with pytest.raises(MisuseError, match="expected text"):
        TiledeskFake().add_user(email=email, password=password)


def test_users_are_found_by_e_mail_address_in_the_order_they_were_added() -> None:
    fake = TiledeskFake()
    bob = fake.add_user(email="bob@example.com")
    ada = fake.add_user(email="ada@example.com")

    assert list(fake.users.items()) == [("bob@example.com", bob), ("ada@example.com", ada)]
    assert len(fake.users) == 2
    assert "eve@example.com" not in fake.users


def test_an_unknown_e_mail_address_is_a_key_error_that_says_what_to_do() -> None:
    users = TiledeskFake().users

    with pytest.raises(KeyError) as refused:
        users["eve@example.com"]
    assert isinstance(refused.value, NotFound)
    assert str(refused.value) == "there is no user 'eve@example.com'; add_user makes users"
    assert users.get("eve@example.com") is None


def test_an_unknown_e_mail_address_is_told_the_first_users_where_there_are_many() -> None:
    fake = TiledeskFake()
    for number in range(25):
        fake.add_user(email=f"{number}@example.com")

    with pytest.raises(NotFound) as refused:
        fake.users["ada@example.com"]
    assert "19@example.com, …" in str(refused.value)
    assert "20@example.com" not in str(refused.value)


def test_what_is_no_text_is_nobodys_e_mail_address() -> None:
    users: Any = TiledeskFake().users

    assert 5 not in users
    assert [] not in users


def test_users_are_a_live_view() -> None:
    fake = TiledeskFake()
    users = fake.users
    fake.add_user(email="ada@example.com")

    assert list(users) == ["ada@example.com"]
    assert repr(users) == "<users ['ada@example.com']>"


def test_users_may_be_added_while_they_are_iterated() -> None:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com")

    for email in fake.users:
        fake.add_user(email=f"x-{email}")

    assert len(fake.users) == 2
