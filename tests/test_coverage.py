"""What an exchange covers of the contract is what the fake made of the request."""

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tiledesk_fake import TiledeskFake
from tiledesk_fake.coverage import cells, met

_SOME = st.text(max_size=4) | st.integers(-2, 2**31).map(str)


def cases_met(target: str, method: str = "GET") -> set[str]:
    """The cases of parameters that one call covers, and how the journal judges it."""
    fake = TiledeskFake()
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.app.test_client().open(target, method=method, headers={"Authorization": ada.authorization})
    (exchange,) = fake.journal.exchanges
    found = list(met(exchange, fake.profile))
    assert {cell for cell in found if cell.kind == "parameter"} <= set(cells())
    rules = {violation.rule for violation in exchange.violations}
    judged = {"refused"} if rules & {"invalid-parameter", "repeated-parameter"} else set()
    return {cell.case for cell in found if cell.kind == "parameter"} | judged


@given(pages=st.lists(_SOME, min_size=1, max_size=2))
@example(pages=["9" * 5000])
@example(pages=["٣"])
@example(pages=["01"])
@example(pages=["-0"])
@example(pages=["1", "x"])
@example(pages=["2147483647"])
def test_a_value_is_invalid_where_it_breaks_the_rule_and_nowhere_else(pages: list[str]) -> None:
    found = cases_met("/v3/jwt/history?" + "&".join(f"page={quote(page)}" for page in pages))

    assert ("page=invalid" in found) == ("refused" in found)
    assert len({case for case in found if case.startswith("page=")}) == 1


@pytest.mark.parametrize(
    ("query", "case"),
    [
        ("page=0", "page=minimum"),
        ("page=-0", "page=minimum"),
        ("page=1", "page=between"),
        ("page=2147483647", "page=maximum"),
        ("page=2147483648", "page=invalid"),
        ("p%61ge=1", "page=between"),
        ("direction=-1", "direction=-1"),
        ("direction=1.0", "direction=invalid"),
        ("direction=", "direction=invalid"),
        ("sortField=jti", "sortField=jti"),
        ("sortField=JTI", "sortField=invalid"),
    ],
)
def test_each_edge_is_a_case_of_its_own(query: str, case: str) -> None:
    assert case in cases_met(f"/v3/jwt/history?{query}")


@pytest.mark.parametrize(("jti", "encoded"), [("a", False), ("%61", True), ("a%2Fb", True), ("a?x=%20", False)])
def test_a_part_of_the_path_is_percent_encoded_where_it_has_an_escape(jti: str, encoded: bool) -> None:
    found = cases_met(f"/v3/jwt/history/{jti}", "DELETE")

    assert "jti=given" in found
    assert ("jti=percent-encoded" in found) == encoded
