"""What axe-core finds wrong with the page: nothing, in each view and both themes."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.page.browser import Browser
from tests.page.conftest import Server
from tests.page.test_page import VIEWS, add

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

AXE = "axe-core@4.14.1"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script that judges a page."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("needs npm, which brings axe-core")
    folder: Path = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), AXE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"npm cannot bring axe-core: {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def findings(browser: Browser, axe: str) -> list[str]:
    # By the driver, past the policy of the page, which runs no script but its own.
    browser.driver.execute_script(axe)
    found = browser.driver.execute_async_script("axe.run(document).then(arguments[0])")
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in found["violations"]]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(browser: Browser, server: Server, axe: str, view: str, dark: bool) -> None:
    browser.look(dark=dark, reduced=True)
    browser.open(server.page, view)
    time.sleep(0.3)
    assert findings(browser, axe) == []

    ada = add(server)
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "phone", "expires_in_s": 60})
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "laptop", "revoked": True})
    server.control("POST", "faults", {"operation": "listTokens", "status": 503, "when": {"page": 7}})
    server.control("PUT", "profile", {"page-size": "7", "page-base": "1"})
    server.call("GET", "/jwt/history?page=x", "Bearer abc")
    server.call("GET", "/jwt/history?page=1", ada["authorization"])
    browser.open(server.page, view)
    time.sleep(0.5)
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")

    assert findings(browser, axe) == []


def test_a_page_with_a_fault_is_found(browser: Browser, server: Server, axe: str) -> None:
    browser.open(server.page)
    browser.driver.execute_script(
        "document.querySelector('#by-status').parentElement.replaceWith(document.querySelector('#by-status'))"
    )

    assert any(each.startswith("select-name") for each in findings(browser, axe))
