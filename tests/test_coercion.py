"""A query as JavaScript, qs and mongoose read it: the choice `coerce` of invalid-query."""

import math
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from tests.wsgi import Reply, call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.contract.coercion import value_of
from tiledesk_fake.javascript import to_number

OTHER = {"page-size": "2", "sort-parameter": "sort"}
HISTORY = "/v3/jwt/history"
# As they are issued; by creation they are b, d, a, c, and a and d tie in nothing.
ISSUED = [("a", 3), ("b", 1), ("c", 4), ("d", 2)]
NEWEST_FIRST = ["c", "a", "d", "b"]


class Service:
    """A fake that coerces, with four tokens."""

    def __init__(self, **choices: str) -> None:
        profile = {"invalid-query": "coerce", **{id.replace("_", "-"): choice for id, choice in choices.items()}}
        self.fake = TiledeskFake(profile=profile)
        self.ada = self.fake.add_user(email="ada@example.com", password="secret")
        for jti, day in ISSUED:
            self.fake.issue_token(self.ada, jti=jti, created_at=datetime(2026, 1, day, tzinfo=UTC))

    def ask(self, query: str) -> Reply:
        return call(self.fake.wsgi_app, "GET", f"{HISTORY}?{query}", [("Authorization", self.ada.authorization)])

    def jtis(self, query: str) -> list[str]:
        reply = self.ask(query)
        assert reply.status == 200, reply.body
        assert reply.json["count"] == 4
        return [record["jti"] for record in reply.json["jwts"]]


@pytest.fixture(scope="module")
def service() -> Service:
    return Service(page_size="2")


@pytest.mark.parametrize(
    "page",
    [
        "abc",
        "NaN",
        "null",
        "true",
        "",
        "1_0",
        "1,0",
        "0x",
        "-0x1",
        "1n",
        "\u0661",
        "\uff11",
        "1 1",
        "--1",
        "1e",
        ".",
        "-1",
        "-1e9",
        "-Infinity",
        "0.1",
        "-0",
        "0b12",
        "\x001",
    ],
)
def test_a_page_that_is_no_number_or_below_the_first_is_the_first(service: Service, page: str) -> None:
    assert service.jtis(f"page={quote(page)}") == NEWEST_FIRST[:2]


@pytest.mark.parametrize("query", ["page=1&page=1", "page=1&page=2", "page[a]=1", "page[]=1&page[]=1", "page[21]=1"])
def test_a_page_that_is_repeated_or_an_object_is_the_first(service: Service, query: str) -> None:
    assert service.jtis(query) == NEWEST_FIRST[:2]


@pytest.mark.parametrize(
    "query",
    [
        "page=1",
        "page=+1",
        "page=%2B1",
        "page=01",
        "page=1.0",
        "page=1.",
        "page=0x1",
        "page=0X1",
        "page=0b1",
        "page=0o1",
        "page=10e-1",
        "page=.1e1",
        "page=%09%EF%BB%BF1%0A",
        "page[]=1",
        "page%5B%5D=1",
        "page[0]=1",
        "page[][]=1",
    ],
)
def test_a_page_is_whatever_number_its_text_makes(service: Service, query: str) -> None:
    assert service.jtis(query) == NEWEST_FIRST[2:]


@pytest.mark.parametrize("page", ["2", "1e9", "1e400", "Infinity", "9" * 400, "9" * 20, "0x" + "f" * 100])
def test_a_page_past_the_end_is_empty_however_far(service: Service, page: str) -> None:
    assert service.jtis(f"page={page}") == []


def test_a_fraction_of_a_page_skips_that_much(service: Service) -> None:
    assert service.jtis("page=0.5") == NEWEST_FIRST[1:3]
    assert service.jtis("page=1.5") == NEWEST_FIRST[3:]


@pytest.mark.parametrize("page", ["0", "-1", "", "x", "1", "0.9"])
def test_where_pages_start_at_1_what_is_below_is_that(page: str) -> None:
    assert Service(page_size="2", page_base="1").jtis(f"page={page}") == NEWEST_FIRST[:2]


@pytest.mark.parametrize("direction", ["1", "asc", "ASC", "ascending", "Ascending"])
@pytest.mark.parametrize("name", ["direction", "direction[]", "direction[3]"])
def test_spellings_that_ascend(service: Service, name: str, direction: str) -> None:
    assert service.jtis(f"{name}={direction}&page=0") == NEWEST_FIRST[:1:-1]


@pytest.mark.parametrize("direction", ["-1", "desc", "DeSc", "descending", "DESCENDING", ""])
def test_spellings_that_descend(service: Service, direction: str) -> None:
    assert service.jtis(f"direction={direction}") == NEWEST_FIRST[:2]


@pytest.mark.parametrize(
    "query",
    [
        *(
            f"direction={quote(value)}"
            for value in ("0", "2", "foo", "true", "null", " 1", "1\n", "+1", "01", "1.0", "-1 ")
        ),
        "direction=1&direction=1",
        "direction[]=",
        "direction[a]=1",
        "direction[$meta]=",
        "direction[][]=2",
    ],
)
@pytest.mark.parametrize("more", ["", "&page=abc", "&sortField=nothing", "&sortField=jti"])
def test_any_other_direction_fails(service: Service, query: str, more: str) -> None:
    reply = service.ask(f"{query}{more}")

    assert (reply.status, reply.json) == (500, {"err": "error"})


@pytest.mark.parametrize(
    "field",
    ["nothing", "createdat", "-createdAt", "jti,createdAt", "$where", "a..b", ".", " jti", "__proto__", "\x00", "1"],
)
@pytest.mark.parametrize("direction", ["", "1", "-1"])
@pytest.mark.parametrize("tie_order", ["id", "natural"])
def test_an_unknown_sort_field_is_the_order_of_issue(field: str, direction: str, tie_order: str) -> None:
    service = Service(sort_parameter="sort", tie_order=tie_order)

    assert service.jtis(f"sort={quote(field)}&direction={direction}") == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "query",
    [
        "sortField=jti&sortField=jti",
        "sortField[a]=jti",
        "direction[$meta]=textScore",
        "sortField=__proto__&direction=foo",
    ],
)
def test_what_sorts_by_nothing_is_the_order_of_issue(service: Service, query: str) -> None:
    assert service.jtis(query) == ["a", "b"]


@pytest.mark.parametrize("query", ["sortField=jti", "sortField[]=jti", "sortField[0]=jti"])
def test_a_known_sort_field_sorts(service: Service, query: str) -> None:
    assert service.jtis(query) == ["d", "c"]


def test_an_empty_sort_field_is_the_default(service: Service) -> None:
    assert service.jtis("sortField=") == NEWEST_FIRST[:2]


def test_tokens_issued_later_are_last_in_the_order_of_issue_and_revoked_ones_keep_their_place() -> None:
    service = Service()
    assert service.jtis("sortField=nothing") == ["a", "b", "c", "d"]
    call(service.fake.wsgi_app, "DELETE", f"{HISTORY}/b", [("Authorization", service.ada.authorization)])
    service.fake.issue_token(service.ada, jti="0", created_at=datetime(2025, 1, 1, tzinfo=UTC))

    listed = service.ask("sortField=nothing").json["jwts"]

    assert [record["jti"] for record in listed] == ["a", "b", "c", "d", "0"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 0),
        (" \n", 0),
        ("1e1", 10),
        ("-0x1", math.nan),
        ("0xg", math.nan),
        ("0x 1", math.nan),
        ("0x" + "0" * 200, 0),
        ("0x" + "f" * 9000, math.inf),
        ("0b" + "1" * 9000, math.inf),
        ("٣", math.nan),
        ("\x1c1", math.nan),
        ("\u180e1", math.nan),
        ("infinity", math.nan),
        ("1e999", math.inf),
    ],
)
def test_a_number_is_what_javascript_makes_of_the_text(text: str, number: float) -> None:
    assert to_number(text) == number or (math.isnan(number) and math.isnan(to_number(text)))


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ({"a": ["1"]}, "1"),
        ({"a": ["1", "2"]}, ["1", "2"]),
        ({"a": ["1"], "a[]": ["2"]}, ["1", "2"]),
        ({"a[1]": ["x"]}, ["x"]),
        ({"a[b]": ["x"], "a": ["y"]}, None),
        ({"a[": ["x"]}, None),
        ({"ab": ["x"]}, ""),
    ],
)
def test_a_value_is_what_qs_makes_of_the_query(query: dict[str, list[str]], value: Any) -> None:
    assert value_of(query, "a") == value
