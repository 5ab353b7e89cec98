"""The whole fake against a model of the history that shares no code with it: a list of dicts and `sorted`."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from tests.choices import profiles
from tests.wsgi import Reply, call
from tiledesk_fake import AlreadyExists, Snapshot, TiledeskFake

HISTORY = "/v3/jwt/history"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEW_YEAR_MS = 1_767_225_600_000
FIELDS = ["createdAt", "updatedAt", "expiresAt", "jti", "_id", "id_user", "revoked", "__v"]
ADA, BOB, OFF = "5e000000000000000000000a", "5e000000000000000000000b", "5e000000000000000000000c"
# By id: e-mail address, password, whether active.
USERS = {
    ADA: ("ada@example.com", "adapass", True),
    BOB: ("bob@example.com", "bobpass", True),
    OFF: ("off@example.com", "offpass", False),
}
UNAUTHORIZED = (401, b"Unauthorized")
UNKNOWN_ID = "0" * 24
NEW_ID = "one that nobody has had"
"""Stands for the id of a phantom until an answer tells it."""
COERCED_DIRECTIONS = {None: -1, "": -1, "1": 1, "-1": -1, "asc": 1, "DESC": -1, "Descending": -1}
COERCED_PAGES = {
    **{str(number): number for number in range(4)},
    "": 0,
    "x": 0,
    "-1": -1,
    " 1": 1,
    "0x1": 1,
    "1e0": 1,
    "1.5": 1.5,
    "2147483647": 2**31,
    "2147483648": 2**31,
}


def iso(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Credentials:
    """What a client holds: the header, and whom, which token and which expiry it stands for."""

    header: str
    user_id: str
    id: str = ""
    jti: str = ""
    expires_ms: int | None = None


@dataclass
class Model:
    """What a correct server remembers and answers."""

    profile: dict[str, str]
    now_ms: int = NEW_YEAR_MS
    records: list[dict[str, Any]] = field(default_factory=list)

    def holds(self, key: str, value: str) -> bool:
        return any(record.get(key) == value for record in self.records)

    def caller(self, credentials: Credentials) -> str | None:
        if not USERS[credentials.user_id][2]:
            return None
        if credentials.expires_ms is not None and self.now_ms >= credentials.expires_ms:
            return None
        if self.profile["revocation-enforced"] == "yes" and any(
            record.get("jti") == credentials.jti and record["revoked"] for record in self.records
        ):
            return None
        return credentials.user_id

    def listing(self, credentials: Credentials, query: dict[str, str]) -> tuple[int, Any]:
        user_id = self.caller(credentials)
        if user_id is None:
            return UNAUTHORIZED
        first_page, size = int(self.profile["page-base"]), int(self.profile["page-size"])
        sort_parameter = self.profile["sort-parameter"]
        sort, direction, page = query.get(sort_parameter), query.get("direction"), query.get("page")
        mine = [record for record in self.records if record.get("id_user") == user_id]
        if self.profile["revoked-listed"] == "no":
            mine = [record for record in mine if not record["revoked"]]
        if self.profile["invalid-query"] == "coerce":
            if direction not in COERCED_DIRECTIONS and sort != "__proto__":
                return 500, {"err": "error"}
            if sort and sort not in FIELDS:
                # As they were issued.
                ordered = mine
            else:
                ordered = self.ordered(mine, sort or "createdAt", COERCED_DIRECTIONS[direction] == -1)
            skipped = max(0, int((COERCED_PAGES.get(page or "", first_page) - first_page) * size))
            return 200, self.enveloped(ordered, skipped, size)
        if sort is not None and sort not in FIELDS:
            if self.profile["invalid-query"] != "ignore":
                return self.invalid(sort_parameter)
            sort = None
        if direction not in (None, "1", "-1"):
            if self.profile["invalid-query"] != "ignore":
                return self.invalid("direction")
            direction = None
        if page is not None and page not in [str(number) for number in (*range(first_page, 100), 2**31 - 1)]:
            if self.profile["invalid-query"] != "ignore":
                return self.invalid("page")
            page = None
        ordered = self.ordered(mine, sort or "createdAt", direction != "1")
        return 200, self.enveloped(ordered, (int(page or first_page) - first_page) * size, size)

    def ordered(self, records: list[dict[str, Any]], key: str, descending: bool) -> list[dict[str, Any]]:
        # Times in ISO 8601 sort as text; a missing one before all others.
        if self.profile["tie-order"] == "natural":
            # What ties keeps its place, also where the order is reversed.
            return sorted(records, key=lambda record: (key in record, record.get(key)), reverse=descending)
        return sorted(records, key=lambda record: (key in record, record.get(key), record["_id"]), reverse=descending)

    def enveloped(self, ordered: list[dict[str, Any]], skipped: int, size: int) -> Any:
        shown = ordered[skipped : skipped + size]
        if self.profile["list-envelope"] == "bare":
            return shown
        return {"perPage": size, "count": len(ordered), self.profile["list-envelope"]: shown}

    def invalid(self, name: str) -> tuple[int, Any]:
        if self.profile["invalid-query"] == "fail":
            return 500, {"err": "error"}
        return 400, {"success": False, "msg": name}

    def revocation(self, credentials: Credentials, key: str, value: str) -> tuple[int, Any]:
        user_id = self.caller(credentials)
        if user_id is None:
            return UNAUTHORIZED
        if key == "_id":
            value = value.lower()
            hex_digits = len(value) == 24 and set(value) <= set("0123456789abcdef")
            if not hex_digits and self.profile["malformed-id"] == "fail":
                return 500, {"success": False, "msg": "Error deleting object."}
        found = [record for record in self.records if record.get(key) == value]
        if (
            not found
            or (found[0].get("id_user", user_id) != user_id and self.profile["revoke-foreign"] == "unknown")
            or (found[0]["revoked"] and self.profile["revoke-again"] == "unknown")
        ):
            if self.profile["revoke-unknown"] == "null":
                return 200, None
            if self.profile["revoke-unknown"] == "404":
                return 404, {"success": False, "msg": "Object not found."}
            now = iso(self.now_ms)
            phantom = {"_id": NEW_ID, "revoked": True, "createdAt": now, "updatedAt": now, "__v": 0}
            if key == "jti" or hex_digits:
                phantom[key] = value
            if not found:
                self.records.append(phantom)
            found = [phantom]
        elif found[0]["revoked"] and self.profile["revoke-again"] == "touched":
            found[0]["updatedAt"] = iso(self.now_ms)
        self.revoke(found[0])
        answers = {"record": found[0], "success": {"success": True}, "counts": {"n": 1, "ok": 1, "deletedCount": 1}}
        return 200, answers[self.profile["revoke-answer"]]

    def revoke(self, record: dict[str, Any]) -> None:
        if not record["revoked"]:
            record["revoked"] = True
            record["updatedAt"] = iso(self.now_ms)


USER_IDS = st.sampled_from(list(USERS))
JTIS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4) | st.sampled_from(
    ["id", "id/x", "a/b", ".", "..", "%", "%2F", "+", "$ne", "__proto__", "\0", "?", "#", "x" * 4000]
)
STEPS = st.sampled_from([timedelta(), timedelta(milliseconds=1), timedelta(seconds=1), timedelta(hours=1)])
PROFILES = profiles(without=("server-quirks",))
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "sortField": st.sampled_from(FIELDS),
        "sort": st.sampled_from(FIELDS),
        "direction": st.sampled_from(["1", "-1"]),
    },
)
ODD_QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "sortField": st.sampled_from(["jti", "created_at", ""]),
        "sort": st.sampled_from(["jti", "nothing", "__proto__"]),
        "direction": st.sampled_from(["1", "0", "", *filter(None, COERCED_DIRECTIONS)]),
        "page": st.sampled_from(list(COERCED_PAGES)),
        "other": st.just("x"),
    },
)


class HistoryMachine(RuleBasedStateMachine):
    held = Bundle("held")
    marks = Bundle("marks")

    @initialize(target=held, profile=PROFILES, count=st.sampled_from([0, 3, 15, 50]), random=st.randoms())
    def start(self, profile: dict[str, str], count: int, random: Random) -> Any:
        """A history that has everything to sort by, and more than a page of it."""
        self.fake = TiledeskFake(profile=profile)
        self.model = Model(profile)
        self.add_users()
        self.fake.clock.freeze(EPOCH + timedelta(milliseconds=NEW_YEAR_MS))
        self.basic = {
            user.id: Credentials(user.authorization, user.id) for user in self.fake.users.values() if user.active
        }
        issued = [
            self.issue_one(
                random.choice([ADA, ADA, BOB]),
                created_ms=NEW_YEAR_MS - random.choice([0, 1, 60_000]),
                expires_after=random.choice([None, timedelta(hours=1), timedelta(hours=2)]),
                revoked=random.choice([False, False, True]),
                id=f"{random.getrandbits(80):020x}{position:04x}",
            )
            for position in range(count)
        ]
        # Basic works whatever happens to the tokens.
        return multiple(*self.basic.values(), *issued[:3])

    def add_users(self) -> None:
        for id, (email, password, active) in USERS.items():
            self.fake.add_user(id=id, email=email, password=password, active=active)

    @rule(
        target=held,
        user_id=USER_IDS,
        count=st.sampled_from([1, 2, 15]),
        created_after=STEPS,
        expires_after=st.none() | STEPS,
        revoked=st.sampled_from([False, False, True]),
    )
    def issue(
        self, user_id: str, count: int, created_after: timedelta, expires_after: timedelta | None, revoked: bool
    ) -> Any:
        created_ms = self.model.now_ms + created_after // timedelta(milliseconds=1)
        issued = [
            self.issue_one(user_id, created_ms=created_ms, expires_after=expires_after, revoked=revoked)
            for _ in range(count)
        ]
        return multiple(*issued[:2])

    def issue_one(
        self,
        user_id: str,
        *,
        created_ms: int,
        expires_after: timedelta | None = None,
        revoked: bool = False,
        id: str | None = None,
        jti: str | None = None,
    ) -> Credentials:
        """Issue a token in the fake and in the model; what a client can do with it."""
        token = self.fake.issue_token(
            self.fake.users[USERS[user_id][0]],
            created_at=None if created_ms == self.model.now_ms else EPOCH + timedelta(milliseconds=created_ms),
            expires_in=expires_after,
            revoked=revoked,
            id=id,
            jti=jti,
        )
        record = {
            "_id": id or token.id,
            "jti": jti or token.jti,
            "id_user": user_id,
            "revoked": revoked,
            "createdAt": iso(created_ms),
            "updatedAt": iso(created_ms),
            "__v": 0,
        }
        expires_ms = None
        if expires_after is not None:
            # In whole seconds, as a JWT tells it.
            expires_ms = (created_ms + expires_after // timedelta(milliseconds=1)) // 1000 * 1000
            record["expiresAt"] = iso(expires_ms)
        self.model.records.append(record)
        return Credentials(token.authorization, user_id, str(record["_id"]), str(record["jti"]), expires_ms)

    @rule(target=held, user_id=USER_IDS, jti=JTIS, id=st.integers(0, 2**96 - 1).map("{:024x}".format))
    def issue_by_name(self, user_id: str, jti: str, id: str) -> Any:
        if self.model.holds("jti", jti) or self.model.holds("_id", id):
            try:
                self.fake.issue_token(self.fake.users[USERS[user_id][0]], jti=jti, id=id)
            except AlreadyExists:
                return multiple()
            raise AssertionError(f"the jti {jti!r} or the id {id} was given twice")
        return self.issue_one(user_id, created_ms=self.model.now_ms, jti=jti, id=id)

    @rule(user_id=st.sampled_from([ADA, BOB]), order=ORDERS)
    def list_all_pages(self, user_id: str, order: dict[str, str]) -> None:
        for page in range(4):
            self.list_(self.basic[user_id], {**order, "page": str(page)})

    @rule(credentials=held, query=ODD_QUERIES)
    def list_(self, credentials: Credentials, query: dict[str, str]) -> None:
        expected = self.model.listing(credentials, query)

        reply = self.call("GET", f"?{urlencode(query)}" if query else "", credentials)

        self.compare(reply, expected)

    @rule(credentials=held, wanted=held)
    def revoke_by_jti(self, credentials: Credentials, wanted: Credentials) -> None:
        self.revoke("jti", wanted.jti or "no such jti", credentials)

    @rule(credentials=held, wanted=held, capitals=st.booleans())
    def revoke_by_id(self, credentials: Credentials, wanted: Credentials, capitals: bool) -> None:
        id = wanted.id or UNKNOWN_ID
        self.revoke("_id", id.upper() if capitals else id, credentials)

    @rule(wanted=held)
    def revoke_own_twice(self, wanted: Credentials) -> None:
        if wanted.id and wanted.user_id in self.basic:
            self.revoke("jti", wanted.jti, self.basic[wanted.user_id])
            self.advance(timedelta(seconds=1), back=False)
            self.revoke("_id", wanted.id, self.basic[wanted.user_id])

    @rule(user_id=st.sampled_from([ADA, BOB]), text=JTIS)
    def revoke_by_what_is_no_id(self, user_id: str, text: str) -> None:
        self.revoke("_id", text, self.basic[user_id])

    def revoke(self, key: str, value: str, credentials: Credentials) -> None:
        expected = self.model.revocation(credentials, key, value)

        reply = self.call("DELETE", f"/{'id/' if key == '_id' else ''}{quote(value, safe='')}", credentials)

        _, record = expected
        if isinstance(record, dict) and record.get("_id") == NEW_ID:
            id = reply.json["_id"]
            assert len(id) == 24
            assert not self.model.holds("_id", id)
            record["_id"] = id
        self.compare(reply, expected)

    @rule(wanted=held)
    def revoke_in_python(self, wanted: Credentials) -> None:
        for record in self.model.records:
            if record["_id"] == wanted.id and record.get("jti") == wanted.jti and "id_user" in record:
                self.model.revoke(record)
                assert self.fake.revoke(jti=wanted.jti).revoked

    @rule(step=STEPS, back=st.booleans())
    def advance(self, step: timedelta, back: bool) -> None:
        step = -step if back else step
        self.fake.clock.advance(step)
        self.model.now_ms += step // timedelta(milliseconds=1)

    @rule(step=STEPS)
    def freeze(self, step: timedelta) -> None:
        self.model.now_ms = NEW_YEAR_MS + step // timedelta(milliseconds=1)
        self.fake.clock.freeze(EPOCH + timedelta(milliseconds=self.model.now_ms))

    @rule(target=marks)
    def snapshot(self) -> tuple[Snapshot, Model]:
        return self.fake.snapshot(), deepcopy(self.model)

    @rule(mark=marks)
    def restore(self, mark: tuple[Snapshot, Model]) -> None:
        self.fake.restore(mark[0])
        self.model = deepcopy(mark[1])

    @precondition(lambda self: len(self.model.records) > 20)
    @rule()
    def reset(self) -> None:
        self.fake.reset()
        assert len(self.fake.users) == 0
        self.model = Model(self.model.profile)
        self.add_users()
        self.fake.clock.freeze(EPOCH + timedelta(milliseconds=NEW_YEAR_MS))

    @invariant()
    def python_sees_the_same(self) -> None:
        for email, user in self.fake.users.items():
            mine = [record for record in self.model.records if record.get("id_user") == user.id]
            mine.sort(key=lambda record: (record["createdAt"], record["_id"]), reverse=True)
            expected = [(record["_id"], record["jti"], record["revoked"]) for record in mine]
            assert [(token.id, token.jti, token.revoked) for token in self.fake.history(user)] == expected, email

    def call(self, method: str, rest: str, credentials: Credentials) -> Reply:
        return call(self.fake.wsgi_app, method, HISTORY + rest, [("Authorization", credentials.header)])

    def compare(self, reply: Reply, expected: tuple[int, Any]) -> None:
        status, body = expected
        if status == 401:
            assert (reply.status, reply.body) == UNAUTHORIZED
            return
        answered = reply.json
        if status == 400:
            # What follows the name is for people.
            assert answered["msg"].startswith(f"{body['msg']}: ")
            answered["msg"] = body["msg"]
        assert (reply.status, answered) == expected


HistoryMachine.TestCase.settings = settings(
    deadline=None, max_examples=25, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
TestTheFakeAnswersAsTheModel = HistoryMachine.TestCase
