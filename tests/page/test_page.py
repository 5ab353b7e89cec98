"""The page of a server, in a real browser, as a person uses it."""

import json
import time
from pathlib import Path

import pytest
import yaml
from selenium.webdriver.common.keys import Keys

from tests.page.browser import Browser
from tests.page.conftest import Server, serving
from tiledesk_fake import TiledeskFake

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

VIEWS = ("journal", "users", "clock", "faults", "assumptions", "export")
MARKUP = "<img src=x onerror=document.title='owned'>"


def add(server: Server, email: str = "ada@example.com", **more: object) -> dict[str, str]:
    user: dict[str, str] = server.control("POST", "users", {"email": email, "password": "secret", **more}).json()
    return user


# --- the journal -------------------------------------------------------------------------------------------------


def test_a_call_shows_within_a_second_with_why_and_by_whom(browser: Browser, server: Server) -> None:
    ada = add(server)
    browser.open(server.page)
    browser.says("Nothing was called yet.")

    server.call("GET", "/jwt/history", ada["authorization"])
    began = time.monotonic()
    browser.says("/v3/jwt/history", "#calls")

    assert time.monotonic() - began < 5
    for words in ("GET", "200", "listTokens", "by ada@example.com", "0 of 0 records"):
        assert words in browser.text("#calls")
    assert browser.text("#verdict") == "nothing wrong so far"


def test_a_violation_opens_with_all_that_is_known_of_it(browser: Browser, server: Server) -> None:
    browser.open(server.page)
    server.call("GET", "/jwt/history", "Bearer abc")
    browser.says("auth-scheme", "#calls")
    assert browser.text("#verdict") == "1 violation"

    browser.find("#calls summary").click()

    browser.says("Use the scheme word JWT before a token", "#calls")
    for words in ("expected", "Authorization: JWT <token>", "got", "Bearer <redacted>", "contract", "curl -H"):
        assert words in browser.text("#calls")
    browser.button("Copy curl", "#calls")
    browser.says("Copied the curl line.", "#told")


def test_calls_are_filtered_by_operation_status_and_violation(browser: Browser, server: Server) -> None:
    ada = add(server)
    browser.open(server.page)
    server.call("GET", "/jwt/history", ada["authorization"])
    server.call("DELETE", "/jwt/history/none", ada["authorization"])
    server.call("GET", "/jwt/history", "Bearer abc")
    browser.says("3 calls")

    browser.fill("Operation", "revokeTokenByJti")
    browser.says("1 of 3 calls")
    assert "DELETE" in browser.text("#calls")
    browser.fill("Operation", "all")
    browser.fill("Status", "401")
    browser.says("1 of 3 calls")
    browser.fill("Status", "all")
    browser.find("#by-violation").click()
    browser.says("1 of 3 calls")
    assert "auth-scheme" in browser.text("#calls")
    browser.fill("Status", "2xx")
    browser.says("No call is like this.")


def test_new_calls_move_neither_what_is_read_nor_what_is_selected(browser: Browser, server: Server) -> None:
    browser.open(server.page)
    for number in range(60):
        server.call("GET", f"/jwt/history?page={number}")
    browser.says("60 calls")
    browser.driver.execute_script(
        "window.seen = document.querySelectorAll('#calls > li')[30]; seen.scrollIntoView();"
        "seen.querySelector('details').open = true; getSelection().selectAllChildren(seen.querySelector('.target'));"
    )
    where = browser.driver.execute_script("return seen.getBoundingClientRect().top")

    for number in range(5):
        server.call("GET", f"/jwt/history?page={number}")
    browser.until(lambda: "65 calls" in browser.text("#count"), "65 calls")

    assert abs(browser.driver.execute_script("return seen.getBoundingClientRect().top") - where) < 2
    assert browser.driver.execute_script("return seen.querySelector('details').open")
    assert "page=" in browser.driver.execute_script("return getSelection().toString()")


@pytest.mark.parametrize("where", ["journal", "users", "clock"])
def test_what_clients_sent_stays_text(browser: Browser, server: Server, where: str) -> None:
    ada = add(server, f"{MARKUP}@example.com".replace("'", ""))
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": MARKUP, "expires_in_s": 5})
    server.call("DELETE", f"/jwt/history/{MARKUP.replace(' ', '%20')}")
    browser.open(server.page, where)

    browser.says("onerror")
    assert browser.all("main img") == []
    assert "owned" not in browser.driver.title


def test_a_thousand_calls_are_shown_and_it_stays_quick(browser: Browser, server: Server) -> None:
    import httpx

    with httpx.Client(trust_env=False) as client:
        for number in range(1_000):
            client.get(f"{server.base}/jwt/history?page={number}")
    browser.open(server.page)

    browser.says("1000 calls")
    assert len(browser.all("#calls > li")) == 1_000
    server.call("GET", "/jwt/history?page=5000")
    browser.until(lambda: "page=5000" in browser.find("#calls > li").text, "the latest call at the top")


def test_a_server_that_is_gone_and_comes_back_is_told(browser: Browser, tmp_path: Path) -> None:
    for server in serving():
        browser.open(server.page)
    browser.says("no connection", "#line")
    # From here on nobody asks any more.
    browser.driver.get("about:blank")
    browser.complaints()


# --- users and their tokens --------------------------------------------------------------------------------------


def test_a_user_is_added_changed_and_removed(browser: Browser, server: Server) -> None:
    browser.open(server.page, "users")
    browser.says("There is no user yet.")
    browser.fill("E-mail", "bob@example.com")
    browser.fill("Password", "secret")
    browser.button("Add")
    browser.says("bob@example.com", "#people")

    browser.find("#people article details summary").click()
    browser.find("#people article details input[name=active]").click()
    browser.button("Change", "#people")
    browser.says("inactive", "#people")
    assert server.control("GET", "users").json()["users"][0]["active"] is False

    browser.find("#people article details summary").click()
    browser.button("Remove", "#people")
    browser.button("Really remove?", "#people")
    browser.says("There is no user yet.")


def test_a_token_is_issued_with_its_expiry_and_revoked(browser: Browser, server: Server) -> None:
    ada = add(server)
    browser.open(server.page, "users")
    browser.says("ada@example.com", "#people")
    browser.fill("jti", "phone", "#people")
    browser.fill("Expires in seconds", "3600", "#people")
    browser.button("Issue a token", "#people")
    browser.says("phone", "#people table")
    (token,) = server.control("GET", f"users/{ada['_id']}/tokens").json()["tokens"]
    assert token["jti"] == "phone"
    assert token["expiresAt"] is not None

    browser.button("Copy Authorization", "#people")
    browser.says("Copied the Authorization header's value.", "#told")
    browser.button("Revoke", "#people")
    browser.says("revoked", "#people table")


def test_what_cannot_work_is_told_in_the_words_of_the_fake(browser: Browser, server: Server) -> None:
    add(server)
    browser.open(server.page, "users")
    browser.fill("E-mail", "ada@example.com", "fieldset")
    browser.button("Add")

    browser.says("there is a user with the e-mail address 'ada@example.com' already", "#told")
    # A refusal is a failed request to the console too.
    browser.complaints()


# --- the clock ---------------------------------------------------------------------------------------------------


def test_the_clock_is_frozen_moved_and_resumed_and_tokens_expire_by_it(browser: Browser, server: Server) -> None:
    ada = add(server)
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "short", "expires_in_s": 1800})
    browser.open(server.page, "clock")
    browser.says("valid", "#expiring")

    browser.button("Freeze")
    browser.says("frozen", "#frozen")
    browser.button("+1 hour")
    browser.says("expired", "#expiring")
    browser.fill("Freeze at", "2030-01-01T00:00:00Z")
    browser.button("Freeze there")
    browser.says("2030-01-01 00:00:00Z", "#now")
    browser.fill("Advance by", "2")
    browser.fill("Unit", "days")
    browser.button("Advance")
    browser.says("2030-01-03 00:00:00Z", "#now")
    browser.button("Resume real time")
    browser.says("running", "#frozen")
    assert server.control("GET", "clock").json()["frozen"] is False


# --- faults ------------------------------------------------------------------------------------------------------


def test_a_fault_is_planned_met_and_cleared(browser: Browser, server: Server) -> None:
    browser.open(server.page, "faults")
    browser.says("No fault is planned.")
    browser.fill("Times", "2")
    browser.button("Plan")
    browser.says("listTokens: status 503", "#planned")
    browser.says("unspent fault", "#verdict")

    assert server.call("GET", "/jwt/history") == 503
    browser.says("1 left", "#planned")
    browser.button("Clear all")
    browser.says("No fault is planned.")
    assert server.call("GET", "/jwt/history") == 401


# --- assumptions -------------------------------------------------------------------------------------------------


def test_an_assumption_is_turned_and_the_fake_follows(browser: Browser, server: Server) -> None:
    ada = add(server)
    browser.open(server.page, "assumptions")
    browser.says("What wraps the list?")
    for words in ("documented", "observed", "assumed", "confidence 0.35", "How sure the fake is"):
        assert words in browser.text()

    browser.find("input[name=list-envelope][value=bare]").click()
    browser.says("turned", "[data-key=list-envelope]")
    browser.fill("Any number from 1 to 1000", "7", "[data-key=page-size]")
    browser.button("Take it")
    browser.says("7 now", "[data-key=page-size]")

    profile = server.control("GET", "profile").json()
    assert (profile["list-envelope"], profile["page-size"]) == ("bare", "7")
    import httpx

    headers = {"Authorization": ada["authorization"]}
    assert httpx.get(f"{server.base}/jwt/history", headers=headers, trust_env=False).json() == []


# --- export ------------------------------------------------------------------------------------------------------


def saved(folder: Path, name: str) -> str:
    deadline = time.monotonic() + 20
    while not (folder / name).exists():
        assert time.monotonic() < deadline, f"{name} was not saved; there is {list(folder.iterdir())}"
        time.sleep(0.05)
    text = (folder / name).read_text(encoding="utf-8")
    (folder / name).unlink()
    return text


def test_state_journal_and_profile_are_exported(browser: Browser, server: Server, tmp_path: Path) -> None:
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    ada = add(server)
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "phone"})
    server.call("GET", "/jwt/history?page=0", ada["authorization"])
    browser.open(server.page, "export")

    browser.button("Save scenario.json")
    fake = TiledeskFake()
    fake.load(json.loads(saved(tmp_path, "scenario.json")))
    assert [token.jti for token in fake.history(fake.users["ada@example.com"])] == ["phone"]

    browser.button("Save journal.har")
    (entry,) = json.loads(saved(tmp_path, "journal.har"))["log"]["entries"]
    assert (entry["request"]["method"], entry["response"]["status"]) == ("GET", 200)
    assert entry["request"]["queryString"] == [{"name": "page", "value": "0"}]
    assert "secret" not in json.dumps(entry)

    browser.button("Save profile.yaml")
    profile = tmp_path / "kept.yaml"
    profile.write_text(saved(tmp_path, "profile.yaml"), encoding="utf-8")
    assert yaml.safe_load(profile.read_text(encoding="utf-8"))["profile"]["page-base"] == "0"
    assert TiledeskFake(profile=profile).profile == TiledeskFake().profile


# --- worlds, tokens, keyboard, sizes -----------------------------------------------------------------------------


def test_each_world_has_a_page_of_its_own(browser: Browser, server: Server) -> None:
    import httpx

    httpx.get(f"{server.origin}/w/blue/v3/jwt/history?page=3", trust_env=False)
    browser.open(f"{server.origin}/w/blue/_fake/")

    browser.says("page=3", "#calls")
    assert browser.text("#world") == "world blue"
    server.call("GET", "/jwt/history?page=4")
    time.sleep(1)
    assert "page=4" not in browser.text("#calls")


def test_a_control_token_is_asked_for_once_and_kept_for_the_tab(browser: Browser) -> None:
    for server in serving("--control-token", "open-sesame"):
        browser.driver.get(server.page)
        browser.says("Control token", "#ask")
        browser.find("#token").send_keys("open-sesame", Keys.ENTER)
        browser.until(lambda: browser.text("#line") == "live", "the page is live")
        browser.open(server.page, "users")
        browser.says("ada@example.com")

        assert browser.driver.execute_script("return localStorage.length") == 0
        assert "open-sesame" not in browser.driver.page_source
        browser.driver.get("about:blank")
        # The refusals before it was given.
        browser.complaints()


def test_the_keyboard_alone_suffices(browser: Browser, server: Server) -> None:
    browser.open(server.page)
    browser.keys(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    browser.says("There is no user yet.")
    browser.find("body").send_keys(Keys.TAB)
    for _ in range(30):
        if browser.driver.switch_to.active_element.get_attribute("name") == "email":
            break
        browser.keys(Keys.TAB)
    browser.keys("eve@example.com", Keys.TAB, "secret", Keys.ENTER)

    browser.says("eve@example.com", "#people")


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone(browser: Browser, server: Server, view: str) -> None:
    ada = add(server, "a-rather-long-address-of-somebody@a-rather-long-name-of-a-company.example.com")
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "x" * 300, "expires_in_s": 60})
    server.control("POST", "faults", {"operation": "revokeTokenByJti", "status": 503, "when": {"jti": "y" * 200}})
    server.call("DELETE", f"/jwt/history/{'z' * 500}", "Bearer abc")
    browser.look(width=320, height=640)
    browser.open(server.page, view)
    time.sleep(0.5)
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= 320


def test_nothing_moves_for_those_who_want_no_motion(browser: Browser, server: Server) -> None:
    browser.look(reduced=True)
    browser.open(server.page)
    server.call("GET", "/jwt/history")
    browser.says("401", "#calls")

    assert browser.driver.execute_script("return document.getAnimations().length") == 0
