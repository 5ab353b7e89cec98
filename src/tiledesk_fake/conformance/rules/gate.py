"""The rules of the gate: which credentials it accepts, and how it refuses others. They revoke only unknown keys."""

import base64
import hmac
from collections.abc import Callable, Iterator

from ..credentials import Jwt, basic_authorization, decoded, encoded
from ..examination import Examination
from ..judging import expect
from ..outcome import LeftOut
from ..paths import HISTORY, id_path, jti_path
from ..reply import Reply
from .rule import UNAUTHORIZED, Brake, Family

family = Family()
rule = family.rule

BASIC = ("components", "securitySchemes", "basicAuth")
JWT = ("components", "securitySchemes", "jwtAuth")
SOMEBODY = "nobody@example.invalid"


def _everywhere(exam: Examination, authorization: str | None) -> Iterator[Reply]:
    """The answers of all three operations to these credentials."""
    yield exam.ask("GET", HISTORY, authorization)
    yield exam.ask("DELETE", f"{HISTORY}/{exam.tokens.nobodys_jti()}", authorization)
    yield exam.ask("DELETE", f"{HISTORY}/id/{exam.tokens.nobodys_id()}", authorization)


def _check_refused(exam: Examination, *authorizations: str | None) -> None:
    for authorization in authorizations:
        for reply in _everywhere(exam, authorization):
            expect(reply.status == 401, "401 Unauthorized", reply)


def _check_accepted(exam: Examination, *authorizations: str) -> None:
    for authorization in authorizations:
        reply = exam.ask("GET", HISTORY, authorization)
        expect(reply.status == 200, "200, because these credentials are good", reply)


def _jwt(exam: Examination) -> Jwt:
    if not exam.first.jwts:
        raise LeftOut("a JWT of the first user is needed; give --jwt")
    return exam.first.jwts[0]


def _parts(exam: Examination) -> tuple[str, str, str]:
    header, payload, signature = _jwt(exam).token.split(".")
    return header, payload, signature


@rule("no-credentials", "Without credentials every operation is refused.", *UNAUTHORIZED, brake=Brake.NONE)
def no_credentials(exam: Examination) -> None:
    _check_refused(exam, None, "")


@rule(
    "unauthorized-challenge",
    "The 401 carries exactly the one Basic challenge.",
    *UNAUTHORIZED,
    "headers",
    "WWW-Authenticate",
    brake=Brake.NONE,
)
def unauthorized_challenge(exam: Examination) -> None:
    expected = [value for name, value in exam.contract.responses["Unauthorized"].headers if name == "WWW-Authenticate"]
    for reply in _everywhere(exam, None):
        found = reply.values("WWW-Authenticate")
        expect(found == expected, f"WWW-Authenticate: {expected[0]}", reply, f"{reply.status} with {found}")


@rule("unauthorized-body", "The body of the 401 is the plain text Unauthorized.", *UNAUTHORIZED, brake=Brake.NONE)
def unauthorized_body(exam: Examination) -> None:
    for reply in _everywhere(exam, f"JWT {_nonsense(exam)}"):
        expect(reply.body == exam.contract.responses["Unauthorized"].content.encode(), "the body Unauthorized", reply)


@rule("unauthorized-content-type", "The 401 names no content type.", *UNAUTHORIZED, brake=Brake.NONE)
def unauthorized_content_type(exam: Examination) -> None:
    for reply in _everywhere(exam, None):
        expect(reply.media_type is None, "no Content-Type", reply, f"{reply.status} {reply.media_type}")


def _nonsense(exam: Examination) -> str:
    """A token of the right form, signed by nobody."""
    claims = {"sub": "user", "jti": exam.tokens.nobodys_jti()}
    return f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}.{'A' * 43}"


@rule(
    "gate-before-parameters",
    "Who is not let in does not learn whether the request was valid.",
    *UNAUTHORIZED,
    brake=Brake.NONE,
)
def gate_before_parameters(exam: Examination) -> None:
    for query in (f"{exam.names['page']}=abc", f"{exam.names['direction']}=7", f"{exam.names['sortField']}=nothing"):
        reply = exam.ask("GET", f"{HISTORY}?{query}")
        expect(reply.status == 401, "401 before the query is judged", reply)


@rule(
    "gate-before-paths",
    "Who is not let in does not learn which paths and methods there are.",
    "x-assumptions",
    "server-quirks",
    brake=Brake.NONE,
)
def gate_before_paths(exam: Examination) -> None:
    key = exam.tokens.nobodys_jti()
    for method, path in (
        ("GET", f"{HISTORY}/a/b/c"),
        ("GET", f"{HISTORY}/{key}"),
        ("POST", HISTORY),
        ("PUT", HISTORY),
        ("PATCH", f"{HISTORY}/{key}"),
        ("DELETE", f"{HISTORY}/id/not-an-id/{key}"),
    ):
        reply = exam.ask(method, path)
        expect(reply.status == 401, "401 before method and path are judged", reply)


@rule("accepts-scheme-in-any-case", "The scheme word counts in any case.", *JWT, brake=Brake.NONE)
def accepts_scheme(exam: Examination) -> None:
    for credential in exam.first.credentials:
        word, _, rest = credential.authorization.partition(" ")
        _check_accepted(exam, f"{word} {rest}", f"{word.lower()} {rest}", f"{word.upper()} {rest}")


@rule("accepts-address-in-any-case", "The e-mail address of Basic counts in any case.", *BASIC, brake=Brake.NONE)
def accepts_address(exam: Examination) -> None:
    basic = exam.first.basic
    if basic is None:
        raise LeftOut("Basic credentials of the first user are needed; give --basic")
    _check_accepted(exam, basic_authorization(basic.email.upper(), basic.password))


@rule("accepts-password-before-colon", "The password of Basic ends at its first colon.", *BASIC, brake=Brake.NONE)
def accepts_password_before_colon(exam: Examination) -> None:
    basic = exam.first.basic
    if basic is None:
        raise LeftOut("Basic credentials of the first user are needed; give --basic")
    _check_accepted(exam, basic_authorization(basic.email, f"{basic.password}:more"))


@rule("refuses-wrong-password", "A wrong password is refused.", *BASIC, brake=Brake.NONE)
def refuses_wrong_password(exam: Examination) -> None:
    basic = exam.first.basic
    if basic is None:
        raise LeftOut("Basic credentials of the first user are needed; give --basic")
    wrong = (f"x{basic.password}", f"{basic.password.split(':')[0]}x", basic.password.swapcase(), "")
    _check_refused(exam, *(basic_authorization(basic.email, each) for each in wrong if each != basic.password))


@rule("refuses-unknown-user", "A user that there is not is refused.", *BASIC, brake=Brake.NONE)
def refuses_unknown_user(exam: Examination) -> None:
    basic = exam.first.basic
    _check_refused(exam, basic_authorization(SOMEBODY, basic.password if basic else "secret"))


@rule(
    "refuses-bearer",
    "The scheme is JWT: Bearer and other words are refused, even with a good token.",
    *JWT,
    brake=Brake.NONE,
)
def refuses_bearer(exam: Examination) -> None:
    token = _jwt(exam).token
    _check_refused(exam, f"Bearer {token}", f"bearer {token}", f"Token {token}", f"JWTX {token}")


@rule("refuses-doubled-scheme", "A token that is preceded by JWT twice is refused.", *JWT, brake=Brake.NONE)
def refuses_doubled_scheme(exam: Examination) -> None:
    _check_refused(exam, f"JWT JWT {_jwt(exam).token}")


@rule("refuses-bad-signature", "A token with another signature is refused.", *JWT, brake=Brake.NONE)
def refuses_bad_signature(exam: Examination) -> None:
    header, payload, signature = _parts(exam)
    # The first character is changed, because some bits of the last one mean nothing.
    turned = ("B" if signature[0] == "A" else "A") + signature[1:]
    _check_refused(exam, f"JWT {header}.{payload}.{turned}", f"JWT {header}.{payload}.{signature[:-4]}")


@rule("refuses-changed-payload", "A token whose claims were changed is refused.", *JWT, brake=Brake.NONE)
def refuses_changed_payload(exam: Examination) -> None:
    header, payload, signature = _parts(exam)
    claims = decoded(payload)
    for changed in (
        claims | {"iat": 1},
        claims | {"_id": exam.tokens.nobodys_id()},
        claims | {"jti": exam.tokens.nobodys_jti()},
    ):
        _check_refused(exam, f"JWT {header}.{encoded(changed)}.{signature}")


@rule("refuses-stripped-signature", "A token without a signature is refused.", *JWT, brake=Brake.NONE)
def refuses_stripped_signature(exam: Examination) -> None:
    header, payload, _ = _parts(exam)
    _check_refused(exam, f"JWT {header}.{payload}.", f"JWT {header}.{payload}")


@rule("refuses-alg-none", "A token that says alg none is refused, signed or not.", *JWT, brake=Brake.NONE)
def refuses_alg_none(exam: Examination) -> None:
    _, payload, signature = _parts(exam)
    for none in ("none", "None", "NONE", "nOnE"):
        head = encoded({"alg": none, "typ": "JWT"})
        _check_refused(exam, f"JWT {head}.{payload}.", f"JWT {head}.{payload}.{signature}")


@rule(
    "refuses-other-algorithms",
    "A token that says another algorithm than HS256, HS384 and HS512 is refused.",
    *JWT,
    brake=Brake.NONE,
)
def refuses_other_algorithms(exam: Examination) -> None:
    _, payload, signature = _parts(exam)
    for algorithm in ("RS256", "ES256", "PS256", "hs256", "HS1", None, 256):
        _check_refused(exam, f"JWT {encoded({'alg': algorithm, 'typ': 'JWT'})}.{payload}.{signature}")


@rule(
    "refuses-guessed-secret",
    "A token that is signed with an empty or common secret is refused.",
    *JWT,
    brake=Brake.NONE,
)
def refuses_guessed_secret(exam: Examination) -> None:
    header, payload, _ = _parts(exam)
    for secret in (b"", b"secret", b"null", b"undefined"):
        for algorithm in ("HS256", "HS384", "HS512"):
            _check_refused(exam, f"JWT {forged({'alg': algorithm, 'typ': 'JWT'}, payload, secret)}")
    # A server may take the key from the header of the token.
    _check_refused(
        exam, f"JWT {forged({'alg': 'HS256', 'jwk': {'kty': 'oct', 'k': ''}}, payload, b'')}", f"JWT {header}"
    )


def forged(header: dict[str, object], payload: str, secret: bytes) -> str:
    """A token that is signed with a secret of our own."""
    signing_input = f"{encoded(header)}.{payload}"
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[str(header["alg"])]
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signing_input.encode(), digest)).rstrip(b"=").decode()
    return f"{signing_input}.{signature}"


@rule("refuses-expired", "A token that has expired is refused, without tolerance.", *JWT, brake=Brake.NONE)
def refuses_expired(exam: Examination) -> None:
    expired = list(exam.expired)
    in_use = exam.first.authorization
    for jwt in (jwt for person in exam.persons for jwt in person.jwts):
        if jwt.expires_at_s is None or jwt.authorization == in_use:
            continue
        left_s = jwt.expires_at_s - exam.clock.now_ms() / 1000
        if left_s < PATIENCE_S:
            exam.clock.sleep(max(0.0, left_s) + MARGIN_S)
            expired.append(jwt)
    if not expired:
        raise LeftOut(
            f"no token was given that has expired or does within {PATIENCE_S} s; "
            "give one with a further --jwt, after credentials that are good"
        )
    for jwt in expired:
        exam.guard.expire(jwt)
        _check_refused(exam, jwt.authorization)


PATIENCE_S = 10
MARGIN_S = 1.1
"""Expiry is in whole seconds, and a server's clock is not quite ours."""


def _check_malformed(exam: Examination, *authorizations: str) -> None:
    expected = exam.contract.responses["BadRequest"].content.encode()
    for authorization in authorizations:
        for reply in _everywhere(exam, authorization):
            expect(reply.status == 400, "400 Bad Request", reply)
            expect(reply.body == expected, "the body Bad Request", reply)
            expect(not reply.values("WWW-Authenticate"), "no challenge", reply)


@rule(
    "one-word",
    "An Authorization header of one word is a bad request.",
    "components",
    "responses",
    "BadRequest",
    brake=Brake.NONE,
)
def one_word(exam: Examination) -> None:
    _check_malformed(exam, "JWT", "Basic", "Bearer", _nonsense(exam), *(jwt.token for jwt in exam.first.jwts))


@rule(
    "unreadable-basic",
    "Basic credentials without a colon are a bad request.",
    "components",
    "responses",
    "BadRequest",
    brake=Brake.NONE,
)
def unreadable_basic(exam: Examination) -> None:
    # The second is no base64; in the third, two spaces make the second word empty.
    _check_malformed(exam, "Basic bm9jb2xvbg==", "Basic !!!!", "Basic  bm9jb2xvbg==")


def _check_not_two_words(exam: Examination, authorizations: Callable[[str], tuple[str, ...]]) -> None:
    for credential in exam.first.credentials:
        for authorization in authorizations(credential.authorization):
            reply = exam.ask("GET", HISTORY, authorization)
            expect(reply.status == 403, "403, because the header is not two words", reply)
            exam.expect_json(reply, "NotTwoWords", 403)


@rule(
    "three-words",
    "Good credentials with a third word are forbidden.",
    "components",
    "responses",
    "NotTwoWords",
    brake=Brake.NONE,
)
def three_words(exam: Examination) -> None:
    _check_not_two_words(exam, lambda good: (f"{good} more",))


@rule(
    "two-spaces",
    "A good token after two spaces is forbidden.",
    "components",
    "responses",
    "NotTwoWords",
    brake=Brake.NONE,
)
def two_spaces(exam: Examination) -> None:
    token = _jwt(exam).token
    reply = exam.ask("GET", HISTORY, f"JWT  {token}")
    expect(reply.status == 403, "403, because the header is not two words", reply)
    exam.expect_json(reply, "NotTwoWords", 403)


@rule("refuses-wrong-secret-token", "A wrong token in the query lets nobody in.", *JWT, brake=Brake.NONE)
def refuses_wrong_secret_token(exam: Examination) -> None:
    wrong = [_nonsense(exam), "x"]
    if exam.first.jwts:
        header, payload, _ = _parts(exam)
        wrong.append(f"{header}.{payload}.{'A' * 43}")
    for token in wrong:
        # The real gate reads the query only beside a header of two words.
        for authorization in (None, "Bearer x", "JWT x"):
            for path in (HISTORY, f"{HISTORY}/{exam.tokens.nobodys_jti()}", f"{HISTORY}/id/{exam.tokens.nobodys_id()}"):
                method = "GET" if path == HISTORY else "DELETE"
                reply = exam.ask(method, f"{path}?secret_token={token}", authorization)
                expect(reply.status in (400, 401, 403), "400, 401 or 403", reply)


@rule(
    "refused-changes-nothing",
    "A revocation that the gate refuses revokes nothing.",
    *UNAUTHORIZED,
    brake=Brake.UNWATCHED,
    revokes=True,
)
def refused_changes_nothing(exam: Examination) -> None:
    token = exam.tokens.spare()
    tried: list[str | None] = [None, basic_authorization(SOMEBODY, "secret"), f"Bearer {_nonsense(exam)}"]
    for authorization in tried:
        for path in (jti_path(token.jti), id_path(token.id)):
            reply = exam.ask("DELETE", path, authorization)
            expect(reply.status == 401, "401 Unauthorized", reply)
            expect(exam.tokens.is_untouched(token), "the token as it was", reply, "a token that was changed")


RULES = family.rules
