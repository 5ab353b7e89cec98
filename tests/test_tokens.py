"""How a JWT is written and read; PyJWT judges where both libraries agree."""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake.gate.jwt import ALGORITHMS, Decoded, NotJson, decode, sign

# As long as the longest hash: PyJWT warns about shorter ones.
SECRET = b"0123456789abcdef" * 4
OTHER_SECRET = b"fedcba9876543210" * 4
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
JWT_HEADER = '{"alg":"HS256","typ":"JWT"}'

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXT, values, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(TEXT, JSON, max_size=5)


def segment(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def crafted(payload: str | bytes, header: str | bytes = JWT_HEADER, algorithm: str = "HS256") -> str:
    """A token with exactly this header and payload, signed in earnest."""
    signing_input = f"{segment(header)}.{segment(payload)}"
    signature = hmac.digest(SECRET, signing_input.encode(), ALGORITHMS[algorithm])
    return f"{signing_input}.{segment(signature)}"


def is_genuine(token: str) -> bool:
    try:
        decoded = decode(token, SECRET)
    except NotJson:
        return False
    return decoded is not None and decoded.genuine


def payload_by_pyjwt(token: str) -> Any:
    """The payload as PyJWT reads it, the signature verified; the claims are not judged."""
    return json.loads(jwt.PyJWS().decode(token, SECRET, algorithms=[*ALGORITHMS]))


def one_character_changed(text: str) -> Iterator[str]:
    for position, character in enumerate(text):
        for other in URL_SAFE.replace(character, ""):
            yield text[:position] + other + text[position + 1 :]


@given(CLAIMS)
@settings(deadline=None, max_examples=60)
def test_what_is_signed_pyjwt_verifies(claims: dict[str, Any]) -> None:
    assert payload_by_pyjwt(sign(claims, SECRET)) == claims


@given(CLAIMS)
@settings(deadline=None, max_examples=60)
def test_what_is_signed_is_read_again(claims: dict[str, Any]) -> None:
    assert decode(sign(claims, SECRET), SECRET) == Decoded(claims, genuine=True)


def test_a_token_says_that_it_is_a_jwt_signed_with_hs256() -> None:
    assert jwt.get_unverified_header(sign({}, SECRET)) == {"alg": "HS256", "typ": "JWT"}


def test_claims_are_written_in_their_order_without_blanks() -> None:
    payload = sign({"b": "é", "a": [1, 2]}, SECRET).split(".")[1]

    assert payload == segment('{"b":"é","a":[1,2]}')


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@given(claims=CLAIMS)
@settings(deadline=None, max_examples=40)
def test_what_pyjwt_signs_with_any_of_the_three_algorithms_is_genuine(algorithm: str, claims: dict[str, Any]) -> None:
    token = jwt.PyJWS().encode(json.dumps(claims).encode(), SECRET, algorithm)

    assert decode(token, SECRET) == Decoded(claims, genuine=True)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_another_secret_is_not_genuine(algorithm: str) -> None:
    assert not is_genuine(jwt.encode({"sub": "user"}, OTHER_SECRET, algorithm))


@pytest.mark.parametrize(
    "algorithm",
    [
        "none",
        "None",
        "NONE",
        "hs256",
        "Hs256",
        "HS256 ",
        "HS128",
        "HS1",
        "RS256",
        "ES256",
        "PS256",
        "EdDSA",
        "",
        "sha256",
    ],
)
@pytest.mark.parametrize("signed", [True, False])
def test_any_other_algorithm_is_not_genuine(algorithm: str, signed: bool) -> None:
    token = crafted('{"sub":"user"}', json.dumps({"alg": algorithm, "typ": "JWT"}))

    assert not is_genuine(token if signed else token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("algorithm", ["null", "5", "true", '["HS256"]', '{"HS256":1}'])
def test_an_algorithm_that_is_no_text_is_not_genuine(algorithm: str) -> None:
    assert not is_genuine(crafted("{}", f'{{"alg":{algorithm},"typ":"JWT"}}'))


def test_a_header_without_an_algorithm_is_not_genuine() -> None:
    assert not is_genuine(crafted("{}", '{"typ":"JWT"}'))


def test_the_algorithm_that_is_named_is_the_one_that_counts() -> None:
    assert not is_genuine(crafted("{}", '{"alg":"HS384","typ":"JWT"}', "HS256"))


def test_a_token_without_its_signature_is_not_genuine() -> None:
    token = sign({"sub": "user"}, SECRET)

    assert not is_genuine(token.rpartition(".")[0] + ".")


def test_every_change_of_one_character_of_the_signature_is_not_genuine() -> None:
    start, _, signature = sign({"sub": "user"}, SECRET).rpartition(".")
    changed = [f"{start}.{other}" for other in one_character_changed(signature)]

    assert [token for token in changed if is_genuine(token)] == []


def test_a_last_character_that_stands_for_the_same_bytes_is_not_genuine() -> None:
    token = sign({"sub": "user"}, SECRET)
    signature = token.rpartition(".")[2]
    same_bytes = base64.urlsafe_b64decode(f"{signature}=")
    spelled_otherwise = [
        other
        for other in URL_SAFE.replace(signature[-1], "")
        if base64.urlsafe_b64decode(f"{signature[:-1]}{other}=") == same_bytes
    ]

    assert len(spelled_otherwise) == 3
    assert not any(is_genuine(token[:-1] + other) for other in spelled_otherwise)


def test_every_change_of_one_character_of_header_or_payload_is_not_genuine() -> None:
    signed, _, signature = sign({"sub": "user"}, SECRET).rpartition(".")
    changed = [f"{other}.{signature}" for other in one_character_changed(signed)]

    assert [token for token in changed if is_genuine(token)] == []


def test_a_signature_that_is_cut_or_continued_is_not_genuine() -> None:
    token = sign({"sub": "user"}, SECRET)

    assert not any(is_genuine(token[:-length]) for length in range(1, 43))
    assert not any(is_genuine(token + character) for character in URL_SAFE)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a",
        "a.b",
        "a.b.c.d",
        ".a.b",
        "a..b",
        " a.b.c",
        "a.b.c\n",
        "a.b.c ",
        "a.b.é",
        "a+.b.c",
        "a.b/.c",
    ],
)
def test_what_is_not_three_parts_of_the_alphabet_is_no_token(token: str) -> None:
    assert decode(token, SECRET) is None


@pytest.mark.parametrize("part", [0, 1, 2])
def test_padding_makes_it_no_token(part: int) -> None:
    parts = sign({"sub": "user"}, SECRET).split(".")
    parts[part] += "=" * (-len(parts[part]) % 4 or 4)

    assert decode(".".join(parts), SECRET) is None


@pytest.mark.parametrize(("url_safe", "standard"), [("-", "+"), ("_", "/")])
def test_the_standard_alphabet_makes_it_no_token(url_safe: str, standard: str) -> None:
    token = next(
        token for token in (sign({"n": n}, SECRET) for n in range(1000)) if url_safe in token.rpartition(".")[2]
    )

    assert is_genuine(token)
    assert decode(token.replace(url_safe, standard), SECRET) is None


@pytest.mark.parametrize(
    "payload", ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"a":{"b":1,"b":2}}', '{"a":[{"b":1,"b":2}]}']
)
def test_a_key_that_is_written_twice_makes_it_no_token(payload: str) -> None:
    assert decode(crafted(payload), SECRET) is None
    assert decode(crafted(payload, '{"alg":"HS256"}'), SECRET) is None


def test_a_key_that_is_written_twice_in_the_header_makes_it_no_token() -> None:
    assert decode(crafted("{}", '{"alg":"none","alg":"HS256","typ":"JWT"}'), SECRET) is None


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"\ud800a", r"\udc00\ud800", r"\uD83D"])
@pytest.mark.parametrize("template", ['{"a":"%s"}', '{"%s":1}', '[["%s"]]'])
def test_half_a_surrogate_pair_makes_it_no_token(template: str, escape: str) -> None:
    assert decode(crafted(template % escape), SECRET) is None


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert decode(crafted(r'{"a":"\ud83d\ude00"}'), SECRET) == Decoded({"a": "😀"}, genuine=True)


@pytest.mark.parametrize(
    "payload",
    ["NaN", "[Infinity]", '{"exp":-Infinity}', "", "{", "{'a':1}", "x", "01", "[1,]", '{"a":"\n"}', "\ufeff{}", "{}{}"],
)
def test_a_payload_that_is_no_json_is_told_apart(payload: str) -> None:
    # A token has a payload of one character at least.
    token = crafted(payload or " ")

    with pytest.raises(NotJson):
        decode(token, SECRET)
    with pytest.raises(NotJson):
        decode(token.rpartition(".")[0] + ".", SECRET)


@pytest.mark.parametrize("header", ['{"alg":"HS256"}', '{"alg":"HS256","typ":"jwt"}', '{"alg":"HS256","typ":["JWT"]}'])
@pytest.mark.parametrize(
    ("payload", "read"),
    [('{"a":1}', {"a": 1}), ("[1]", [1]), ("5", "5"), ("null", "null"), ('"{}"', '"{}"'), ("x", "x")],
)
def test_without_the_type_jwt_a_payload_is_text_unless_it_is_an_object_or_array(
    header: str, payload: str, read: Any
) -> None:
    assert decode(crafted(payload, header), SECRET) == Decoded(read, genuine=True)


@pytest.mark.parametrize(("payload", "read"), [("5", 5), ("null", None), ("true", True), ("[]", []), ('"x"', "x")])
def test_with_the_type_jwt_a_payload_is_any_json(payload: str, read: Any) -> None:
    assert decode(crafted(payload), SECRET) == Decoded(read, genuine=True)


def test_a_payload_of_type_jwt_that_is_text_is_tried_again() -> None:
    assert decode(crafted(json.dumps('{"a":1}')), SECRET) == Decoded({"a": 1}, genuine=True)


@pytest.mark.parametrize("header", ["0", "null", "false", '""', "[]x", "{", "é", "NaN"])
def test_a_header_that_says_nothing_makes_it_no_token(header: str) -> None:
    assert decode(crafted("{}", header), SECRET) is None


@pytest.mark.parametrize("header", ["[1]", '"x"', "5", "true"])
def test_a_header_that_is_no_object_is_not_genuine(header: str) -> None:
    assert decode(crafted("{}", header), SECRET) == Decoded({}, genuine=False)


@pytest.mark.parametrize("extra", ['"crit":["x"]', '"b64":false', '"kid":"../x"', '"jwk":{}', '"zip":"DEF"'])
def test_what_else_a_header_says_is_ignored(extra: str) -> None:
    assert is_genuine(crafted("{}", f'{{"alg":"HS256","typ":"JWT",{extra}}}'))


def nested(depth: int, opening: str, closing: str) -> str:
    return opening * depth + "1" + closing * depth


NESTING = pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])


@NESTING
@pytest.mark.parametrize("depth", [101, 1_000, 100_000])
def test_a_payload_that_is_nested_too_deep_is_no_token(opening: str, closing: str, depth: int) -> None:
    payload = nested(depth, opening, closing)

    assert decode(crafted(payload), SECRET) is None
    assert decode(crafted(payload, '{"alg":"HS256"}'), SECRET) is None


@NESTING
def test_a_payload_of_a_hundred_levels_is_read(opening: str, closing: str) -> None:
    payload = nested(100, opening, closing)

    assert decode(crafted(payload), SECRET) == Decoded(json.loads(payload), genuine=True)


def test_a_header_that_is_nested_too_deep_is_no_token() -> None:
    assert decode(crafted("{}", "[" * 100_000 + "]" * 100_000), SECRET) is None


@pytest.mark.parametrize("digits", [309, 400, 5_000, 100_000])
@pytest.mark.parametrize("sign_", ["", "-"])
def test_a_number_of_hundreds_of_digits_is_infinite(digits: int, sign_: str) -> None:
    decoded = decode(crafted(f'{{"exp":{sign_}{"9" * digits}}}'), SECRET)

    assert decoded == Decoded({"exp": float(f"{sign_}inf")}, genuine=True)


def test_a_long_number_that_is_finite_stays_itself() -> None:
    assert decode(crafted('{"exp":' + "9" * 300 + "}"), SECRET) == Decoded({"exp": 10**300 - 1}, genuine=True)


def test_huge_claims_are_read() -> None:
    claims = {"note": "x" * 1_000_000, **{f"claim{n}": n for n in range(10_000)}}

    assert decode(sign(claims, SECRET), SECRET) == Decoded(claims, genuine=True)


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert decode(crafted(b'{"a":"\xff"}'), SECRET) == Decoded({"a": "\ufffd"}, genuine=True)


def test_the_secret_is_in_no_repr_of_what_was_read() -> None:
    assert SECRET.decode() not in repr(decode(sign({}, SECRET), SECRET))


SEGMENTS = st.one_of(
    st.text(URL_SAFE, max_size=12),
    st.binary(max_size=12).map(segment),
    JSON.map(lambda value: segment(json.dumps(value))),
    st.sampled_from([segment(JWT_HEADER), segment('{"alg":"HS512"}'), segment("{}"), segment("null")]),
)


@given(st.text() | st.lists(SEGMENTS, min_size=3, max_size=3).map(".".join))
@settings(deadline=None, max_examples=60)
def test_any_text_is_read_as_no_token_or_as_one_that_is_not_genuine(token: str) -> None:
    assert not is_genuine(token)


@given(
    st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([JWT_HEADER, '{"alg":"HS256"}']),
)
@settings(deadline=None, max_examples=60)
def test_any_payload_that_is_signed_is_read_or_told_apart(payload: bytes, header: str) -> None:
    if not payload:
        return
    with suppress(NotJson):
        decoded = decode(crafted(payload, header), SECRET)

        assert decoded is None or decoded.genuine
