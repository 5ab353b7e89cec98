"""Whom the `_id` of a signed token names, where it is more than an id: MongoDB's operators are executed."""

from typing import Any

import pytest

from tests.wsgi import call
from tiledesk_fake import NoAnswer, TiledeskFake
from tiledesk_fake.gate.jwt import sign

SECRET = "what the tokens of these tests are signed with"
ADA, BOB, OFF, EVE = (f"5e00000000000000000000{digits}" for digits in ("0a", "0b", "0c", "0d"))
NOBODY = "5e0000000000000000000000"


@pytest.fixture(scope="module")
def fake() -> TiledeskFake:
    fake = TiledeskFake(profile={"server-quirks": "observed"}, secret=SECRET)
    for id, name in ((ADA, "ada"), (BOB, "bob"), (OFF, "off"), (EVE, "eve")):
        user = fake.add_user(id=id, email=f"{name}@example.com", active=name != "off")
        fake.issue_token(user, jti=f"of {name}")
    return fake


def named(fake: TiledeskFake, id: Any, **claims: Any) -> str | int:
    """The name of the user whose list is shown, or the status."""
    header = f"JWT {sign({'_id': id, 'sub': 'user', **claims}, SECRET.encode())}"
    reply = call(fake.wsgi_app, "GET", "/v3/jwt/history", [("Authorization", header)])
    if reply.status != 200:
        return reply.status
    return str(reply.json["jwts"][0]["jti"]).removeprefix("of ")


@pytest.mark.parametrize(
    ("id", "who"),
    [
        ({"$eq": BOB}, "bob"),
        ({"$eq": BOB.upper()}, "bob"),
        ({"$eq": None}, 401),
        ({"$eq": NOBODY}, 401),
        ({"$ne": None}, "ada"),
        ({"$ne": ADA}, "bob"),
        ({"$in": [BOB]}, "bob"),
        ({"$in": [NOBODY, OFF, EVE]}, "eve"),
        ({"$in": BOB}, "bob"),
        ({"$in": []}, 401),
        ({"$in": [None]}, 401),
        ({"$nin": [ADA, BOB]}, "eve"),
        ({"$nin": []}, "ada"),
        ({"$nin": ADA}, "bob"),
        ({"$all": [BOB]}, "bob"),
        ({"$all": [ADA, BOB]}, 401),
        ({"$gt": ADA}, "bob"),
        ({"$gt": OFF}, "eve"),
        ({"$gte": BOB}, "bob"),
        ({"$lt": BOB}, "ada"),
        ({"$lt": ADA}, 401),
        ({"$lte": ADA}, "ada"),
        ({"$gt": None}, 401),
        ({"$exists": True}, "ada"),
        ({"$exists": "yes"}, "ada"),
        ({"$exists": 1}, "ada"),
        ({"$exists": False}, 401),
        ({"$exists": None}, 401),
        ({"$type": 7}, "ada"),
        ({"$type": "objectId"}, "ada"),
        ({"$type": "string"}, 401),
        ({"$not": {"$eq": ADA}}, "bob"),
        ({"$not": {"$in": [ADA, BOB], "$exists": True}}, "eve"),
        ({"$gt": ADA, "$ne": BOB}, "eve"),
        ({"$gt": ADA, "$lt": BOB}, 401),
    ],
    ids=str,
)
def test_operators_are_executed_over_the_ids_of_users(fake: TiledeskFake, id: Any, who: str | int) -> None:
    assert named(fake, id) == who


@pytest.mark.parametrize(
    "id",
    [
        *(
            {"$eq": "abc"},
            {"$eq": {}},
            {"$in": ["abc"]},
            {"$in": [ADA, 5]},
            {"$gt": ""},
            {"$gt": 5},
            {"$ne": [ADA, BOB]},
        ),
        *({"$regex": "."}, {"$size": 1}, {"$where": "1"}, {"$foo": 1}, {"$gt": ADA, "a": 1}, {"$exists": "maybe"}),
        *({"$not": ADA}, {"$not": None}, {"$not": {}}, {"$not": {"a": 1}}, {"$not": {"$not": {"$eq": ADA}}}),
        *({"$not": {"$foo": 1}}, {"$type": None}, {"$type": [7]}, {"a": 1}, {}, [{"$eq": ADA}], {"toString": 1}),
    ],
    ids=str,
)
def test_what_cannot_be_cast_or_is_no_operator_fails(fake: TiledeskFake, id: Any) -> None:
    assert named(fake, id) == 500


@pytest.mark.parametrize(
    "id", ["\u0100" * 12, "twelve-char\u20ac", "\U0001f511" * 6, {"$eq": "\u0100" * 12}], ids=ascii
)
def test_twelve_characters_are_an_id_that_nobody_has_if_some_have_no_byte(fake: TiledeskFake, id: Any) -> None:
    assert named(fake, id) == 401


@pytest.mark.parametrize("id", ["\U0001f511" * 12, "\u0100" * 11, "\U0001f511" * 5 + "a"], ids=ascii)
def test_characters_are_counted_as_javascript_does(fake: TiledeskFake, id: str) -> None:
    assert named(fake, id) == 500


def test_operators_see_users_that_are_added_later_and_only_active_ones() -> None:
    fake = TiledeskFake(profile={"server-quirks": "observed"}, secret=SECRET)
    assert named(fake, {"$ne": None}) == 401
    fake.add_user(id=OFF, email="off@example.com", active=False)
    assert named(fake, {"$ne": None}) == 401
    fake.issue_token(fake.add_user(id=BOB, email="bob@example.com"), jti="of bob")

    assert named(fake, {"$ne": None}) == "bob"


@pytest.mark.parametrize("sub", [{"toString": "guest"}, {"toString": None}, ["x", {"toString": 1}]], ids=str)
def test_a_subject_that_is_no_text_to_javascript_is_never_answered(fake: TiledeskFake, sub: Any) -> None:
    with pytest.raises(NoAnswer):
        named(fake, ADA, sub=sub)


@pytest.mark.parametrize("sub", [{}, {"valueOf": 1}, {"__proto__": {"toString": 1}}, ["user"], 5], ids=str)
def test_any_other_subject_is_an_ordinary_user(fake: TiledeskFake, sub: Any) -> None:
    assert named(fake, ADA, sub=sub) == "ada"


def test_an_audience_that_is_no_text_to_javascript_fails(fake: TiledeskFake) -> None:
    assert named(fake, ADA, aud={"toString": "https://tiledesk.com"}) == 500


@pytest.mark.parametrize("id", [{"$in": ["abc"]}, {"toString": 1}, {"$foo": 1}], ids=str)
def test_the_calm_gate_refuses_what_the_real_one_fails_on(id: Any) -> None:
    calm = TiledeskFake(secret=SECRET)
    calm.add_user(id=ADA, email="ada@example.com")

    assert named(calm, id) == 401
    assert named(calm, ADA, sub={"toString": 1}) == 401
