"""Credentials that nobody may be let in with: forged, tampered with, mistyped, or signed over what no gate should read.

Not among them is what the real gate lets in (observed): HS384 and HS512 with the right secret, any `crit`, `b64`, `kid`
or `typ` under a right signature, an `exp` of 1e400.
"""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

from tests.hardening.served import ADA, EMAIL, PASSWORD, SIGNING_SECRET

SECRET = SIGNING_SECRET.encode()
CLAIMS = {"_id": ADA, "sub": "user", "jti": "of-no-record", "aud": "https://tiledesk.com"}
NOW_S = 1_800_000_000
HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def encoded(data: bytes | str) -> str:
    octets = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def signed(header: Any, payload: Any, secret: bytes = SECRET, hash: str = "sha256") -> str:
    """A token of any header and payload, JSON values or text as it is, with the right signature for it."""
    parts = [encoded(part if isinstance(part, str | bytes) else json.dumps(part)) for part in (header, payload)]
    signing_input = ".".join(parts)
    return f"{signing_input}.{encoded(hmac.digest(secret, signing_input.encode(), hash))}"


HEADER = {"alg": "HS256", "typ": "JWT"}
GOOD = signed(HEADER, CLAIMS)


def forgeries() -> Iterator[tuple[str, str]]:
    """The value of an `Authorization` header for each, with the name of its family."""
    for family, tokens in _TOKENS.items():
        for token in tokens():
            yield family, f"JWT {token}"
    for family, values in _HEADERS.items():
        for value in values():
            yield family, value


def _algorithms() -> Iterator[str]:
    names: list[Any] = ["none", "None", "NONE", "nOnE", "", " ", "null", None, True, False, 0, 1, [], ["HS256"], {}]
    names += [
        "hs256",
        "HS256 ",
        " HS256",
        "HS256\x00",
        "HS-256",
        "HS1",
        "HS224",
        "HS2560",
        "SHA256",
        "sha256",
        "MD5",
        "*",
    ]
    names += [
        "RS256",
        "RS384",
        "RS512",
        "ES256",
        "ES384",
        "ES512",
        "PS256",
        "EdDSA",
        "ES256K",
        "A256KW",
        "dir",
        "RSA-OAEP",
    ]
    names += ["../HS256", "HS256,none", "\uff28\uff33256", "HS\u0662\u0665\u0666", {"alg": "HS256"}, "x" * 500]
    for name in names:
        header = {"alg": name, "typ": "JWT"}
        yield signed(header, CLAIMS)
        yield signed(header, CLAIMS).rpartition(".")[0] + "."
    yield signed({"typ": "JWT"}, CLAIMS)
    yield signed({"Alg": "HS256", "typ": "JWT"}, CLAIMS)


def _wrong_hash() -> Iterator[str]:
    for name in HASHES:
        for other, hash in HASHES.items():
            if other != name:
                yield signed({"alg": name, "typ": "JWT"}, CLAIMS, hash=hash)


def _other_secrets() -> Iterator[str]:
    secrets = [
        b"",
        b" ",
        b"secret",
        b"password",
        b"changeme",
        b"key",
        b"test",
        b"tiledesk",
        b"jwt",
        b"null",
        b"undefined",
    ]
    secrets += [
        SECRET[:-1],
        SECRET + b" ",
        SECRET.upper(),
        SECRET[::-1],
        encoded(SECRET).encode(),
        SECRET.hex().encode(),
    ]
    secrets += [b"\x00" * 32, PASSWORD.encode(), ADA.encode(), b"-----BEGIN PUBLIC KEY-----\n"]
    for secret in secrets:
        for name, hash in HASHES.items():
            yield signed({"alg": name, "typ": "JWT"}, CLAIMS, secret, hash)


def _signatures() -> Iterator[str]:
    signing_input, _, signature = GOOD.rpartition(".")
    for wrong in (
        "", "A", "AA", "A" * 43, "A" * 44, "_" * 43, signature[:-1], signature[1:], signature[:20], signature * 2,
        signature + "A", signature.swapcase(), signature[::-1], "null", "undefined", "0", encoded("null"),
        encoded(signature), signing_input.partition(".")[0], SIGNING_SECRET, encoded(SECRET),
    ):  # fmt: skip
        yield f"{signing_input}.{wrong}"
    for position in range(0, len(signature), 4):
        other = "A" if signature[position] != "A" else "B"
        yield f"{signing_input}.{signature[:position]}{other}{signature[position + 1 :]}"
    # The last character stands for two bits only, and other characters for the same ones.
    yield GOOD[:-1] + chr(ord(GOOD[-1]) + 1)


def _swaps() -> Iterator[str]:
    _, payload, signature = GOOD.split(".")
    bobs = encoded(json.dumps(CLAIMS | {"_id": "5e0000000000000000000002"}))
    yield f"{encoded(json.dumps(HEADER))}.{bobs}.{signature}"
    for header in (
        HEADER | {"kid": "x"},
        {"typ": "JWT", "alg": "HS256"},
        HEADER | {"alg": "HS512"},
        HEADER | {"alg": "none"},
    ):
        yield f"{encoded(json.dumps(header, separators=(',', ':')))}.{payload}.{signature}"
    others: list[Any] = [CLAIMS | {"exp": 1}, CLAIMS | {"sub": "guest"}, {"_id": ADA}, CLAIMS | {"jti": "x"}, [], "x"]
    for claims in others:
        yield f"{GOOD.partition('.')[0]}.{encoded(json.dumps(claims))}.{signature}"


def _shapes() -> Iterator[str]:
    header, payload, signature = GOOD.split(".")
    yield from (
        header,
        f"{header}.{payload}",
        f".{payload}.{signature}",
        f"{header}..{signature}",
        "..",
        "...",
        ".",
        "",
    )
    yield from (
        f"{GOOD}.x",
        f"{GOOD}.",
        f".{GOOD}",
        f"{GOOD}.{GOOD}",
        "a.b.c.d.e",
        f"{header}.{payload}.{signature}.a.b",
    )
    yield from (
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}.{signature}=",
        f"{header}.{payload}==.{signature}",
    )
    yield from (
        f"{header}.{payload}.{signature}\x00",
        f"{header}.{payload}.\xe9{signature}",
        f"{header}.{payload}.+/{signature}",
    )
    yield from (f'"{GOOD}"', f"<{GOOD}>", f"{{{GOOD}}}", f"'{GOOD}'", GOOD.replace(".", ","), GOOD.replace(".", "%2E"))
    yield json.dumps({"protected": header, "payload": payload, "signature": signature}, separators=(",", ":"))
    yield from (encoded(GOOD), GOOD.swapcase(), GOOD[::-1], GOOD[1:], "a" * 9_000, "." * 9_000, "a." * 4_000)


def _headers_that_are_none() -> Iterator[str]:
    for header in (
        "",
        "x",
        "null",
        "[]",
        "{}",
        "1",
        '"HS256"',
        '["HS256"]',
        "{",
        '{"alg":"HS256"',
        "{'alg':'HS256'}",
        "\x00",
    ):
        yield signed(header, CLAIMS)
    yield signed(b"\xff\xfe", CLAIMS)
    yield signed('{"alg":"HS256","typ":"JWT"}{}', CLAIMS)
    yield signed('{"alg":"HS256","typ":"JWT",}', CLAIMS)


def _keys_twice() -> Iterator[str]:
    yield signed('{"alg":"none","alg":"HS256","typ":"JWT"}', CLAIMS)
    yield signed('{"alg":"HS256","typ":"JWT","typ":"JWT"}', CLAIMS)
    yield signed('{"alg":"HS256","alg":"HS256","typ":"JWT"}', CLAIMS)
    for twice in (
        f'"_id":"x","_id":"{ADA}"', f'"_id":"{ADA}","_id":"{ADA}"', f'"_id":"{ADA}","sub":"bot","sub":"user"',
        f'"_id":"{ADA}","exp":1,"exp":9999999999', f'"_id":"{ADA}","jti":"revoked","jti":"x"',
        f'"_id":"{ADA}","\\u005fid":"{ADA}"', f'"_id":"{ADA}","a":{{"b":1,"b":2}}',
        f'"_id":"{ADA}","a":[{{"":1,"":2}}]',
    ):  # fmt: skip
        for header in (HEADER, {"alg": "HS256"}):
            yield signed(header, "{" + twice + "}")


def _no_json() -> Iterator[str]:
    for value in (
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "undefined",
        "01",
        "1.",
        ".5",
        "+1",
        "0x10",
        "1_0",
        "'x'",
        "\u0661",
        "",
    ):
        yield signed(HEADER, f'{{"_id":"{ADA}","sub":"user","a":{value}}}')
    for text in (
        f"{{'_id':'{ADA}'}}",
        f'{{"_id":"{ADA}",}}',
        f'{{"_id":"{ADA}"',
        f'{{"_id":"{ADA}"}}x',
        f'{{_id:"{ADA}"}}',
        "x",
    ):
        yield signed(HEADER, text)
    yield signed(HEADER, f'\ufeff{{"_id":"{ADA}"}}')


def _surrogates() -> Iterator[str]:
    for half in ("\\ud800", "\\udfff", "\\udc00\\ud800", "\\ud83d", "x\\ude00"):
        for claim in ("jti", "a", "sub"):
            yield signed(HEADER, f'{{"_id":"{ADA}","{claim}":"{half}"}}')
        yield signed(HEADER, f'{{"_id":"{ADA}","{half}":1}}')
        yield signed({"alg": "HS256"}, f'{{"_id":"{ADA}","a":["{half}"]}}')


def _deep() -> Iterator[str]:
    for depth in (101, 200, 900, 1_000, 5_000, 20_000):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            yield signed(HEADER, f'{{"_id":"{ADA}","a":{opening * depth}1{closing * depth}}}')
            yield signed(HEADER, opening * depth)
        yield signed("[" * depth + "]" * depth, CLAIMS)


def _claims() -> Iterator[str]:
    wrong: dict[str, list[Any]] = {
        "exp": [0, 1, -1, NOW_S, NOW_S - 1, "9999999999", None, True, [9999999999], {}, "never", ""],
        "nbf": [NOW_S + 1, 9e99, 10**400, "0", None, False, [0], {}, ""],
        "_id": [
            None,
            "",
            0,
            False,
            "x",
            1,
            -1,
            1.5,
            [],
            {},
            [[]],
            "5e00",
            ADA + "0",
            ADA[:-1] + "g",
            "\0",
            ADA.upper()[:-1],
        ],
        "aud": [
            *(f"https://a/{kind}/x" for kind in ("projects", "bots", "subscriptions")),
            "x",
            "//a",
            [],
            "http://",
            {"a": 1},
        ],
        "sub": ["bot", "subscription"],
    }
    for name, values in wrong.items():
        for value in values:
            yield signed(HEADER, json.dumps(CLAIMS | {name: value}))
    for number in ("-1e400", "1e-400", "-0.0"):
        yield signed(HEADER, f'{{"_id":"{ADA}","exp":{number}}}')
    payloads: list[Any] = [
        None,
        True,
        1,
        1.5,
        "x",
        "",
        [],
        [CLAIMS],
        {},
        {"_doc": {}},
        {"_doc": None},
        {"id": ADA},
        '"x"',
    ]
    for payload in payloads:
        yield signed(HEADER, payload)
    for digits in (400, 5_000, 9_000):
        yield signed(HEADER, f'{{"_id":"{ADA}","exp":-{"9" * digits}}}')
        yield signed(HEADER, f'{{"_id":{"9" * digits}}}')
        yield signed(HEADER, f'{{"_id":"{"5" * digits}"}}')


def _schemes() -> Iterator[str]:
    for scheme in (
        "Bearer",
        "bearer",
        "Token",
        "JWS",
        "JWTX",
        "XJWT",
        "J WT",
        "JWT:",
        "JWT,",
        "OAuth",
        "ApiKey",
        "Digest",
        "\uff2aWT",
    ):
        yield f"{scheme} {GOOD}"
    yield from (
        GOOD,
        f"JWT{GOOD}",
        f"JWT={GOOD}",
        f"JWT JWT {GOOD}",
        f"JWT  {GOOD}",
        f"JWT {GOOD} x",
        f"JWT {GOOD}, JWT {GOOD}",
    )
    yield from (f"JWT\t{GOOD}", f"JWT\x0b{GOOD}", f"JWT\xa0{GOOD}", f"x JWT {GOOD}", "JWT", "JWT ", "", " ")


def _basic() -> Iterator[str]:
    def basic(credentials: str | bytes) -> str:
        octets = credentials if isinstance(credentials, bytes) else credentials.encode()
        return f"Basic {base64.b64encode(octets).decode()}"

    for password in (
        "",
        " ",
        "x",
        PASSWORD[:-1],
        PASSWORD + " ",
        PASSWORD.upper(),
        PASSWORD + "\x00",
        f" {PASSWORD}",
        "null",
        "*",
    ):
        yield basic(f"{EMAIL}:{password}")
    for email in (
        "",
        "x",
        f" {EMAIL}",
        f"{EMAIL} ",
        f"{EMAIL}\x00",
        "ada",
        "*",
        "%",
        "\uff41da@example.com",
        "' OR 1=1--",
        '{"$ne":""}',
        ADA,
    ):
        yield basic(f"{email}:{PASSWORD}")
    yield from (
        basic(EMAIL),
        basic(PASSWORD),
        basic(f"{EMAIL}{PASSWORD}"),
        basic(b"\xff:\xff"),
        basic(b"\x00:\x00"),
        basic(":"),
    )
    yield from (
        "Basic",
        "Basic ",
        "Basic =",
        "Basic !!!!",
        "Basic AAAA",
        f"Basic {EMAIL}:{PASSWORD}",
        f"Digest {EMAIL}:{PASSWORD}",
    )
    yield basic(f"{EMAIL}:{PASSWORD}").replace("Basic ", "Basic  ")
    yield basic(f"{EMAIL}:{PASSWORD}").replace("Basic ", "Bearer ")
    yield basic(f"{EMAIL}:{PASSWORD}").replace("Basic ", "")


_TOKENS = {
    "algorithm": _algorithms,
    "wrong hash": _wrong_hash,
    "other secret": _other_secrets,
    "signature": _signatures,
    "swapped part": _swaps,
    "shape": _shapes,
    "header": _headers_that_are_none,
    "key twice": _keys_twice,
    "no JSON": _no_json,
    "half a surrogate": _surrogates,
    "nested deep": _deep,
    "claim": _claims,
}
_HEADERS = {"scheme": _schemes, "basic": _basic}
FAMILIES = (*_TOKENS, *_HEADERS)
