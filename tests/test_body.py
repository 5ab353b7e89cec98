"""What is made of bodies: types, charsets, codings and limits, as the real server's readers have them."""

import gzip
import json
import zlib
from typing import Any

import pytest

from tiledesk_fake.core.request import Request
from tiledesk_fake.refusals import Quirk, TooLarge
from tiledesk_fake.web.body import BODY_LIMIT, BeforeCors, read_body

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SAID = {"a": "é"}
TEXT = json.dumps(SAID, ensure_ascii=False)


def gzipped(data: bytes) -> bytes:
    # Without the time, which would be part of the names of tests.
    return gzip.compress(data, mtime=0)


def read(body: bytes, content_type: str = JSON, coding: str | None = None) -> Any:
    return read_body(
        Request(
            "POST", "/", content_type=content_type, body=body, has_body=True, header={"content-encoding": coding}.get
        )
    )


def refusal(body: bytes, content_type: str = JSON, coding: str | None = None) -> Any:
    with pytest.raises(BeforeCors) as caught:
        read(body, content_type, coding)
    return caught.value.refusal


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        ("application/json", "utf-8"),
        ("Application/JSON", "utf-8-sig"),
        ("application/json; charset=UTF-8", "utf-8"),
        ('application/json;charset="utf-8"', "utf-8"),
        ('application/json; charset="utf\\-8"', "utf-8"),
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json; charset=utf-16", "utf-16-le"),
        ("application/json; charset=utf-16", "utf-16-be"),
        ("application/json; charset=utf-16le", "utf-16-le"),
        ("application/json; charset=utf-16-be", "utf-16-be"),
        ("application/json; charset=utf-7", "utf-7"),
        ("application/json; charset=", "utf-8"),
    ],
)
def test_json_is_read_in_the_charset_that_is_declared(content_type: str, codec: str) -> None:
    expected = SAID if not content_type.endswith("=") else {}

    assert read(TEXT.encode(codec), content_type) == expected


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf8",
        "application/json; charset=latin1",
        "application/json; charset=us-ascii",
        "application/json; charset=utf-32",
        "application/json; charset=foo",
        f"{FORM}; charset=utf-16",
        f"{FORM}; charset=latin1",
    ],
)
@pytest.mark.parametrize("body", [b"{}", b""])
def test_the_real_server_fails_on_other_charsets(content_type: str, body: bytes) -> None:
    assert isinstance(refusal(body, content_type), Quirk)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "json", "application/json;", "application/json; x", "application/json; a=b c"]
)
@pytest.mark.parametrize("coding", [None, "br"])
def test_a_type_that_is_not_read_or_cannot_be_parsed_counts_as_no_body(content_type: str, coding: str | None) -> None:
    assert read(b"{", content_type, coding) == {}


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        (None, TEXT.encode()),
        ("identity", TEXT.encode()),
        ("gzip", gzipped(TEXT.encode())),
        ("GZIP", gzipped(TEXT.encode()) + b"\0 and what follows"),
        ("gzip", gzipped(TEXT.encode()[:3]) + gzipped(TEXT.encode()[3:])),
        ("deflate", zlib.compress(TEXT.encode()) + b"what follows"),
    ],
)
def test_a_body_is_inflated(coding: str | None, packed: bytes) -> None:
    assert read(packed, coding=coding) == SAID


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", b"{}"),
        ("zstd", b""),
        ("gzip, gzip", b"{}"),
        ("gzip", b"{}"),
        ("gzip", b""),
        ("gzip", gzipped(b"{}")[:-1]),
        ("gzip", gzipped(b"{}") + b"what follows"),
        ("deflate", zlib.compress(b"{}")[2:-4]),
    ],
)
def test_the_real_server_fails_on_other_codings_and_on_what_is_not_coded_so(coding: str, body: bytes) -> None:
    assert isinstance(refusal(body, coding=coding), Quirk)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_body_is_too_large_by_what_it_inflates_to(coding: str) -> None:
    fits, exceeds = (json.dumps(["x" * (size - 4)]).encode() for size in (BODY_LIMIT, BODY_LIMIT + 1))
    pack = gzipped if coding == "gzip" else zlib.compress

    assert len(read(pack(fits), coding=coding)[0]) == BODY_LIMIT - 4
    assert isinstance(refusal(pack(exceeds), coding=coding), TooLarge)
    assert isinstance(refusal(pack(b"\0" * 100_000_000), coding=coding), TooLarge)


def test_a_form_is_read_with_its_levels() -> None:
    assert read(b"a[b]=1&a[c][]=2&d=%C3%A9+x&d=2", FORM) == {"a": {"b": "1", "c": ["2"]}, "d": ["é x", "2"]}


def test_a_form_has_at_most_a_thousand_parameters() -> None:
    assert len(read(b"&".join(b"a%d=1" % each for each in range(1_000)), FORM)) == 1_000

    too_many = refusal(b"&".join(b"a%d=1" % each for each in range(1_001)), FORM)
    assert isinstance(too_many, TooLarge)
    assert too_many.limit is None


def test_a_form_nests_at_most_32_deep() -> None:
    assert read(b"a" + b"[b]" * 32 + b"=1", FORM)
    assert isinstance(refusal(b"a" + b"[b]" * 33 + b"=1", FORM), Quirk)
