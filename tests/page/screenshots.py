"""Takes the pictures of docs/page.md: `python -m tests.page.screenshots`."""

import tempfile
import time
from pathlib import Path

from tests.page.browser import Browser
from tests.page.conftest import Server, serving

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"


def take(browser: Browser, server: Server) -> None:
    """A little history, and a picture of each view that the page is about."""
    server.control("POST", "clock/freeze", {"at": "2026-03-02T18:45:10Z"})
    ada = server.control("GET", "users").json()["users"][0]
    server.control("POST", f"users/{ada['_id']}/tokens", {"jti": "phone", "expires_in_s": 3600})
    server.call("GET", "/jwt/history", ada["authorization"])
    server.call("DELETE", "/jwt/history/phone", ada["authorization"])
    server.call("GET", "/jwt/history?sort=createdAt", "Bearer abc")
    for view, dark in (("journal", False), ("users", False), ("assumptions", True)):
        browser.look(width=1000, height=680, dark=dark, reduced=True)
        browser.open(server.page, view)
        time.sleep(0.5)
        if view == "journal":
            browser.find("#calls summary").click()
        browser.driver.save_screenshot(str(PICTURES / f"{view}.png"))


def main() -> None:
    """Write the pictures anew."""
    PICTURES.mkdir(exist_ok=True)
    browser = Browser(Path(tempfile.mkdtemp()))
    try:
        for server in serving():
            take(browser, server)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
