"""The audience of a token is read as `new URL(aud).pathname` reads it."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake.gate.audience import NotAUrl, audience_path

RECORDED = json.loads((Path(__file__).parent / "data" / "audiences.json").read_text(encoding="utf-8"))["cases"]
URLS = {case["input"]: case["pathname"] for case in RECORDED if case["pathname"] is not None}
NO_URLS = [case["input"] for case in RECORDED if case["pathname"] is None]


@pytest.mark.parametrize(("audience", "pathname"), URLS.items())
def test_the_path_of_a_url_is_what_node_reads(audience: str, pathname: str) -> None:
    # Node percent-encodes what it finds bare in a path; which secret counts does not hang on that.
    expected = unquote(pathname)

    assert unquote(audience_path(audience)) == expected


@pytest.mark.parametrize("audience", NO_URLS)
def test_what_node_takes_for_no_url_is_none(audience: str) -> None:
    with pytest.raises(NotAUrl):
        audience_path(audience)


def test_the_recording_has_urls_and_others_in_number() -> None:
    assert len(URLS) > 80
    assert len(NO_URLS) > 80


@pytest.mark.parametrize(
    "audience",
    [
        *(
            "https://xn--",
            "https://xn--a",
            "https://XN--",
            "https://a.xn--.b",
            "https://xn--abc-",
            "https://xn--\u00fc",
        ),
        *("https://xn--zzzzzzzzzz99999", "https://%78n--", "https://\uff58n--", "https://xn--a\u3002b"),
        *("https://\u00ad", "https://\u200d", "https://\u200b", "https://a\u200d"),
    ],
)
def test_a_host_that_punycode_forbids_or_that_vanishes_is_none(audience: str) -> None:
    with pytest.raises(NotAUrl):
        audience_path(audience)


@pytest.mark.parametrize(
    "audience",
    [
        "https://m\u00fcnchen.de",
        "https://xn--mnchen-3ya.de",
        "https://XN--MNCHEN-3YA.de",
        "https://xn--p1ai",
        "https://a\u00adb",
    ],
)
def test_a_host_that_unicode_has_names_for_is_one(audience: str) -> None:
    assert audience_path(audience) == "/"


PIECES = st.sampled_from(
    [
        "http:",
        "https:",
        "file:",
        "urn:",
        "//",
        "/",
        "\\",
        "..",
        "%2e",
        "?",
        "#",
        "@",
        ":",
        "[::1]",
        "[",
        "C|",
        "1.",
        "0x",
    ]
)


@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=8).map("".join)))
@settings(deadline=None)
def test_any_text_has_a_path_or_is_no_url(audience: str) -> None:
    try:
        path = audience_path(audience)
    except NotAUrl:
        return

    assert isinstance(path, str)


@given(st.text(alphabet="abcz019._~-/", max_size=30).filter(lambda path: "." not in path))
@settings(deadline=None)
def test_a_plain_path_comes_back_as_it_is(path: str) -> None:
    assert audience_path(f"https://tiledesk.com/{path}?query#fragment") == f"/{path}"


@pytest.mark.parametrize("digits", ["9" * 5000, "0x" + "f" * 5000, "0" + "7" * 5000])
def test_a_host_of_thousands_of_digits_is_no_url(digits: str) -> None:
    with pytest.raises(NotAUrl):
        audience_path(f"https://{digits}/")
