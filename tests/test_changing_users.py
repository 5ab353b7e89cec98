"""Users that change and go, and what of a fake can be handed to another process."""

import copy
import multiprocessing
import pickle
from typing import Any

import jwt
import pytest

from tests.fakes import status
from tiledesk_fake import AlreadyExists, MisuseError, NotFound, TiledeskFake, Token, User


@pytest.fixture
def fake() -> TiledeskFake:
    return TiledeskFake(secret="s" * 32)


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


@pytest.fixture
def phone(fake: TiledeskFake, ada: User) -> Token:
    return fake.issue_token(ada, jti="phone")


def claims(token: Token) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(token.jwt, options={"verify_signature": False})
    return said


def test_a_changed_password_lets_in_and_the_old_one_no_more(fake: TiledeskFake, ada: User) -> None:
    changed = fake.update_user(ada, password="new")

    assert status(fake, ada.authorization) == 401
    assert status(fake, changed.authorization) == 200
    assert (changed.id, changed.email, changed.active) == (ada.id, ada.email, True)


def test_a_password_can_be_taken_away(fake: TiledeskFake, ada: User) -> None:
    assert fake.update_user(ada, password=None).password is None


def test_a_user_can_be_locked_out_and_let_in_again(fake: TiledeskFake, ada: User, phone: Token) -> None:
    fake.update_user(ada, active=False)
    assert (status(fake, phone.authorization), status(fake, ada.authorization)) == (401, 401)

    fake.update_user(ada, active=True)
    assert (status(fake, phone.authorization), status(fake, ada.authorization)) == (200, 200)


def test_a_changed_address_is_where_the_user_is_found(fake: TiledeskFake, ada: User) -> None:
    fake.add_user(email="eve@example.com")

    changed = fake.update_user(ada, email="ida@example.com")

    assert list(fake.users) == ["ida@example.com", "eve@example.com"]
    assert fake.users["ida@example.com"] == changed
    assert status(fake, changed.authorization) == 200
    fake.journal.assert_called("listTokens", user=ada, times=1)
    fake.journal.assert_called("listTokens", user=changed, times=1)


def test_a_user_as_it_was_before_a_change_is_held_all_the_same(fake: TiledeskFake, ada: User) -> None:
    mark = fake.snapshot()
    changed = fake.update_user(ada, password="new")
    fake.issue_token(ada)
    fake.update_user(ada, active=False)

    assert len(fake.history(changed)) == len(fake.history(ada)) == 1
    assert fake.users["ada@example.com"].password == "new"
    fake.restore(mark)
    assert fake.issue_token(changed)
    assert fake.users["ada@example.com"] == ada


def test_tokens_say_what_they_said_when_they_were_issued(fake: TiledeskFake, ada: User, phone: Token) -> None:
    before = phone.jwt

    fake.update_user(ada, email="ida@example.com", firstname="Ida")

    assert phone.jwt == before
    assert claims(fake.issue_token(ada))["email"] == "ida@example.com"
    assert claims(fake.issue_token(ada))["firstname"] == "Ida"


def test_names_are_claims_and_so_are_those_of_scenarios(fake: TiledeskFake) -> None:
    ada = fake.add_user(email="ada@example.com", firstname="Ada", lastname="King")
    fake.load({"users": [{"email": "eve@example.com", "firstname": "Eve"}]})

    said = [claims(fake.issue_token(user)) for user in (ada, fake.users["eve@example.com"])]

    assert [(each["firstname"], each["lastname"]) for each in said] == [("Ada", "King"), ("Eve", "User")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "expected what to change: email=…, password=…, active=…"),
        ({"email": ""}, "expected an e-mail address, got an empty text"),
        ({"password": 5}, "password: expected text, got a"),
        ({"active": "no"}, "active: expected True or False, got text"),
        ({"firstname": "\ud800"}, "expected the firstname as text that has a UTF-8 form"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(
    fake: TiledeskFake, ada: User, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(MisuseError) as refused:
        fake.update_user(ada, **changes)

    assert told in str(refused.value)
    assert fake.users["ada@example.com"] == ada


def test_an_address_that_is_taken_is_refused_and_ones_own_is_not(fake: TiledeskFake, ada: User) -> None:
    fake.add_user(email="eve@example.com")

    with pytest.raises(AlreadyExists):
        fake.update_user(ada, email="eve@example.com")
    assert fake.update_user(ada, email="ada@example.com") == ada


def test_who_is_removed_goes_with_all_tokens(fake: TiledeskFake, ada: User, phone: Token) -> None:
    eve = fake.add_user(email="eve@example.com", password="secret")
    kept = fake.issue_token(eve)
    authorization = phone.authorization

    fake.remove_user(ada)

    assert (status(fake, ada.authorization), status(fake, authorization)) == (401, 401)
    assert fake.journal.exchanges[-1].reason == "no such user"
    assert status(fake, kept.authorization) == 200
    assert list(fake.users) == ["eve@example.com"]
    for lost in (lambda: phone.revoked, lambda: phone.jwt, lambda: fake.history(ada), lambda: fake.remove_user(ada)):
        with pytest.raises(NotFound, match="remove_user"):
            lost()
    again = fake.add_user(email="ada@example.com", password="secret", id=ada.id)
    assert fake.history(again) == []
    assert fake.issue_token(again, jti="phone", id=phone.id).jti == "phone"


def test_a_stranger_can_be_neither_changed_nor_removed(fake: TiledeskFake) -> None:
    stranger = TiledeskFake().add_user(email="ada@example.com")

    for use in (lambda: fake.update_user(stranger, active=False), lambda: fake.remove_user(stranger)):
        with pytest.raises(NotFound, match="add_user makes users"):
            use()


SETTINGS = [
    ("token", "revoked", "fake.revoke(token)"),
    ("token", "expires_at", "fake.issue_token(user, expires_at=…)"),
    ("token", "jti", "fake.issue_token(user, jti=…)"),
    ("user", "active", "fake.update_user(user, active=…)"),
    ("user", "password", "fake.update_user(user, password=…)"),
    ("user", "email", "fake.update_user(user, email=…)"),
]


@pytest.mark.parametrize(("what", "attribute", "told"), SETTINGS)
def test_what_cannot_be_set_says_what_to_call(ada: User, phone: Token, what: str, attribute: str, told: str) -> None:
    with pytest.raises(AttributeError, match="cannot be set") as refused:
        setattr(phone if what == "token" else ada, attribute, True)

    assert isinstance(refused.value, MisuseError)
    assert told in str(refused.value)


def say(ada: User, phone: Token) -> tuple[str, str, str]:
    """What another process has of a user and a token."""
    return ada.authorization, phone.authorization, phone.jti


def test_users_and_tokens_go_to_spawned_processes(ada: User, phone: Token) -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        said = pool.apply(say, (ada, phone))

    assert said == (ada.authorization, phone.authorization, "phone")


def test_what_comes_out_of_a_pickle_is_equal_and_says_who_knows_the_rest(
    fake: TiledeskFake, ada: User, phone: Token
) -> None:
    assert pickle.loads(pickle.dumps(ada)) == ada
    copied = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(phone))))

    assert copied == phone
    assert phone.jwt not in repr(copied)
    with pytest.raises(MisuseError, match=r"ask where the fake is: fake\.history\(user\)"):
        _ = copied.revoked
    assert fake.revoke(copied).revoked


def test_a_copy_of_a_token_is_the_token(fake: TiledeskFake, ada: User, phone: Token) -> None:
    user, token = copy.deepcopy((ada, phone))
    fake.revoke(phone)

    assert (user, token) == (ada, phone)
    assert token.revoked


@pytest.mark.parametrize("part", ["fake", "users", "clock", "faults", "journal", "snapshot"])
@pytest.mark.parametrize("copying", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
def test_a_fake_and_its_parts_say_what_to_pass_instead(fake: TiledeskFake, part: str, copying: Any) -> None:
    parts = {"fake": fake, "users": fake.users, "clock": fake.clock, "faults": fake.faults, "journal": fake.journal}
    parts["snapshot"] = fake.snapshot()

    with pytest.raises(MisuseError, match=r"give fake\.url, users and tokens.*fake\.snapshot\(\)"):
        copying(parts[part])
