"""A client's mistakes fail the test that saw them, in words that say what to mend."""

import re
from textwrap import dedent, indent
from typing import NamedTuple

import pytest

from tests.plugin.outside import Project, Run, contract_line
from tiledesk_fake.contract import FILE

OPENING = """
    import pytest, requests, unittest
    from datetime import timedelta
    from urllib.parse import quote

    def start(fake):
        ada = fake.add_user(email="ada@example.com", password="gehüpft")
        phone = fake.issue_token(ada, jti="my/phone")
        return ada, phone, f"{fake.url}/jwt/history", {"Authorization": phone.authorization}

    def get(url, authorization=None, **more):
        headers = {"Authorization": authorization} if authorization else {}
        return requests.get(url, headers=headers, timeout=10, **more)
"""


class Mistake(NamedTuple):
    """What a client does, and what its author reads."""

    code: str
    rule: str
    line: str
    got: str
    again: str
    advice: str


JWT = "-H 'Authorization: JWT <redacted>'"
HISTORY = "http://FAKE/v3/jwt/history"

MISTAKES = {
    "bearer": Mistake(
        'get(history, f"Bearer {phone.jwt}")',
        "auth-scheme",
        "jwtAuth:",
        "Authorization: Bearer <redacted>",
        f"curl -H 'Authorization: Bearer <redacted>' {HISTORY}",
        "Use the scheme word JWT before a token",
    ),
    "doubled": Mistake(
        'get(history, f"JWT {phone.authorization}")',
        "auth-malformed",
        "jwtAuth:",
        "Authorization: JWT JWT <redacted>",
        f"curl -H 'Authorization: JWT JWT <redacted>' {HISTORY}",
        "Do not add 'JWT ' once more: the token that a sign-in answers starts with it already.",
    ),
    "no_scheme": Mistake(
        "get(history, phone.jwt)",
        "auth-malformed",
        "jwtAuth:",
        "Authorization: <redacted>, one word of N characters",
        f"curl -H 'Authorization: <redacted>' {HISTORY}",
        "Put the scheme word JWT, or Basic, and one space before the credentials.",
    ),
    "null": Mistake(
        'get(history, "JWT null")',
        "auth-malformed",
        "jwtAuth:",
        "Authorization: JWT <redacted>",
        f"curl {JWT} {HISTORY}",
        "a variable may be empty or null, or quoted.",
    ),
    "basic_in_latin_1": Mistake(
        'get(history, auth=("ada@example.com", "gehüpft"))',
        "auth-malformed",
        "basicAuth:",
        "Authorization: Basic <redacted>",
        f"curl -H 'Authorization: Basic <redacted>' {HISTORY}",
        "Send Basic credentials as the base64 of UTF-8 text, e-mail:password.",
    ),
    "in_query": Mistake(
        'get(history, params={"secret_token": phone.jwt})',
        "auth-in-query",
        "jwtAuth:",
        "the query parameter secret_token=<redacted>",
        f"curl '{HISTORY}?secret_token=<redacted>'",
        "send the token in the Authorization header; what is in a URL ends up in logs.",
    ),
    "misspelt": Mistake(
        'get(history, phone.authorization, params={"sort_field": "jti"})',
        "unknown-parameter",
        "get:",
        "the parameter 'sort_field'",
        f"curl {JWT} '{HISTORY}?sort_field=jti'",
        "did you mean 'sortField'? Valid: sortField, direction, page",
    ),
    "repeated": Mistake(
        'get(history, phone.authorization, params={"page": [0, 1]})',
        "repeated-parameter",
        "page:",
        "2 values",
        f"curl {JWT} '{HISTORY}?page=0&page=1'",
        "Send 'page' once",
    ),
    "ill_typed": Mistake(
        'get(history, phone.authorization, params={"direction": "desc"})',
        "invalid-parameter",
        "direction:",
        "direction: the value is not one of -1, 1; got 'desc'",
        f"curl {JWT} '{HISTORY}?direction=desc'",
        "Send a value that 'direction' can have, or leave the parameter out.",
    ),
    "unquoted": Mistake(
        'requests.delete(f"{history}/{phone.jti}", headers=mine, timeout=10)',
        "unknown-path",
        "paths:",
        "DELETE /v3/jwt/history/my/phone",
        f"curl -X DELETE {JWT} {HISTORY}/my/phone",
        "in Python urllib.parse.quote(jti, safe='').",
    ),
    "wrong_path": Mistake(
        'get(f"{fake.url}/jwt/tokens", phone.authorization)',
        "unknown-path",
        "paths:",
        "GET /v3/jwt/tokens",
        f"curl {JWT} http://FAKE/v3/jwt/tokens",
        "The nearest is GET /v3/jwt/history.",
    ),
    "no_base_path": Mistake(
        'get(f"{fake.url.removesuffix("/v3")}/jwt/history", phone.authorization)'.replace('"/v3"', "'/v3'"),
        "unknown-path",
        "paths:",
        "GET /jwt/history",
        f"curl {JWT} http://FAKE/jwt/history",
        "The nearest is GET /v3/jwt/history.",
    ),
    "wrong_verb": Mistake(
        "requests.post(f\"{history}/{quote(phone.jti, safe='')}\", headers=mine, timeout=10)",
        "unknown-method",
        "/jwt/history/{jti}:",
        "POST /v3/jwt/history/my%2Fphone",
        f"curl -X POST {JWT} {HISTORY}/my%2Fphone",
        "Use DELETE here; the real server has no POST at this path.",
    ),
    "empty_jti": Mistake(
        'requests.delete(f"{history}/", headers=mine, timeout=10)',
        "unknown-method",
        "/jwt/history:",
        "DELETE /v3/jwt/history/",
        f"curl -X DELETE {JWT} {HISTORY}/",
        "If a jti or id was to follow the last slash, it is empty.",
    ),
    "json_body": Mistake(
        'requests.delete(f"{history}/id/{phone.id}", headers=mine, json={}, timeout=10)',
        "unexpected-body",
        "delete:",
        "2 bytes of application/json",
        f"curl -X DELETE {JWT} -H 'Content-Type: application/json' --data '<2 bytes>' {HISTORY}/id/PHONE",
        "leave out json=, data= or content=.",
    ),
}


def inner_test(name: str, code: str, fixtures: str = "fake_tiledesk", marks: str = "") -> str:
    body = f"fake = fake_tiledesk\nada, phone, history, mine = start(fake)\n{dedent(code).strip()}"
    return f"\n{marks}\ndef test_{name}({fixtures}):\n{indent(body, '    ')}\n"


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which each test makes one mistake and asserts nothing about it."""
    project = Project(tmp_path_factory.mktemp("mistaken"))
    tests = [inner_test(name, mistake.code) for name, mistake in MISTAKES.items()]
    project.write("test_client.py", dedent(OPENING) + "".join(tests))
    return project.run("-rA", "-W", "error")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_fails_the_test_that_made_it(mistaken: Run, name: str) -> None:
    mistake = MISTAKES[name]

    # One outcome, not passed and then an error.
    assert mistaken.outcomes[f"test_{name}"] == ["failed"]
    told = mistaken.told(f"test_{name}")
    assert re.sub(r"of \d+ char", "of N char", told.splitlines()[0]) == f"{mistake.rule}: got {mistake.got}"
    lines = told.splitlines()
    assert re.match(f"{mistake.rule}: .*{re.escape(mistake.advice)}", lines[2])
    assert lines[3].startswith("    expected  ")
    assert re.sub(r"of \d+ char", "of N char", lines[4]) == f"    got       {mistake.got}"
    assert contract_line(told) == mistake.line
    again = re.sub(r"127\.0\.0\.1:\d+", "FAKE", lines[6])
    assert re.sub("id/[0-9a-f]{24}", "id/PHONE", again) == f"    again     {mistake.again}"
    assert f'If the test means to: @pytest.mark.tiledesk(allow=["{mistake.rule}"])' in told
    # The beginning of the short summary's line, which pytest cuts.
    assert mistaken.summary(f"test_{name}").startswith(f"Failed: {mistake.rule}: got {mistake.got}"[:40])


def test_nothing_but_the_mistake_is_told(mistaken: Run) -> None:
    told = re.sub(r"127\.0\.0\.1:\d+", "FAKE", mistaken.told("test_bearer"))
    told = re.sub(rf"{FILE}:\d+", "openapi/jwt.yaml:LINE", re.sub(r"\d\d:\d\d:\d\d", "HH:MM:SS", told))

    assert told == dedent(
        """\
        auth-scheme: got Authorization: Bearer <redacted>

        auth-scheme: Use the scheme word JWT before a token; the real server refuses every other word, Bearer included.
            expected  Authorization: JWT <token>, or Authorization: Basic <base64 of e-mail:password>
            got       Authorization: Bearer <redacted>
            contract  openapi/jwt.yaml:LINE
            again     curl -H 'Authorization: Bearer <redacted>' http://FAKE/v3/jwt/history

        No correct client of this API sends that. If the test means to: @pytest.mark.tiledesk(allow=["auth-scheme"])
        --------------------------------------- tiledesk-fake heard ----------------------------------------
        HH:MM:SS GET /v3/jwt/history -> 401  broke auth-scheme  reason: unknown scheme word Bearer"""
    )


OTHERS = (
    OPENING
    + """
    BEARER = "Bearer abc.def.ghi"

    # Who is right

    def test_refused_tokens_are_no_mistake(fake_tiledesk):
        ada, phone, history, mine = start(fake_tiledesk)
        fake_tiledesk.revoke(phone)
        expired = fake_tiledesk.issue_token(ada, expires_in=timedelta(hours=-1))
        forged = phone.authorization[:-4] + "AAAA"
        for authorization in (phone.authorization, expired.authorization, forged, "JWT e30.e30.e30", None):
            assert get(history, authorization).status_code == 401
        assert requests.delete(f"{history}/id/nobody", headers=mine, timeout=10).status_code == 401

    # Failures of its own

    def test_fails_by_itself(fake_tiledesk):
        ada, phone, history, mine = start(fake_tiledesk)
        fake_tiledesk.faults.add("revokeTokenById", status=503, times=2)
        get(history, BEARER)
        get(history, phone.authorization)
        assert 1 == 2, "on purpose"

    @pytest.fixture
    def broken(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)
        raise RuntimeError("on purpose")

    def test_fails_before_it_starts(broken):
        pass

    @pytest.mark.xfail(reason="on purpose")
    def test_is_expected_to_fail(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)
        assert 1 == 2

    @pytest.mark.xfail(strict=True, reason="on purpose")
    def test_is_expected_to_violate(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)

    def test_skips_itself(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503, times=2)
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)
        pytest.skip("on purpose")

    def test_subtest_fails(fake_tiledesk, subtests):
        fake_tiledesk.faults.add("listTokens", status=503, times=2)
        for number in range(2):
            with subtests.test(number=number):
                assert get(f"{fake_tiledesk.url}/jwt/history").status_code == 503
                assert number

    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def take(self, fake_tiledesk):
            self.history = f"{fake_tiledesk.url}/jwt/history"

        def test_unittest_violates(self):
            get(self.history, BEARER)

        def test_unittest_fails_by_itself(self):
            get(self.history, BEARER)
            self.assertEqual(1, 2, "on purpose")

    # Teardown

    @pytest.fixture
    def says_goodbye(fake_tiledesk):
        yield
        get(f"{fake_tiledesk.url}/goodbye")

    def test_violates_in_teardown(says_goodbye, fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history")

    def test_violates_in_teardown_too(says_goodbye, fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)

    # Whose fake it is

    def test_violates_with_a_fake_of_the_factory(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            get(f"{fake.url}/jwt/history", BEARER)

    def test_violates_with_the_fake_of_the_session(fake_tiledesk_server):
        get(f"{fake_tiledesk_server.url}/jwt/history", BEARER)

    @pytest.fixture
    def says_goodbye_to_the_session(fake_tiledesk_server):
        yield
        get(f"{fake_tiledesk_server.url}/goodbye")

    def test_violates_in_teardown_with_the_fake_of_the_session(says_goodbye_to_the_session):
        pass

    def test_violates_without_a_socket(fake_tiledesk):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80"}
        list(fake_tiledesk.wsgi_app(environ, lambda status, headers, exc_info=None: None))

    def test_violates_and_forgets(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)
        fake_tiledesk.reset()
        fake_tiledesk.journal.clear()

    # Many

    def test_violates_a_hundred_times(fake_tiledesk):
        for number in range(100):
            get(f"{fake_tiledesk.url}/{number}")

    # Faults

    def test_leaves_a_fault(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503, times=3)
        fake_tiledesk.faults.add("*", drop="silence")
        get(f"{fake_tiledesk.url}/jwt/history")

    @pytest.mark.tiledesk(allow=["unspent-fault"])
    def test_may_leave_a_fault(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    def test_leaves_a_fault_and_violates(fake_tiledesk):
        fake_tiledesk.faults.add("revokeTokenByJti", status=503)
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)

    # Allowed

    @pytest.mark.tiledesk(allow=["auth-scheme"])
    def test_may_violate(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/history", BEARER)
        assert [violation.rule for violation in fake_tiledesk.journal.violations] == ["auth-scheme"]

    @pytest.mark.tiledesk(allow=["auth-scheme"])
    def test_may_violate_that_only(fake_tiledesk):
        get(f"{fake_tiledesk.url}/jwt/tokens", BEARER)

    @pytest.mark.tiledesk(strict=False)
    def test_may_do_anything(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)
        get(f"{fake_tiledesk.url}/jwt/tokens", BEARER)

    @pytest.mark.tiledesk(allow=["auth-scheme"])
    class TestMarked:
        def test_is_marked_by_its_class(self, fake_tiledesk):
            get(f"{fake_tiledesk.url}/jwt/history", BEARER)

        @pytest.mark.tiledesk(allow=["unknown-path"])
        def test_is_marked_closer_by_itself(self, fake_tiledesk):
            get(f"{fake_tiledesk.url}/jwt/history", BEARER)

    @pytest.mark.tiledesk(allow=["auth-scheme"])
    def test_may_violate_with_a_fake_of_the_factory(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            get(f"{fake.url}/jwt/history", BEARER)
"""
)
OUTCOMES = {
    "test_refused_tokens_are_no_mistake": ["passed"],
    "test_fails_by_itself": ["failed"],
    "test_fails_before_it_starts": ["error"],
    "test_is_expected_to_fail": ["xfail"],
    "test_is_expected_to_violate": ["xfail"],
    "test_subtest_fails": ["failed"],
    "test_unittest_violates": ["failed"],
    "test_unittest_fails_by_itself": ["failed"],
    "test_violates_in_teardown": ["error", "passed"],
    "test_violates_in_teardown_too": ["error", "failed"],
    "test_violates_with_a_fake_of_the_factory": ["failed"],
    "test_violates_with_the_fake_of_the_session": ["failed"],
    "test_violates_in_teardown_with_the_fake_of_the_session": ["error", "passed"],
    "test_violates_without_a_socket": ["failed"],
    "test_violates_and_forgets": ["failed"],
    "test_violates_a_hundred_times": ["failed"],
    "test_leaves_a_fault": ["error", "passed"],
    "test_may_leave_a_fault": ["passed"],
    "test_leaves_a_fault_and_violates": ["failed"],
    "test_may_violate": ["passed"],
    "test_may_violate_that_only": ["failed"],
    "test_may_do_anything": ["passed"],
    "test_is_marked_by_its_class": ["passed"],
    "test_is_marked_closer_by_itself": ["failed"],
    "test_may_violate_with_a_fake_of_the_factory": ["passed"],
}
VERDICT = "No correct client of this API sends that."


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run in which tests end in every way."""
    project = Project(tmp_path_factory.mktemp("ended"))
    project.write("test_client.py", OTHERS)
    return project.run("-rA", "-W", "error")


has_subtests = pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="subtests came with pytest 9")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=has_subtests if "subtest" in name else ()) for name in OUTCOMES]
)
def test_a_test_has_this_outcome(ended: Run, name: str) -> None:
    assert sorted(ended.outcomes[name]) == OUTCOMES[name], ended.text


def test_a_test_that_skips_itself_is_skipped_and_has_no_error(ended: Run) -> None:
    assert ended.counts["skipped"] == 1
    assert "test_skips_itself" not in ended.outcomes


def test_a_test_that_fails_by_itself_keeps_its_failure_and_gets_what_was_heard(ended: Run) -> None:
    told = ended.told("test_fails_by_itself")
    own, _, heard = told.partition("tiledesk-fake heard")

    assert "AssertionError: on purpose" in own
    assert VERDICT not in told
    assert "unspent" not in told
    lines, violation, *more = heard.partition("\n")[2].split("\n\n")
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in lines.splitlines()] == [
        "GET /v3/jwt/history -> 401  broke auth-scheme  reason: unknown scheme word Bearer",
        "GET /v3/jwt/history -> 200  by ada@example.com  reason: 1 of 1 records",
    ]
    assert violation.startswith("auth-scheme: Use the scheme word JWT before a token")
    assert "    got       Authorization: Bearer <redacted>\n" in violation
    assert more == []
    assert "on purpose" in ended.summary("test_fails_by_itself")


@pytest.mark.parametrize("name", ["test_fails_before_it_starts", "test_unittest_fails_by_itself"])
def test_any_failure_of_its_own_comes_first(ended: Run, name: str) -> None:
    told = ended.told(name)

    assert "on purpose" in told.partition("tiledesk-fake heard")[0]
    assert VERDICT not in told
    assert "GET /v3/jwt/history -> 401  broke auth-scheme" in told.partition("tiledesk-fake heard")[2]


@has_subtests
def test_a_failing_subtest_leaves_the_faults_to_the_next(ended: Run) -> None:
    told = ended.text.partition("test_unittest_violates")[0].partition("test_subtest_fails")[2]

    assert "assert 0" in told
    assert "401 == 503" not in ended.text
    assert "unspent" not in told


def test_a_mistake_in_teardown_is_an_error_of_its_own(ended: Run) -> None:
    told = ended.told("ERROR at teardown of test_violates_in_teardown")

    assert told.startswith("unknown-path: got GET /v3/goodbye\n")
    assert VERDICT in told
    assert "    got       GET /v3/goodbye" in told
    assert "GET /v3/jwt/history -> 401" in told.partition("tiledesk-fake heard")[2]


def test_mistakes_of_test_and_teardown_are_told_apart(ended: Run) -> None:
    error = ended.told("ERROR at teardown of test_violates_in_teardown_too")
    own = ended.told("test_violates_in_teardown_too").replace(error, "")

    assert error.startswith("unknown-path: got GET /v3/goodbye\n")
    assert own.strip().startswith("auth-scheme: got Authorization: Bearer <redacted>\n")
    assert "unknown-path" not in own


def test_of_many_mistakes_five_are_told_and_of_many_exchanges_fifty(ended: Run) -> None:
    verdict, _, heard = ended.told("test_violates_a_hundred_times").partition("tiledesk-fake heard")

    assert re.findall(r"^    got       GET (/\S+)$", verdict, re.M) == [f"/v3/{number}" for number in range(5)]
    assert "… and 95 more." in verdict
    assert heard.splitlines()[1] == "(50 earlier exchanges are left out)"
    assert [line.split()[2] for line in heard.splitlines()[2:]] == [f"/v3/{number}" for number in range(50, 100)]


def test_an_unspent_fault_says_what_is_left_of_it(ended: Run) -> None:
    verdict = ended.told("ERROR at teardown of test_leaves_a_fault").partition("\n----")[0]

    assert verdict == dedent(
        """\
        unspent-fault: no call met listTokens: status 503, 2 left
            expected  every fault that test_client.py::test_leaves_a_fault plans to be met, by its teardown at last
            got       listTokens: status 503, 2 left; *: drop silence, 1 left
            next      plan only faults that the test's calls meet, or make the calls

        If the test means to: @pytest.mark.tiledesk(allow=["unspent-fault"])"""
    )


def test_all_that_is_wrong_is_told_at_once(ended: Run) -> None:
    told = ended.told("test_leaves_a_fault_and_violates")

    assert told.startswith("auth-scheme: got Authorization: Bearer <redacted>\n")
    assert VERDICT in told
    assert "unspent-fault: no call met revokeTokenByJti: status 503, 1 left" in told
    assert '@pytest.mark.tiledesk(allow=["auth-scheme", "unspent-fault"])' in told


def test_what_is_allowed_is_not_told(ended: Run) -> None:
    told = ended.told("test_may_violate_that_only")

    assert told.startswith("unknown-path: got GET /v3/jwt/tokens\n")
    assert VERDICT in told
    assert "auth-scheme" not in told.partition("tiledesk-fake heard")[0]
