"""A fake in a process whose time stands still, runs elsewhere or jumps, from the first import on."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
STOPS = {
    "future": 'freezegun.freeze_time("2030-01-01")',
    "past": 'freezegun.freeze_time("1980-01-01")',
    "ticking": 'freezegun.freeze_time("2030-01-01", tick=True)',
    "stepping": 'freezegun.freeze_time("2030-01-01", auto_tick_seconds=3600)',
    "in another zone": 'freezegun.freeze_time("2030-01-01", tz_offset=-11)',
    "patched": 'mock.patch.multiple("time", time=lambda: 2e9, monotonic=lambda: 2e9, perf_counter=lambda: 2e9)',
    "travelled": 'time_machine.travel("2030-01-01", tick=False)',
    "travelled and running": 'time_machine.travel("2030-01-01")',
}
PREAMBLE = """
import http.client, json, socket, sys, threading, unittest
from unittest import mock
from urllib.parse import urlsplit

import freezegun, time_machine

def ask(fake, authorization):
    url = urlsplit(fake.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    try:
        connection.request("GET", f"{url.path}/jwt/history", headers={"Authorization": authorization})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()

def use(fake):
    "The statuses of a call, of one that is held back, and of one in a time that the test has frozen."
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.faults.add("listTokens", delay_s=0.05)
    return [ask(fake, ada.authorization), ask(fake, fake.issue_token(ada).authorization)]
"""


def run(script: str, *, before: str = "") -> Any:
    """What a new Python prints, as JSON; it can import the tests."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", before + PREAMBLE + textwrap.dedent(script)],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
@pytest.mark.parametrize("imported", ["before", "within"])
def test_a_fake_answers_within_and_after(stop: str, imported: str) -> None:
    first = "import tiledesk_fake.serving.server, tiledesk_fake.web.app" if imported == "before" else ""

    answered = run(f"""
        {first}
        with {stop}:
            from tiledesk_fake import TiledeskFake
            with TiledeskFake() as fake:
                statuses = use(fake)
            fake.reset()
        with fake:
            statuses += use(fake)
        print(json.dumps(statuses))
    """)

    assert answered == [200] * 4


def test_the_class_decorator_of_unittest_does_no_harm() -> None:
    answered = run("""
        @freezegun.freeze_time("2030-01-01")
        class Tests(unittest.TestCase):
            def setUp(self):
                from tiledesk_fake import TiledeskFake
                self.fake = TiledeskFake().start()
                self.addCleanup(self.fake.stop)

            def test_calls(self):
                self.assertEqual(use(self.fake), [200, 200])

            def test_calls_again(self):
                self.assertEqual(use(self.fake), [200, 200])

        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(result)
        print(json.dumps([result.testsRun, [text for _, text in result.failures + result.errors]]))
    """)

    assert answered == [2, []]


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_deadlines_are_real(stop: str) -> None:
    answered = run(f"""
        with {stop}:
            from tiledesk_fake.serving.limits import Limits
            from tiledesk_fake.serving.server import Server

            server = Server(lambda environ, start_response: [])
            server.limits = Limits(request_s=0.3, idle_s=0.3)
            server.start()
            def rest(sent):
                with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
                    client.sendall(sent)
                    return client.makefile("rb").read().decode().partition("\\r\\n")[0]
            print(json.dumps([rest(b"GET / HT"), rest(b"")]))
            server.stop()
    """)

    assert answered == ["HTTP/1.1 408 Request Timeout", ""]


@pytest.mark.parametrize("stop", [stop for stop in STOPS.values() if stop.startswith("freezegun")])
def test_nothing_of_freezegun_is_left(stop: str) -> None:
    left, kinds = run(f"""
        with {stop}:
            import tiledesk_fake.cli
            from tiledesk_fake import TiledeskFake
            with TiledeskFake() as fake:
                assert use(fake) == [200, 200]
                fake.clock.freeze()
                fake.clock.advance(hours=1)
                ada = fake.users["ada@example.com"]
                token = fake.issue_token(ada, expires_at=fake.clock.now())
                tokens = [{{"createdAt": "2020-01-01T00:00:00Z"}}]
                fake.load({{"users": [{{"email": "bob@example.com", "tokens": tokens}}]}})
                times = [fake.clock.now(), token.created_at, token.expires_at, fake.journal.exchanges[0].at]
        from tests.stopped_time import left_of_freezegun
        kinds = {{f"{{type(at).__module__}}.{{type(at).__name__}}" for at in times}}
        print(json.dumps([left_of_freezegun(), list(kinds)]))
    """)

    assert left == []
    assert kinds == ["datetime.datetime"]


def test_what_is_left_of_freezegun_is_found() -> None:
    left = run("""
        with freezegun.freeze_time("2030-01-01"):
            from datetime import date, datetime
            from tiledesk_fake.core import clock
            def annotated(at: datetime) -> None: ...
            annotated.__module__ = "tiledesk_fake.core.clock"
            clock.annotated, clock.constant, clock.HELD = annotated, datetime(2000, 1, 1), [date]
        from tests.stopped_time import left_of_freezegun
        print(json.dumps(left_of_freezegun()))
    """)

    assert {path.removeprefix("tiledesk_fake.core.clock.") for path in left} == {
        "annotated.annotations.at",
        "constant",
        "HELD.0",
    }


def test_the_fakes_clock_follows_no_freezegun_and_every_time_machine() -> None:
    years = run("""
        with freezegun.freeze_time("2030-01-01"):
            from tiledesk_fake import TiledeskFake
            fake = TiledeskFake()
            frozen = fake.clock.now().year
        with time_machine.travel("2031-01-01"):
            print(json.dumps([frozen < 2030, fake.clock.now().year, TiledeskFake().clock.now().year]))
    """)

    assert years == [True, 2031, 2031]
