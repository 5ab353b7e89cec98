"""Revoking what is unknown makes a phantom, where the profile says so; and a second revocation touches."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.wsgi import Reply, call
from tiledesk_fake import AlreadyExists, NotFound, TiledeskFake
from tiledesk_fake.core import history
from tiledesk_fake.gate.jwt import sign

HISTORY = "/v3/jwt/history"
MALFORMED = "not-an-id"
UNKNOWN = "0" * 24
SECRET = "what the tokens of these tests are signed with"


class Service:
    """A fake that makes phantoms, and two users with a token each."""

    def __init__(self, **choices: str) -> None:
        profile = {"revoke-unknown": "phantom", **{id.replace("_", "-"): choice for id, choice in choices.items()}}
        self.fake = TiledeskFake(profile=profile, secret=SECRET)
        self.fake.clock.freeze(datetime(2026, 1, 1, tzinfo=UTC))
        self.ada = self.fake.add_user(email="ada@example.com", password="secret")
        self.bob = self.fake.add_user(email="bob@example.com", password="secret")
        self.mine = self.fake.issue_token(self.ada, jti="mine")
        self.theirs = self.fake.issue_token(self.bob, jti="theirs")

    def ask(self, method: str, path: str = "", by: str = "ada") -> Reply:
        user = self.fake.users[f"{by}@example.com"]
        return call(self.fake.wsgi_app, method, f"{HISTORY}{path}", [("Authorization", user.authorization)])

    def revoked(self, path: str, by: str = "ada") -> dict[str, Any]:
        reply = self.ask("DELETE", path, by)
        assert reply.status == 200
        record: dict[str, Any] = reply.json
        assert record["revoked"] is True
        return record

    @property
    def held(self) -> int:
        return len(self.fake._state.history)


def test_the_revocation_of_an_unknown_jti_makes_a_record_that_is_nobodys() -> None:
    service = Service()

    record = service.revoked("/lost")

    assert record == {
        "_id": record["_id"],
        "jti": "lost",
        "revoked": True,
        "createdAt": "2026-01-01T00:00:00.000Z",
        "updatedAt": "2026-01-01T00:00:00.000Z",
        "__v": 0,
    }
    assert service.held == 3


def test_the_revocation_of_an_unknown_id_makes_a_record_with_that_id_and_no_jti() -> None:
    record = Service().revoked(f"/id/{'AB' * 12}")

    assert record["_id"] == "ab" * 12
    assert not {"jti", "id_user"} & record.keys()


def test_a_malformed_id_makes_a_record_with_a_new_id() -> None:
    service = Service()

    first, second = service.revoked(f"/id/{MALFORMED}"), service.revoked(f"/id/{MALFORMED}")

    assert len({first["_id"], second["_id"], MALFORMED}) == 3
    assert "jti" not in first
    assert service.held == 4


def test_a_malformed_id_fails_where_the_profile_says_so() -> None:
    service = Service(malformed_id="fail")

    assert service.ask("DELETE", f"/id/{MALFORMED}").status == 500
    assert service.held == 2


@pytest.mark.parametrize("by", ["ada", "bob"])
def test_a_phantom_is_in_no_list(by: str) -> None:
    service = Service()
    service.revoked("/lost")
    service.revoked(f"/id/{UNKNOWN}")

    assert service.ask("GET", by=by).json["count"] == 1
    assert [len(service.fake.history(user)) for user in service.fake.users.values()] == [1, 1]


@pytest.mark.parametrize("foreign", ["unknown", "allowed"])
@pytest.mark.parametrize("path", ["/lost", f"/id/{UNKNOWN}"])
def test_anybody_who_revokes_it_again_finds_it(foreign: str, path: str) -> None:
    service = Service(revoke_foreign=foreign)
    first = service.revoked(path)
    service.fake.clock.advance(hours=1)

    assert service.revoked(path, by="bob") == first
    assert service.revoked(f"/id/{first['_id']}", by="bob") == first
    assert service.held == 3


def test_a_phantom_that_is_revoked_again_is_touched_where_the_profile_says_so() -> None:
    service = Service(revoke_again="touched")
    first = service.revoked("/lost")
    service.fake.clock.advance(hours=1)

    assert service.revoked("/lost", by="bob") == first | {"updatedAt": "2026-01-01T01:00:00.000Z"}


@pytest.mark.parametrize("key", ["jti", "id"])
def test_where_the_key_exists_but_must_look_unknown_nothing_is_stored(key: str) -> None:
    service = Service(revoke_again="unknown")
    path = f"/{service.theirs.jti}" if key == "jti" else f"/id/{service.theirs.id}"

    record = service.revoked(path)

    assert "id_user" not in record
    assert (record.get("jti") == "theirs") == (key == "jti")
    assert (record["_id"] == service.theirs.id) == (key == "id")
    assert not service.theirs.revoked
    assert service.held == 2
    assert service.revoked("/mine")["id_user"] == service.ada.id
    assert "id_user" not in service.revoked("/mine")
    assert service.held == 2


def test_a_token_whose_jti_a_phantom_has_is_revoked_at_the_gate() -> None:
    service = Service()
    # Of no record: signed by somebody who knows the secret.
    jwt = sign({"_id": service.ada.id, "sub": "user", "jti": "lost"}, SECRET.encode())
    call_by_it = [("Authorization", f"JWT {jwt}")]

    assert call(service.fake.wsgi_app, "GET", HISTORY, call_by_it).status == 200
    service.revoked("/lost", by="bob")
    assert call(service.fake.wsgi_app, "GET", HISTORY, call_by_it).status == 401


def test_phantoms_count_towards_the_most_tokens_and_beyond_it_none_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_TOKENS", 3)
    service = Service()

    service.revoked("/lost")
    record = service.revoked("/lost too")

    assert record["jti"] == "lost too"
    assert service.held == 3
    assert service.revoked("/lost too")["_id"] != record["_id"]


def test_python_issues_no_token_with_its_keys_and_revokes_none() -> None:
    service = Service()
    service.revoked("/lost")

    with pytest.raises(AlreadyExists, match="'lost'"):
        service.fake.issue_token(service.ada, jti="lost")
    with pytest.raises(NotFound):
        service.fake.revoke(jti="lost")


def test_a_snapshot_keeps_phantoms_and_a_reset_forgets_them() -> None:
    service = Service()
    first = service.revoked("/lost")
    mark = service.fake.snapshot()
    service.revoked("/lost too")

    service.fake.restore(mark)

    assert service.held == 3
    assert service.revoked("/lost") == first
    service.fake.reset()
    assert service.held == 0


@pytest.mark.parametrize(
    ("answer", "body"), [("success", {"success": True}), ("counts", {"n": 1, "ok": 1, "deletedCount": 1})]
)
def test_the_answer_has_the_form_of_any_revocation(answer: str, body: dict[str, Any]) -> None:
    assert Service(revoke_answer=answer).ask("DELETE", "/lost").json == body


def test_a_second_revocation_moves_the_time_of_a_token_where_the_profile_says_so() -> None:
    service = Service(revoke_again="touched")
    first = service.revoked("/mine")
    service.fake.clock.advance(hours=1)

    second = service.revoked(f"/id/{service.mine.id}")

    assert second == first | {"updatedAt": "2026-01-01T01:00:00.000Z"}
    assert service.ask("GET").json["jwts"] == [second]
    service.fake.clock.advance(hours=1)
    service.fake.revoke(service.mine)
    assert service.ask("GET").json["jwts"] == [second]
