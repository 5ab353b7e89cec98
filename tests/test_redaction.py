"""What never leaves the fake in clear."""

import uuid
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake.core.redaction import redacted, redacted_value
from tiledesk_fake.gate.jwt import sign

ANY_TEXT = st.text(max_size=40)
JWTS = st.builds(lambda sub: sign({"sub": sub}, b"secret"), st.text(max_size=10))
# As they stand in a URL.
VALUES = st.text(st.characters(exclude_characters="&;#", exclude_categories=["Cs"]), min_size=1, max_size=30)
SECRET_NAMES = st.sampled_from(
    ["secret_token", "token", "access_token", "jwt", "Authorization", "password", "pwd", "client_secret", "api_key"]
)


@given(ANY_TEXT, JWTS, ANY_TEXT)
@settings(deadline=None)
def test_a_jwt_is_hidden_wherever_it_stands(before: str, jwt: str, after: str) -> None:
    payload = jwt.split(".")[1]

    shown = redacted(before + jwt + after)

    assert jwt not in shown
    assert payload not in shown


@pytest.mark.parametrize("header", ['{"alg":"HS256"}', '{ "alg": "HS256" }', '{\n"alg":"HS256"}', '{\t"alg":"HS256"}'])
def test_a_jwt_is_known_however_its_header_is_written(header: str) -> None:
    jwt = f"{b64encode(header.encode()).decode().rstrip('=')}.e30.c2ln"

    assert redacted(f"/jwt/history/{jwt}") == "/jwt/history/<redacted>"


@given(st.sampled_from("?&;"), SECRET_NAMES, VALUES)
@settings(deadline=None)
def test_the_value_of_a_secret_parameter_is_hidden(separator: str, name: str, value: str) -> None:
    assert redacted(f"/v3/jwt/history{separator}{name}={value}&page=1").endswith(f"{separator}{name}=<redacted>&page=1")
    assert redacted_value(name, value) == "<redacted>"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "Bearer", "JWT", "Token"])
@pytest.mark.parametrize("space", [" ", "  ", "%20", "+", "\t"])
def test_what_follows_a_scheme_word_is_hidden(scheme: str, space: str) -> None:
    credentials = b64encode(b"ada@example.com:secret").decode().rstrip("=")

    assert redacted(f"/{scheme}{space}{credentials}") == f"/{scheme}{space}<redacted>"


def test_credentials_before_a_host_are_hidden() -> None:
    assert redacted("http://ada:secret@127.0.0.1/v3") == "http://<redacted>@127.0.0.1/v3"


@given(st.one_of(ANY_TEXT, JWTS, st.builds("?{}={}".format, SECRET_NAMES, VALUES)))
@settings(deadline=None)
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    once = redacted(text)

    assert redacted(once) == once


@given(st.uuids(), st.integers(0, 16**24 - 1), st.integers(0, 99))
@settings(deadline=None)
def test_jtis_ids_and_ordinary_parameters_stay_readable(jti: uuid.UUID, id: int, page: int) -> None:
    target = f"/v3/jwt/history/{jti}?id={id:024x}&page={page}&sortField=jti&direction=-1"

    assert redacted(target) == target
    assert redacted_value("page", str(page)) == str(page)


@pytest.mark.parametrize("jti", ["phone", "a/b", "my jti", "jwt-7", "token-7", "basic_plan", "ada@example.com", "é"])
def test_a_jti_of_any_words_stays_readable(jti: str) -> None:
    assert redacted(jti) == jti
    assert redacted(f"/v3/jwt/history/{quote(jti, safe='')}") == f"/v3/jwt/history/{quote(jti, safe='')}"
