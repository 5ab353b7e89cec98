"""The journal: what was sent and answered, in bounds, and what its assertions say when they fail."""

import inspect
import itertools
import threading
from datetime import UTC, datetime
from textwrap import dedent
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import ask
from tiledesk_fake import MisuseError, TiledeskFake, Token, User
from tiledesk_fake.core.journal import MOST_BYTES, MOST_EXCHANGES, MOST_VIOLATIONS, Exchange, Journal
from tiledesk_fake.core.redaction import redacted
from tiledesk_fake.violations.violation import Violation

HISTORY = "/v3/jwt/history"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake()
    fake.clock.freeze(NEW_YEAR)
    return fake


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


@pytest.fixture
def phone(fake: TiledeskFake, ada: User) -> Token:
    return fake.issue_token(ada, jti="phone")


def exchange(number: int = 0, *, size: int = 0, violations: int = 0) -> Exchange:
    violation = Violation("unknown-path", "Do this.", "that", str(number), "openapi/jwt.yaml:1", "curl")
    target = f"/{number}".ljust(size, "x")
    return Exchange(0, None, "GET", target, {}, {}, None, 404, None, (violation,) * violations)


# What an exchange tells


def test_an_exchange_tells_what_was_sent_and_answered(fake: TiledeskFake, ada: User, phone: Token) -> None:
    ask(fake, ada.authorization, "GET", f"{HISTORY}?page=0&page=1&sortField=j%74i")

    (heard,) = fake.journal.exchanges
    assert heard.at == NEW_YEAR
    assert heard.operation == "listTokens"
    assert heard.method == "GET"
    assert heard.target == f"{HISTORY}?page=0&page=1&sortField=j%74i"
    assert heard.path_params == {}
    assert heard.query == {"page": "0", "sortField": "jti"}
    assert heard.user == ada
    assert heard.status == 400
    assert heard.fault is None
    assert [violation.rule for violation in heard.violations] == ["repeated-parameter"]
    assert list(heard.violations) == fake.journal.violations


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(lambda jti: redacted(jti) == jti)
)
@settings(deadline=None)
def test_the_jti_is_told_decoded(jti: str) -> None:
    fake = TiledeskFake()
    ask(fake, None, "DELETE", f"{HISTORY}/{quote(jti, safe='')}")

    (heard,) = fake.journal.exchanges
    assert heard.operation == "revokeTokenByJti"
    assert heard.path_params == {"jti": jti}


def test_who_was_not_let_in_is_nobody(fake: TiledeskFake, ada: User) -> None:
    ask(fake, None, "GET", HISTORY)
    ask(fake, "JWT a.b.c", "GET", HISTORY)

    assert [(heard.status, heard.user) for heard in fake.journal.exchanges] == [(401, None), (401, None)]


def test_a_request_for_no_operation_is_told_too(fake: TiledeskFake) -> None:
    ask(fake, None, "GET", "/nowhere")
    ask(fake, None, "OPTIONS", HISTORY)

    assert [(heard.operation, heard.status) for heard in fake.journal.exchanges] == [(None, 404), (None, 204)]


def test_head_is_told_as_the_operation_it_asks_about(fake: TiledeskFake, phone: Token) -> None:
    ask(fake, phone.authorization, "HEAD", HISTORY)

    fake.journal.assert_called("listTokens", status=200, times=1)


def test_an_exchange_reads_as_one_line(fake: TiledeskFake, ada: User, phone: Token) -> None:
    ask(fake, ada.authorization, "DELETE", f"{HISTORY}/phone")
    fake.faults.add("listTokens", status=503)
    ask(fake, phone.authorization, "GET", f"{HISTORY}?Page=1")

    assert [str(heard) for heard in fake.journal.exchanges] == [
        "DELETE /v3/jwt/history/phone -> 200  by ada@example.com",
        "GET /v3/jwt/history?Page=1 -> 503  fault: listTokens: status 503  broke unknown-parameter",
    ]


def test_a_violation_reads_as_a_paragraph(fake: TiledeskFake) -> None:
    ask(fake, "Bearer abc", "GET", HISTORY)

    (violation,) = fake.journal.violations
    assert str(violation) == dedent(
        f"""\
        auth-scheme: Use the scheme word JWT before a token; the real server refuses every other word, Bearer included.
            expected  Authorization: JWT <token>, or Authorization: Basic <base64 of e-mail:password>
            got       Authorization: Bearer <redacted>
            contract  {violation.where}
            again     curl -H 'Authorization: Bearer <redacted>' http://127.0.0.1/v3/jwt/history"""
    )


def test_the_lists_are_copies(fake: TiledeskFake) -> None:
    ask(fake, None, "GET", "/nowhere")

    fake.journal.exchanges.clear()
    fake.journal.violations.clear()

    assert len(fake.journal.exchanges) == 1
    assert len(fake.journal.violations) == 1


# Assertions


@pytest.fixture
def busy(fake: TiledeskFake, ada: User, phone: Token) -> Journal:
    """ada has listed twice and revoked her phone; somebody has tried to."""
    laptop = fake.issue_token(ada, jti="laptop")
    ask(fake, ada.authorization, "GET", f"{HISTORY}?page=0")
    ask(fake, ada.authorization, "GET", f"{HISTORY}?page=1&direction=1")
    ask(fake, None, "DELETE", f"{HISTORY}/phone")
    ask(fake, laptop.authorization, "DELETE", f"{HISTORY}/phone")
    return fake.journal


SATISFIED: list[tuple[str, dict[str, Any]]] = [
    ("listTokens", {}),
    ("listTokens", {"times": 2}),
    ("listTokens", {"page": 0}),
    ("listTokens", {"page": "1", "direction": 1, "sortField": None, "times": 1}),
    ("listTokens", {"user": "ada@example.com", "times": 2}),
    ("listTokens", {"page": 7, "times": 0}),
    ("revokeTokenByJti", {"jti": "phone", "times": 2}),
    ("revokeTokenByJti", {"jti": "phone", "status": 200, "times": 1}),
    ("revokeTokenByJti", {"jti": "phone", "user": None, "status": 401, "times": 1}),
    ("revokeTokenById", {"times": 0}),
]


@pytest.mark.parametrize(("operation", "what"), SATISFIED, ids=str)
def test_what_was_called_can_be_asserted(busy: Journal, operation: str, what: dict[str, Any]) -> None:
    busy.assert_called(operation, **what)


def test_the_user_may_be_the_user_itself(busy: Journal, ada: User) -> None:
    busy.assert_called("revokeTokenByJti", user=ada, times=1)


def test_what_was_not_called_can_be_asserted(busy: Journal) -> None:
    busy.assert_not_called("revokeTokenById")
    busy.assert_not_called("revokeTokenByJti", jti="laptop")
    busy.assert_not_called("listTokens", status=401)


FAILURES: list[tuple[str, dict[str, Any], str]] = [
    (
        "listTokens",
        {"times": 1},
        """\
        expected listTokens to be called once; it was called twice:
          GET /v3/jwt/history?page=0 -> 200  by ada@example.com
          GET /v3/jwt/history?page=1&direction=1 -> 200  by ada@example.com""",
    ),
    (
        "revokeTokenByJti",
        {"jti": "laptop", "status": 200},
        """\
        expected revokeTokenByJti to be called at least once with jti='laptop', status='200'; \
it was called twice, never like this:
          DELETE /v3/jwt/history/phone -> 200  by ada@example.com
              differs in jti: expected 'laptop', got 'phone'
          DELETE /v3/jwt/history/phone -> 401
              differs in jti: expected 'laptop', got 'phone'; status: expected '200', got '401'""",
    ),
    (
        "revokeTokenByJti",
        {"jti": "phone", "user": "ada@example.com", "times": 2},
        """\
        expected revokeTokenByJti to be called twice with jti='phone', user='ada@example.com'; \
it was called twice, once like this:
          DELETE /v3/jwt/history/phone -> 200  by ada@example.com
              matches
          DELETE /v3/jwt/history/phone -> 401
              differs in user: expected 'ada@example.com', got nothing""",
    ),
    (
        "listTokens",
        {"sortField": "jti", "page": None, "times": 3},
        """\
        expected listTokens to be called 3 times with sortField='jti', page=nothing; \
it was called twice, never like this:
          GET /v3/jwt/history?page=0 -> 200  by ada@example.com
              differs in sortField: expected 'jti', got nothing; page: expected nothing, got '0'
          GET /v3/jwt/history?page=1&direction=1 -> 200  by ada@example.com
              differs in sortField: expected 'jti', got nothing; page: expected nothing, got '1'""",
    ),
    (
        "revokeTokenById",
        {"id": "5e0000000000000000000001", "times": 1},
        "expected revokeTokenById to be called once with id='5e0000000000000000000001'; it was not called; there "
        "were calls of listTokens, revokeTokenByJti",
    ),
]


@pytest.mark.parametrize(("operation", "what", "told"), FAILURES, ids=[f"{case[0]} {case[1]}" for case in FAILURES])
def test_a_failed_assertion_shows_the_near_misses(
    busy: Journal, operation: str, what: dict[str, Any], told: str
) -> None:
    with pytest.raises(AssertionError) as failure:
        busy.assert_called(operation, **what)

    assert str(failure.value) == dedent(told)


def test_an_assertion_says_when_there_was_nothing(fake: TiledeskFake) -> None:
    with pytest.raises(AssertionError) as failure:
        fake.journal.assert_called("listTokens")

    assert str(failure.value) == "expected listTokens to be called at least once; nothing was called"


def test_a_call_that_should_not_be_is_shown(busy: Journal) -> None:
    with pytest.raises(AssertionError) as failure:
        busy.assert_not_called("listTokens", page=0)

    assert str(failure.value) == (
        "expected listTokens not to be called with page='0'; it was, once:\n"
        "  GET /v3/jwt/history?page=0 -> 200  by ada@example.com"
    )


def test_of_many_calls_some_are_shown() -> None:
    fake = TiledeskFake()
    for page in range(14):
        ask(fake, None, "GET", f"{HISTORY}?page={page}")

    with pytest.raises(AssertionError) as called:
        fake.journal.assert_called("listTokens", page=99)
    with pytest.raises(AssertionError) as not_called:
        fake.journal.assert_not_called("listTokens")

    for failure in (called, not_called):
        lines = str(failure.value).splitlines()
        assert len([line for line in lines if "GET" in line]) == 10
        assert lines[-1] == "  … and 4 more"


def test_an_assertion_says_what_it_could_not_see() -> None:
    journal = Journal({"listTokens": ()})
    for number in range(MOST_EXCHANGES + 3):
        journal.add(exchange(number))

    with pytest.raises(AssertionError, match=r"\n\(3 older exchanges are no longer in the journal\)\Z"):
        journal.assert_called("listTokens")


def test_a_token_where_the_jti_should_be_does_not_get_into_the_message(busy: Journal, phone: Token) -> None:
    with pytest.raises(AssertionError) as failure:
        busy.assert_called("revokeTokenByJti", jti=phone.jwt)

    assert phone.jwt not in str(failure.value)
    assert "with jti='<redacted>'" in str(failure.value)


@pytest.mark.parametrize("jti", ["basic plan", "my token abc", "phone"])
def test_a_jti_that_looks_like_a_secret_is_found_all_the_same(fake: TiledeskFake, jti: str) -> None:
    ask(fake, None, "DELETE", f"{HISTORY}/{quote(jti)}")

    fake.journal.assert_called("revokeTokenByJti", jti=jti, times=1)


def test_a_failed_assertion_points_at_the_test() -> None:
    for method in (Journal.assert_called, Journal.assert_not_called):
        assert "__tracebackhide__" in inspect.unwrap(method).__code__.co_varnames


MISUSES: list[tuple[str, dict[str, Any], str]] = [
    ("listToken", {}, "there is no operation 'listToken'; did you mean 'listTokens'? Valid: listTokens, "),
    ("listTokens", {"jti": "phone"}, "listTokens cannot be asked for 'jti'"),
    (
        "listTokens",
        {"sortfield": "jti"},
        "listTokens cannot be asked for 'sortfield'; did you mean 'sortField'? Valid: ",
    ),
    ("revokeTokenByJti", {"id": "phone"}, "; Valid: jti, user, status"),
]


@pytest.mark.parametrize(("operation", "what", "told"), MISUSES, ids=[str(case[:2]) for case in MISUSES])
def test_asking_for_what_does_not_exist_is_misuse(operation: str, what: dict[str, Any], told: str) -> None:
    journal = TiledeskFake().journal

    with pytest.raises(MisuseError) as called:
        journal.assert_called(operation, **what)
    with pytest.raises(MisuseError) as not_called:
        journal.assert_not_called(operation, **what)

    assert told in str(called.value)
    assert str(not_called.value) == str(called.value)


@pytest.mark.parametrize("choice", ["sort", "sortField"])
def test_parameters_can_be_asked_for_by_every_name_that_a_choice_gives_them(choice: str) -> None:
    """A test that asks for what its client sent is right under any profile."""
    fake = TiledeskFake(profile={"sort-parameter": choice})
    ask(fake, None, "GET", f"{HISTORY}?sort=jti")

    fake.journal.assert_called("listTokens", sort="jti", sortField=None, times=1)
    fake.faults.add("listTokens", status=503, when={"sort": "jti", "sortField": None})
    assert ask(fake, None, "GET", f"{HISTORY}?sort=jti").status == 503


# Bounds


@given(st.lists(st.integers(0, 400_000), max_size=30))
@settings(deadline=None)
def test_it_holds_the_latest_exchanges_in_bounds_and_counts_the_others(sizes: list[int]) -> None:
    journal = Journal({})
    for number, size in enumerate(sizes):
        journal.add(exchange(number, size=size))

    held = journal.exchanges
    assert journal.dropped + len(held) == len(sizes) == journal.total
    assert sum(len(heard.target) for heard in held) <= MOST_BYTES
    assert [heard.target.strip("/x") for heard in held] == [
        str(number) for number in range(journal.dropped, len(sizes))
    ]


def test_it_holds_a_thousand_exchanges() -> None:
    journal = Journal({})
    for number in range(MOST_EXCHANGES + 234):
        journal.add(exchange(number))

    assert len(journal) == len(journal.exchanges) == 1_000
    assert journal.dropped == 234
    assert repr(journal) == "<Journal of 1000 exchanges, 0 violations, 234 dropped>"


def test_four_mebibytes_are_the_most_it_holds_whatever_is_long() -> None:
    names = MappingProxyType({f"p{number}": "" for number in range(4_000)})
    # An exchange that is long in one way, and how many of these are too many.
    long_ones = [
        (exchange(size=16_000), 100),
        (exchange()._replace(query=names), 10),
        (exchange(violations=20), 250),
    ]
    for long_one, too_many in long_ones:
        journal = Journal({})
        for _ in range(too_many):
            journal.add(long_one)

        assert 0 < len(journal) < too_many


def test_a_single_exchange_that_is_too_large_is_counted_only() -> None:
    journal = Journal({})
    journal.add(exchange(size=MOST_BYTES))

    assert (len(journal), journal.dropped) == (0, 1)


def test_the_first_violations_stay_though_their_exchanges_go() -> None:
    journal = Journal({})
    for number in range(MOST_VIOLATIONS + 50):
        journal.add(exchange(number, violations=1))
    for number in range(MOST_EXCHANGES):
        journal.add(exchange(number))

    first = [str(number) for number in range(100)]
    assert not any(heard.violations for heard in journal.exchanges)
    assert [violation.got for violation in journal.violations] == first
    assert [violation.got for violation in journal.take_violations()] == first


def test_it_counts_exactly_under_threads() -> None:
    journal = Journal({})
    numbers = itertools.count()

    def add() -> None:
        for _ in range(300):
            journal.add(exchange(next(numbers), violations=1))

    threads = [threading.Thread(target=add) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.total == 16 * 300
    assert journal.dropped == 16 * 300 - len(journal)
    assert len(journal.violations) == MOST_VIOLATIONS


# Forgetting


def test_clear_forgets_exchanges_and_violations(busy: Journal) -> None:
    busy.clear()

    assert (busy.exchanges, busy.violations, busy.dropped) == ([], [], 0)
    busy.assert_not_called("listTokens")


def test_violations_are_taken_once_and_survive_a_clear(fake: TiledeskFake) -> None:
    ask(fake, None, "GET", "/nowhere")
    fake.reset()
    ask(fake, None, "POST", HISTORY)

    assert [violation.rule for violation in fake.journal.take_violations()] == ["unknown-path", "unknown-method"]
    assert fake.journal.take_violations() == []
    assert [violation.rule for violation in fake.journal.violations] == ["unknown-method"]


@given(st.lists(st.sampled_from(["add", "clear", "mark", "many"]), max_size=20))
@settings(deadline=None, max_examples=50)
def test_what_came_since_a_mark_is_known_whatever_was_dropped_or_cleared(steps: list[str]) -> None:
    journal = Journal({})
    numbers = itertools.count()
    mark = 0
    held: list[str] = []
    for step in steps:
        if step == "clear":
            journal.clear()
            held = []
        elif step == "mark":
            mark = journal.total
            held = []
        else:
            for number in itertools.islice(numbers, MOST_EXCHANGES if step == "many" else 1):
                journal.add(exchange(number))
                held.append(f"/{number}")

    assert [heard.target for heard in journal.since(mark)] == held[-MOST_EXCHANGES:]


# Secrets

SECRET_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.U0VDUkVU"


@pytest.mark.parametrize(
    ("method", "target", "authorization", "secrets"),
    [
        ("GET", HISTORY, "Basic YWRhOmh1bnRlcjI=", ["YWRhOmh1bnRlcjI", "hunter2"]),
        ("GET", HISTORY, f"JWT {SECRET_JWT}", [SECRET_JWT, "U0VDUkVU"]),
        ("GET", HISTORY, f"Bearer {SECRET_JWT} hunter2", [SECRET_JWT, "U0VDUkVU", "hunter2"]),
        ("GET", HISTORY, "hunter2", ["hunter2"]),
        ("GET", f"{HISTORY}?secret_token=hunter2", None, ["hunter2"]),
        ("GET", f"{HISTORY}?page={SECRET_JWT}", None, [SECRET_JWT, "U0VDUkVU"]),
        ("GET", f"{HISTORY}?{SECRET_JWT}", None, [SECRET_JWT, "U0VDUkVU"]),
        ("GET", f"{HISTORY}?Password=hunter2&api%5Fkey=hunter3", None, ["hunter2", "hunter3"]),
        ("DELETE", f"{HISTORY}/{SECRET_JWT}", None, [SECRET_JWT, "U0VDUkVU"]),
        ("DELETE", f"{HISTORY}/Bearer%20hunter2", None, ["hunter2"]),
        ("GET", f"/v3/{SECRET_JWT}", None, [SECRET_JWT, "U0VDUkVU"]),
        ("GET", f"http://ada:hunter2@127.0.0.1{HISTORY}", None, ["hunter2"]),
    ],
)
def test_credentials_are_nowhere_in_it(
    fake: TiledeskFake, method: str, target: str, authorization: str | None, secrets: list[str]
) -> None:
    ask(fake, authorization, method, target)

    (heard,) = fake.journal.exchanges
    told = f"{heard} {heard!r} {fake.journal.violations} {fake.journal!r} {fake!r}"
    assert not [secret for secret in secrets if secret in told]


def test_the_jti_stays_readable(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    ask(fake, token.authorization, "DELETE", f"{HISTORY}/{token.jti}")

    assert token.jti in str(fake.journal.exchanges[0])


def test_jtis_that_look_alike_once_they_are_redacted_are_told_apart(fake: TiledeskFake) -> None:
    ask(fake, None, "DELETE", f"{HISTORY}/token%20phone")

    fake.journal.assert_called("revokeTokenByJti", jti="token phone")
    fake.journal.assert_not_called("revokeTokenByJti", jti="token laptop")
