"""What the operations of the control API do: all that a test in Python could do, and nothing else."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
import requests
import yaml

from tests.control.callers import Caller, listening
from tiledesk_fake import MisuseError, TiledeskFake, __version__, contract
from tiledesk_fake.contract.profile import CHOICES
from tiledesk_fake.control import description
from tiledesk_fake.control.operations import OPERATIONS
from tiledesk_fake.core.clock import moment
from tiledesk_fake.violations.verdict import RULES


def ada(control: Caller, **parts: Any) -> Any:
    return control.ok("POST", "/_fake/users", {"email": "ada@example.com", "password": "secret", **parts})


def listed(control: Caller, query: str = "", authorization: str = "") -> requests.Response:
    headers = {"Authorization": authorization} if authorization else {}
    return control("GET", f"/v3/jwt/history{query}", headers=headers)


def test_every_operation_of_the_file_has_its_code_and_none_is_left_over() -> None:
    assert {route.id for route in description.routes()} == {*OPERATIONS, "showPage", "endWorld"}


def test_the_file_repeats_the_assumptions_the_rules_and_the_operations_as_they_are() -> None:
    schemas = description.document()["components"]["schemas"]
    choices = {id: tuple(schema.get("enum", ())) for id, schema in schemas["Profile"]["properties"].items()}

    assert choices == {id: () if id == "page-size" else each for id, each in CHOICES.items()}
    assert description.document()["components"]["parameters"]["allow"]["schema"]["pattern"].count("|".join(RULES)) == 2
    assert schemas["OperationName"]["enum"] == list(contract.load().parameter_names)


def test_health_says_which_fake_answers(control: Caller) -> None:
    health = control.ok("GET", "/_fake/health")

    assert health.pop("began").endswith("Z")
    assert health == {"status": "ok", "version": __version__, "world": None, "base_path": "/v3", "before": None}


def test_a_user_is_added_changed_and_removed(control: Caller) -> None:
    user = ada(control, firstname="Ada")

    assert user.keys() == {
        "_id", "email", "firstname", "lastname", "active", "authorization", "why_no_authorization"
    }  # fmt: skip
    assert control.fake.users["ada@example.com"].authorization == user["authorization"]
    assert control.ok("GET", "/_fake/users") == {"users": [user]}

    changed = control.ok("PATCH", f"/_fake/users/{user['_id']}", {"active": False})
    assert changed == control.ok("GET", f"/_fake/users/{user['_id'].upper()}")
    assert (changed["firstname"], changed["active"], changed["authorization"]) == ("Ada", False, None)
    assert "not active" in changed["why_no_authorization"]
    assert control.ok("PATCH", f"/_fake/users/{user['_id']}") == changed

    assert control("DELETE", f"/_fake/users/{user['_id']}").status_code == 204
    assert control.ok("GET", "/_fake/users") == {"users": []}


def test_the_password_of_a_user_is_never_told(control: Caller) -> None:
    user = ada(control, password="hunter2", active=False)

    assert "hunter2" not in json.dumps([user, control.ok("GET", "/_fake/users")])


def test_a_token_is_issued_looked_at_and_revoked(control: Caller) -> None:
    control.ok("POST", "/_fake/clock/freeze", {"at": "2026-01-01T10:00:00+01:00"})
    user = ada(control)
    token = control.ok(
        "POST", f"/_fake/users/{user['_id']}/tokens", {"jti": "a/b", "expires_in_s": 60, "claims": {"note": "x"}}
    )

    assert token.pop("jwt") in token.pop("authorization")
    assert token == {
        "_id": control.fake.tokens["a/b"].id,
        "jti": "a/b",
        "id_user": user["_id"],
        "createdAt": "2026-01-01T09:00:00.000Z",
        "updatedAt": "2026-01-01T09:00:00.000Z",
        "expiresAt": "2026-01-01T09:01:00.000Z",
        "revoked": False,
    }
    assert control.ok("GET", "/_fake/tokens/a%2Fb")["jti"] == "a/b"

    control.ok("POST", "/_fake/clock/advance", {"seconds": 1.5})
    revoked = control.ok("POST", "/_fake/tokens/a%2Fb/revoke")
    assert (revoked["revoked"], revoked["updatedAt"]) == (True, "2026-01-01T09:00:01.500Z")
    assert control.ok("GET", f"/_fake/users/{user['_id']}/tokens")["tokens"] == [revoked]


def test_tokens_are_listed_the_newest_first_and_may_have_expired(control: Caller) -> None:
    path = f"/_fake/users/{ada(control)['_id']}/tokens"
    control.ok("POST", path, {"jti": "old", "createdAt": "2026-01-01T00:00:00Z", "expires_in_s": -1})
    control.ok("POST", path, {"jti": "new", "expiresAt": None, "revoked": True})

    tokens = control.ok("GET", path)["tokens"]

    assert [(token["jti"], token["expiresAt"], token["revoked"]) for token in tokens] == [
        ("new", None, True),
        ("old", "2025-12-31T23:59:59.000Z", False),
    ]


def test_the_clock_is_frozen_moved_and_let_go(control: Caller) -> None:
    assert control.ok("POST", "/_fake/clock/freeze", {"at": "2026-01-01T00:00:00Z"}) == {
        "now": "2026-01-01T00:00:00.000Z",
        "frozen": True,
    }
    moved = control.ok("POST", "/_fake/clock/advance", {"days": 1, "hours": 1, "minutes": 1, "seconds": 1})
    assert moved["now"] == "2026-01-02T01:01:01.000Z"
    assert control.ok("GET", "/_fake/clock") == moved
    assert control.ok("POST", "/_fake/clock/resume")["frozen"] is False


def test_a_fault_is_planned_met_and_cleared(control: Caller) -> None:
    fault = control.ok(
        "POST", "/_fake/faults",
        {"operation": "listTokens", "status": 503, "times": 2, "when": {"page": 2, "direction": None}, "body": [1.0]},
    )  # fmt: skip

    assert control.ok("GET", "/_fake/faults") == {"faults": [fault]}
    assert (fault["left"], fault["when"], fault["body"]) == (2, {"page": "2", "direction": None}, [1])
    assert fault["text"] == control.fake.faults.unspent[0]
    assert listed(control, "?page=2").json() == [1]
    assert control.ok("GET", "/_fake/faults")["faults"][0]["left"] == 1
    assert control("DELETE", "/_fake/faults").status_code == 204
    assert control.ok("GET", "/_fake/faults") == {"faults": []}


def test_a_fault_may_answer_with_bytes(control: Caller) -> None:
    encoded = base64.b64encode(b"\xff\x00").decode()
    fault = control.ok("POST", "/_fake/faults", {"operation": "*", "status": 500, "body_base64": encoded})

    assert (fault["body"], fault["body_base64"]) == (None, encoded)
    assert listed(control).content == b"\xff\x00"


def test_the_journal_tells_what_was_called(control: Caller) -> None:
    user = ada(control)
    listed(control, "?page=0", user["authorization"])
    listed(control, "?nothing=1")

    journal = control.ok("GET", "/_fake/journal")

    first, second = journal["exchanges"]
    assert (journal["total"], journal["dropped"]) == (2, 0)
    assert (first["number"], first["operation"], first["method"]) == (1, "listTokens", "GET")
    assert (first["target"], first["query"], first["path_params"]) == ("/v3/jwt/history?page=0", {"page": "0"}, {})
    assert first["user"] == {"_id": user["_id"], "email": "ada@example.com"}
    assert (first["status"], first["fault"], first["violations"]) == (200, None, [])
    assert (second["status"], second["user"]) == (401, None)
    assert second["reason"]
    assert [each["rule"] for each in second["violations"]] == ["unknown-parameter"]
    assert second["text"] == str(control.fake.journal.exchanges[1])


def test_the_journal_is_asked_for_some_of_it(control: Caller) -> None:
    user = ada(control)
    for jti in ("phone", "a/b"):
        path = f"/v3/jwt/history/{jti.replace('/', '%2F')}"
        control("DELETE", path, headers={"Authorization": user["authorization"]})
    listed(control)

    def numbers(query: str) -> list[int]:
        return [each["number"] for each in control.ok("GET", f"/_fake/journal?{query}")["exchanges"]]

    assert numbers("operation=listTokens") == [3]
    assert numbers("status=404") == [1, 2]
    assert numbers("user=ada@example.com") == numbers(f"user={user['_id']}") == [1, 2]
    assert numbers("after=2") == [3]
    assert numbers("jti=a%2Fb&status=404") == [2]
    assert control("DELETE", "/_fake/journal").status_code == 204
    assert (numbers(""), control.ok("GET", "/_fake/journal")["total"]) == ([], 3)


def test_the_control_api_itself_is_never_in_the_journal(control: Caller) -> None:
    for path in ("", "/", "/health", "/nowhere", "/users/5", "/journal?x=1"):
        control("GET", f"/_fake{path}")

    assert control.ok("GET", "/_fake/journal")["total"] == 0


def test_the_verdict_tells_what_pytest_would_and_outlives_the_journal(control: Caller) -> None:
    assert control.ok("GET", "/_fake/verdict") == {"ok": True, "violations": [], "unspent_faults": [], "text": "ok"}

    listed(control, "?nothing=1")
    control.ok("POST", "/_fake/faults", {"operation": "*", "status": 503})
    control("DELETE", "/_fake/journal")
    verdict = control.ok("GET", "/_fake/verdict")

    assert verdict == control.ok("GET", "/_fake/verdict")
    assert verdict["ok"] is False
    assert [each["rule"] for each in verdict["violations"]] == ["unknown-parameter"]
    assert verdict["unspent_faults"] == ["*: status 503, 1 left"]
    assert verdict["text"].endswith('@pytest.mark.tiledesk(allow=["unknown-parameter", "unspent-fault"])')

    allowed = control.ok("GET", "/_fake/verdict?allow=unknown-parameter,unspent-fault")
    assert (allowed["ok"], allowed["text"]) == (True, "ok")
    assert control.ok("GET", "/_fake/verdict?allow=unspent-fault")["unspent_faults"] == []

    control.ok("POST", "/_fake/reset")
    assert control.ok("GET", "/_fake/verdict")["ok"] is True


def test_a_rule_that_there_is_not_cannot_be_allowed(control: Caller) -> None:
    problem = control("GET", "/_fake/verdict?allow=unspent-fualt").json()

    assert problem["valid"] == list(RULES)
    assert "did you mean 'unspent-fault'" in problem["detail"]


def test_the_profile_is_replaced_and_the_contract_follows(control: Caller) -> None:
    user = ada(control)
    defaults = control.ok("GET", "/_fake/profile")

    turned = control.ok("PUT", "/_fake/profile", {"list-envelope": "bare"})

    assert turned == {**defaults, "list-envelope": "bare"}
    assert listed(control, authorization=user["authorization"]).json() == []
    assert control.ok("GET", "/_fake/contract.json") == contract.load({"list-envelope": "bare"}).document
    assert control.ok("PUT", "/_fake/profile") == defaults


def test_what_decided_is_told_beside_the_exchanges_and_goes_only_when_that_is_asked_for(control: Caller) -> None:
    listed(control, "?page=0", ada(control)["authorization"])
    told = control.ok("GET", "/_fake/journal")

    assert told["touched"] == told["exchanges"][0]["touched"] == ["list-envelope", "page-base", "page-size"]

    control("DELETE", "/_fake/journal")
    control.ok("POST", "/_fake/reset", {})
    assert control.ok("GET", "/_fake/journal")["touched"] == told["touched"]

    assert control("DELETE", "/_fake/journal/touched").status_code == 204
    assert control.ok("GET", "/_fake/journal")["touched"] == []


@pytest.mark.parametrize(
    ("query", "touched"), [("", CHOICES), ("?touch=", ()), ("?touch=page-base,page-size", ("page-base", "page-size"))]
)
def test_whoever_asks_for_the_profile_goes_by_it_as_far_as_touch_says(
    control: Caller, query: str, touched: Iterable[str]
) -> None:
    assert control.ok("GET", f"/_fake/profile{query}").keys() == CHOICES.keys()
    assert control.ok("GET", "/_fake/journal")["touched"] == sorted(touched)


def test_to_turn_the_profile_is_not_to_go_by_it(control: Caller) -> None:
    control.ok("PUT", "/_fake/profile", {"page-base": "1"})

    assert control.ok("GET", "/_fake/journal")["touched"] == []


def test_the_control_api_describes_itself(control: Caller) -> None:
    assert control.ok("GET", "/_fake/openapi.json") == yaml.safe_load(description.CONTROL.read_text(encoding="utf-8"))


def test_a_scenario_that_was_saved_can_be_loaded_elsewhere(control: Caller) -> None:
    control.ok("POST", "/_fake/clock/freeze", {"at": "2026-01-01T00:00:00Z"})
    user = ada(control, firstname="Ada", _id="5e0000000000000000000001")
    path = f"/_fake/users/{user['_id']}/tokens"
    control.ok("POST", path, {"jti": "phone", "claims": {"note": [1, {}]}, "expires_in_s": 60})
    control.ok("POST", "/_fake/clock/advance", {"seconds": 30})
    control.ok("POST", "/_fake/tokens/phone/revoke")
    scenario = control.ok("GET", "/_fake/scenario")

    with listening() as other:
        assert other.ok("POST", "/_fake/scenario", scenario) == {"users": 1, "tokens": 1}
        assert other.ok("GET", "/_fake/scenario") == scenario
        assert (other.fake.tokens["phone"].updated_at, other.fake.clock.frozen) == (moment(1_767_225_630_000), True)
        assert other.ok("GET", "/_fake/users") == control.ok("GET", "/_fake/users")
    assert scenario["users"][0]["password"] == "secret"


def test_a_scenario_may_be_yaml(control: Caller) -> None:
    text = "users:\n  - email: ada@example.com\n    tokens: [{jti: phone}, {}]\n"

    loaded = control("POST", "/_fake/scenario", json=None, data=text, headers={"Content-Type": "application/yaml"})

    assert (loaded.status_code, loaded.json()) == (201, {"users": 1, "tokens": 2})


def test_snapshots_are_restored_also_after_a_reset_and_the_last_hundred_are_kept(control: Caller) -> None:
    ada(control)
    first = control.ok("POST", "/_fake/snapshots")["id"]
    control.ok("POST", "/_fake/reset")
    assert control.ok("GET", "/_fake/users") == {"users": []}

    assert control("POST", f"/_fake/snapshots/{first}/restore").status_code == 204
    assert len(control.ok("GET", "/_fake/users")["users"]) == 1

    for _ in range(100):
        control.ok("POST", "/_fake/snapshots")
    assert control("POST", f"/_fake/snapshots/{first}/restore").status_code == 404


def test_a_reset_leaves_the_profile(control: Caller) -> None:
    control.ok("PUT", "/_fake/profile", {"page-base": "1"})
    control.ok("POST", "/_fake/reset")

    assert control.ok("GET", "/_fake/profile")["page-base"] == "1"


def test_the_page_is_one_file_that_may_load_nothing(control: Caller) -> None:
    page, same = control("GET", "/_fake"), control("GET", "/_fake/")

    assert page.text == same.text
    assert len(page.content) < 60_000
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_head_is_get_without_a_body_and_get_changes_nothing(control: Caller) -> None:
    ada(control)
    before = control.ok("GET", "/_fake/scenario")
    for route in description.routes():
        # A plain server has no authority to show.
        if route.method == "GET" and not route.names and route.id not in ("checkHealth", "showAuthority"):
            path = route.pattern.pattern.replace("\\", "").removesuffix("/?")
            assert control("HEAD", path).content == b""
            control("GET", path)

    assert control.ok("GET", "/_fake/scenario") == before


def test_what_goes_wrong_reads_as_in_python(control: Caller) -> None:
    fake = TiledeskFake()
    for body in ({"email": ""}, {"email": "a", "active": "yes"}, {"email": "a", "password": 5}):
        with pytest.raises(MisuseError) as raised:
            fake.add_user(**body)

        assert control("POST", "/_fake/users", body).json()["detail"] == str(raised.value)
