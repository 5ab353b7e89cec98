"""No credential reaches what a user reads, files away or pastes into an issue."""

import json
import re
from base64 import b64encode
from pathlib import Path

import pytest

from tests.plugin.outside import Project, Run

# The client knows the secrets; what pytest shows of the tests themselves does not contain them. Not by requests, which
# logs the URLs that it calls.
CLIENT = """
    import http.client, json, pathlib
    from urllib.parse import quote

    SECRETS = json.loads(pathlib.Path("secrets.json").read_text())

    def set_up(fake):
        ada = fake.add_user(email="ada@example.com", password=SECRETS["password"])
        phone = fake.issue_token(ada, jti="the-readable-jti")
        with open("jwts.txt", "a") as file:
            file.write(phone.jwt + "\\n")
        return ada, phone

    def misuse(fake, phone, ada):
        host = fake.url.split("/")[2]
        history = "/v3/jwt/history"

        def call(target, authorization=None, method="GET", body=None):
            headers = {"User-Agent": SECRETS["user agent"], "Cookie": f"session={SECRETS['cookie']}"}
            if authorization:
                headers["Authorization"] = authorization
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request(method, target, body, headers)
            connection.getresponse().read()
            connection.close()

        call(history, ada.authorization)
        call(history, f"Basic {ada.authorization}")
        call(history, f"Basic ada@example.com:{SECRETS['password']}")
        call(history, f"{phone.authorization} {SECRETS['extra word']}")
        call(history, f"Bearer {phone.jwt}")
        call(history, f"JWT JWT {phone.jwt}")
        call(history, phone.jwt)
        call(f"{history}?secret_token={SECRETS['secret token']}")
        call(f"{history}?page={phone.jwt}&sessionToken={SECRETS['session token']}")
        call(f"{history}?{phone.jwt}")
        call(f"/v3/{phone.jwt}")
        call(f"{history}/{quote(phone.authorization)}", body=SECRETS["body"])
        call(f"{history}/{phone.jwt}", phone.authorization, "DELETE", json.dumps({"password": SECRETS["body"]}))
        call(f"{history}/{phone.jti}", phone.authorization, "DELETE")
"""
TESTS = """
    import logging
    import threading
    import pytest
    from client import misuse, set_up

    def test_shows_all_it_has(fake_tiledesk, caplog):
        caplog.set_level(logging.DEBUG)
        ada, phone = set_up(fake_tiledesk)
        history = fake_tiledesk.history(ada)
        before = fake_tiledesk.snapshot()
        misuse(fake_tiledesk, phone, ada)
        exchanges, violations, journal = (
            fake_tiledesk.journal.exchanges, fake_tiledesk.journal.violations, fake_tiledesk.journal
        )
        faults, clock, users = fake_tiledesk.faults, fake_tiledesk.clock, fake_tiledesk.users
        assert [str(exchange) for exchange in exchanges] == [str(violation) for violation in violations]
        assert exchanges == violations

    def test_is_judged(fake_tiledesk):
        ada, phone = set_up(fake_tiledesk)
        misuse(fake_tiledesk, phone, ada)

    @pytest.mark.tiledesk(strict=False)
    def test_asserts_with_the_token_for_the_jti(fake_tiledesk):
        ada, phone = set_up(fake_tiledesk)
        misuse(fake_tiledesk, phone, ada)
        fake_tiledesk.journal.assert_called("revokeTokenByJti", jti=phone.jwt, times=7)

    @pytest.mark.tiledesk(strict=False)
    def test_drops(fake_tiledesk):
        ada, phone = set_up(fake_tiledesk)
        fake_tiledesk.faults.add("*", status=503, times=99)
        misuse(fake_tiledesk, phone, ada)
        assert fake_tiledesk.faults.unspent == []

    left = []

    def test_leaves_a_thread_behind(fake_tiledesk):
        ada, phone = set_up(fake_tiledesk)
        go = threading.Event()
        def late():
            go.wait(10)
            misuse(fake_tiledesk, phone, ada)
        thread = threading.Thread(target=late)
        thread.start()
        left.extend([go, thread])

    def test_waits_for_it(fake_tiledesk):
        go, thread = left
        go.set()
        thread.join()
"""
SECRETS = {
    "password": "hunter2-password",
    "extra word": "hunter3-extra-word",
    "secret token": "hunter4-secret-token",
    "session token": "hunter5-session-token",
    "body": "hunter6-body",
    "user agent": "hunter7-user-agent",
    "cookie": "hunter8-cookie",
}


def talk(directory: Path, conftest: str = "") -> tuple[Project, Run]:
    """A run that shows as much as pytest can, of tests that all fail; and a report for machines."""
    project = Project(directory)
    project.write("conftest.py", conftest)
    project.write("secrets.json", json.dumps(SECRETS))
    project.write("client.py", CLIENT)
    project.write("test_client.py", TESTS)
    run = project.run(
        "-rA",
        "-vv",
        "-l",
        "--showlocals",
        "--tb=long",
        "--junitxml=report.xml",
        "-o",
        "junit_logging=all",
        "--log-level=DEBUG",
        "-o",
        "log_cli=true",
        "-p",
        "no:randomly",
    )
    return project, run


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    return talk(tmp_path_factory.mktemp("talkative"))


def test_the_run_shows_what_it_can(talkative: tuple[Project, Run]) -> None:
    _, run = talkative

    assert run.outcomes == {
        "test_shows_all_it_has": ["failed"],
        "test_is_judged": ["failed"],
        "test_asserts_with_the_token_for_the_jti": ["failed"],
        "test_drops": ["failed"],
        "test_leaves_a_thread_behind": ["passed"],
        "test_waits_for_it": ["passed"],
    }, run.text
    assert "LateCallWarning" in run.text
    assert "phone      = Token(" in run.text
    assert "the-readable-jti" in run.text
    assert run.text.count("<redacted>") > 50


@pytest.mark.parametrize("what", SECRETS)
def test_no_secret_is_in_it(talkative: tuple[Project, Run], what: str) -> None:
    project, run = talkative

    assert SECRETS[what] not in run.text + run.errors
    assert SECRETS[what] not in project.read("report.xml")


def test_no_token_is_in_it_nor_the_payload_or_signature_of_one(talkative: tuple[Project, Run]) -> None:
    project, run = talkative
    jwts = project.read("jwts.txt").split()
    parts = {part for jwt in jwts for part in jwt.split(".")[1:]}

    assert len(jwts) == 5
    assert [part for part in parts if part in run.text + run.errors + project.read("report.xml")] == []
    assert not re.search(r"eyJ[\w-]{8}", run.text)


def test_no_basic_credentials_are_in_it(talkative: tuple[Project, Run]) -> None:
    project, run = talkative
    credentials = b64encode(f"ada@example.com:{SECRETS['password']}".encode()).decode().rstrip("=")

    # What follows the address shifts with what precedes it, so a part will do.
    assert credentials[:24] not in run.text + project.read("report.xml")


# Wherever a module has taken one of these.
LEAKING = """
    import sys
    from tiledesk_fake import TiledeskFake

    TiledeskFake()
    for name, module in list(sys.modules.items()):
        if name.startswith("tiledesk_fake"):
            for hides in vars(module).keys() & {"redacted", "_shown", "shown_authorization"}:
                setattr(module, hides, lambda text: text)
            if hasattr(module, "redacted_value"):
                module.redacted_value = lambda name, value: value
"""


def test_a_plugin_that_tells_secrets_is_found(tmp_path: Path) -> None:
    leaking = talk(tmp_path, LEAKING)

    for secret in ("password", "extra word", "secret token", "session token"):
        with pytest.raises(AssertionError):
            test_no_secret_is_in_it(leaking, secret)
    with pytest.raises(AssertionError):
        test_no_token_is_in_it_nor_the_payload_or_signature_of_one(leaking)
    with pytest.raises(AssertionError):
        test_no_basic_credentials_are_in_it(leaking)
