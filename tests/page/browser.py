"""A real browser, as far as the tests of the page need one."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

PATIENCE_S = 20.0
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """Debian's Chromium, driven as a person drives it."""

    def __init__(self, folder: Path) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not chromium or not driver:
            pytest.skip("needs chromium and chromedriver, which Debian has as chromium and chromium-driver")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for word in (*_QUIET, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(word)
        options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        os.environ.pop("http_proxy", None)
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.look()

    def close(self) -> None:
        self.driver.quit()

    def look(self, *, width: int = 1200, height: int = 900, dark: bool = False, reduced: bool = False) -> None:
        """Look at it in a window of this size, with these preferences."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, url: str, view: str = "") -> None:
        """Open a view of the page anew, and wait until it is live."""
        self.driver.get("about:blank")
        self.driver.get(f"{url}#{view}")
        self.until(lambda: self.find("#line").text == "live", "the page is live")

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str = "main") -> str:
        found: str = self.find(selector).text
        return found

    def button(self, text: str, within: str = "main") -> None:
        """Press the button of this name."""
        for button in self.all(f"{within} button"):
            if button.text == text:
                button.click()
                return
        pytest.fail(f"there is no button {text!r}; there are {[each.text for each in self.all(f'{within} button')]}")

    def fill(self, name: str, value: str, within: str = "main") -> None:
        """Type into the field of this label."""
        for label in self.all(f"{within} label"):
            if label.text.splitlines()[:1] == [name]:
                field = label.find_element(By.CSS_SELECTOR, "input, select")
                if field.tag_name == "select":
                    Select(field).select_by_visible_text(value)
                else:
                    field.send_keys(Keys.CONTROL, "a")
                    field.send_keys(value)
                return
        pytest.fail(f"there is no field {name!r}; there are {[each.text for each in self.all(f'{within} label')]}")

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if condition():
                    return
            except Exception as problem:
                what = f"{what} ({type(problem).__name__})" if "(" not in what else what
            if time.monotonic() > deadline:
                pytest.fail(f"expected within {PATIENCE_S:g} s: {what}; the page says:\n{self.text('body')}")
            time.sleep(0.05)

    def says(self, text: str, selector: str = "main") -> None:
        """Wait until the page says this."""
        self.until(lambda: text in self.text(selector), f"{selector} says {text!r}")

    def complaints(self) -> list[str]:
        """What the console has complained about since the last time."""
        log: list[dict[str, str]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]
