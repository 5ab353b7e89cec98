"""Forgery: nobody is let in with credentials that this fake did not make, or made otherwise."""

import hmac
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from tests.hardening.forgeries import CLAIMS, FAMILIES, GOOD, HASHES, HEADER, NOW_S, SECRET, encoded, forgeries, signed
from tests.hardening.hostile import Case, answers_in, exchange, request
from tests.hardening.served import EMAIL, LIST, PASSWORD, RECORD_ID, SCENARIO, SIGNING_SECRET
from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.gate import gate
from tiledesk_fake.gate import jwt as tokens


def new_fake() -> TiledeskFake:
    fake = TiledeskFake(secret=SIGNING_SECRET)
    fake.clock.freeze(datetime.fromtimestamp(NOW_S, UTC))
    fake.load(SCENARIO)
    return fake


@pytest.fixture
def fake() -> TiledeskFake:
    return new_fake()


def let_in(fake: TiledeskFake) -> Counter[str]:
    """How many forgeries of each family were let in, or made the fake do something else than refuse."""
    found: Counter[str] = Counter()
    for family, authorization in forgeries():
        for method, target in (("GET", LIST), ("DELETE", f"{LIST}/id/{RECORD_ID}")):
            status = call(fake.wsgi_app, method, target, [("Authorization", authorization)]).status
            found[family] += status not in (400, 401, 403)
    return +found


def test_more_than_200_forgeries_are_refused_and_do_nothing(fake: TiledeskFake) -> None:
    before = fake.history(fake.users[EMAIL])

    assert let_in(fake) == {}
    counted = Counter(family for family, _ in forgeries())
    assert counted.total() > 200
    assert len(set(forgeries())) > 200
    assert min(counted[family] for family in FAMILIES) >= 6
    assert fake.history(fake.users[EMAIL]) == before
    assert not any(token.revoked for token in before)


def test_what_they_are_made_of_is_let_in(fake: TiledeskFake) -> None:
    """Or else they might be refused for another reason than they should be."""
    observed = [
        GOOD,
        *(signed({"alg": name, "typ": "JWT"}, CLAIMS, SECRET, hash) for name, hash in HASHES.items()),
        signed({"alg": "HS256"}, CLAIMS),
        signed(HEADER | {"crit": ["x"], "x": 1}, CLAIMS),
        signed(HEADER | {"b64": False, "crit": ["b64"]}, CLAIMS),
        signed(HEADER | {"kid": "../../etc/passwd", "jku": "http://evil.example"}, CLAIMS),
        signed(HEADER, CLAIMS | {"exp": NOW_S + 1, "nbf": NOW_S}),
        signed(HEADER, {"a": [[]] * 50, **CLAIMS}),
    ]
    for token in observed:
        assert call(fake.wsgi_app, "GET", LIST, [("Authorization", f"JWT {token}")]).status == 200
    basic = fake.users[EMAIL].authorization
    assert call(fake.wsgi_app, "GET", LIST, [("Authorization", basic)]).status == 200


def test_the_algorithms_are_these_three() -> None:
    assert tokens.ALGORITHMS == HASHES


def test_a_token_that_no_head_can_carry_is_refused_unread() -> None:
    huge = signed(HEADER, CLAIMS | {"a": "x" * 300_000})
    with TiledeskFake(secret=SIGNING_SECRET) as fake:
        fake.load(SCENARIO)
        port = int(fake.url.split(":")[2].split("/")[0])
        received = exchange(port, Case("huge", request(credentials=(f"Authorization: JWT {huge}",))))

    assert isinstance(received, bytes)
    assert [answer.status for answer in answers_in(received, ("GET",))] == [431]


# --- the same check, against defects ----------------------------------------------------------------------------


def any_signature(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hmac, "compare_digest", lambda *_: True)


def cut_signatures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hmac, "compare_digest", lambda given, right: right.startswith(given))


def unsigned(patch: pytest.MonkeyPatch) -> None:
    sign = tokens._signature
    patch.setattr(tokens, "ALGORITHMS", {**HASHES, "none": ""})
    patch.setattr(tokens, "_signature", lambda text, name, secret: sign(text, name, secret) if name != "none" else "")


def any_case(patch: pytest.MonkeyPatch) -> None:
    class Lenient(dict[str, str]):
        def __contains__(self, name: object) -> bool:
            return str(name).upper() in HASHES

        def __missing__(self, name: str) -> str:
            return HASHES[name.upper()]

    patch.setattr(tokens, "ALGORITHMS", Lenient(HASHES))


def last_key_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "_DECODER", json.JSONDecoder(object_pairs_hook=dict, parse_constant=tokens._no_constant))


def python_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "_DECODER", json.JSONDecoder(object_pairs_hook=tokens._object, parse_constant=float))


def half_characters(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "_parse", partial(json.loads, object_pairs_hook=tokens._object, parse_constant=int))


def any_depth(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tokens, "nests_too_deep", lambda text: False)


def no_expiry(patch: pytest.MonkeyPatch) -> None:
    decode = tokens.decode

    def forgetful(token: str, secret: bytes) -> tokens.Decoded | None:
        decoded = decode(token, secret)
        if decoded and isinstance(decoded.payload, dict):
            for claim in ("exp", "nbf"):
                decoded.payload.pop(claim, None)
        return decoded

    patch.setattr(tokens, "decode", forgetful)


def any_scheme(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate, "_presented_token", lambda header, _: header.split(" ")[-1])


def any_password(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gate, "lenient_base64", lambda text: f"{EMAIL}:{PASSWORD}")


DEFECTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    any_signature: "other secret",
    cut_signatures: "signature",
    unsigned: "algorithm",
    any_case: "algorithm",
    last_key_counts: "key twice",
    python_numbers: "no JSON",
    half_characters: "half a surrogate",
    any_depth: "nested deep",
    no_expiry: "claim",
    any_scheme: "scheme",
    any_password: "basic",
}


@pytest.mark.usefixtures("planted_bugs")
@pytest.mark.parametrize(
    ("defect", "family"), DEFECTS.items(), ids=[getattr(defect, "__name__", "") for defect in DEFECTS]
)
def test_a_lenient_gate_is_found(
    fake: TiledeskFake, defect: Callable[[pytest.MonkeyPatch], None], family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect(monkeypatch)

    assert let_in(fake)[family] > 0


def test_a_right_signature_over_other_parts_is_what_it_says() -> None:
    """The helper signs as others do."""
    assert signed(HEADER, CLAIMS).rpartition(".")[2] == encoded(
        hmac.digest(SECRET, GOOD.rpartition(".")[0].encode(), "sha256")
    )
