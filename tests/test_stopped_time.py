"""A fake in a process whose time stands still, runs elsewhere or jumps, also from the first import on."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import freezegun
import pytest
import time_machine

from tests.stopped_time import STOPS, refused, use
from tiledesk_fake import TiledeskFake
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.server import Server

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
REFUSED = ["HTTP/1.1 408 Request Timeout", ""]


def nobody(environ: object, start_response: object) -> list[bytes]:
    return []


# --- where it was imported before --------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", STOPS)
def test_a_fake_that_is_made_while_time_is_stopped_answers(stop: str) -> None:
    with STOPS[stop](), TiledeskFake() as fake:
        statuses = use(fake)

    assert statuses == [200, 200]


@pytest.mark.parametrize("stop", STOPS)
def test_deadlines_are_real_while_time_is_stopped(stop: str) -> None:
    server = Server(nobody)
    server.limits = Limits()._replace(request_s=0.3, idle_s=0.3)
    with STOPS[stop]():
        said = refused(server)

    assert said == REFUSED


@freezegun.freeze_time("2030-01-01")
def test_the_fakes_clock_follows_no_freezegun() -> None:
    assert TiledeskFake().clock.now().year < 2030


def test_the_fakes_clock_follows_time_machine() -> None:
    fake = TiledeskFake()

    with time_machine.travel("2031-01-01"):
        assert (fake.clock.now().year, TiledeskFake().clock.now().year) == (2031, 2031)


# --- where it is first imported while time is stopped ------------------------------------------------------------

FIRST_IMPORT = """
    import json, sys
    from tests.stopped_time import STOPS, left_of_freezegun, refused, use

    with STOPS[{stop!r}]():
        import tiledesk_fake.cli
        from tiledesk_fake import TiledeskFake
        from tiledesk_fake.serving.limits import Limits
        from tiledesk_fake.serving.server import Server

        server = Server(lambda environ, start_response: [])
        server.limits = Limits(request_s=0.3, idle_s=0.3)
        refusals = refused(server)
        with TiledeskFake() as fake:
            within = use(fake)
            fake.clock.freeze()
            fake.clock.advance(hours=1)
            token = fake.issue_token(fake.users["ada@example.com"], expires_at=fake.clock.now())
            tokens = [{{"createdAt": "2020-01-01T00:00:00Z"}}]
            fake.load({{"users": [{{"email": "bob@example.com", "tokens": tokens}}]}})
            times = [fake.clock.now(), token.created_at, token.expires_at, fake.journal.exchanges[0].at]
    fake.reset()
    with fake:
        after = use(fake)
    types = sorted({{f"{{type(at).__module__}}.{{type(at).__name__}}" for at in times}})
    print(json.dumps([within, after, refusals, left_of_freezegun(), types]))
"""


def run(script: str) -> Any:
    """What a new Python prints, as JSON; it can import the tests."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.parametrize("stop", STOPS)
def test_a_first_import_while_time_is_stopped_does_no_harm(stop: str) -> None:
    """Calls are answered within and after, deadlines are real, and nothing of the tool is kept."""
    within, after, refusals, left, types = run(FIRST_IMPORT.format(stop=stop))

    assert (within, after) == ([200, 200], [200, 200])
    assert refusals == REFUSED
    assert left == []
    assert types == ["datetime.datetime"]


def test_the_class_decorator_of_unittest_does_no_harm() -> None:
    ran, failures = run("""
        import json, unittest
        import freezegun
        from tests.stopped_time import use

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

    assert (ran, failures) == (2, [])


def test_what_is_left_of_freezegun_is_found() -> None:
    left = run("""
        import json
        import freezegun
        from tests.stopped_time import left_of_freezegun

        with freezegun.freeze_time("2030-01-01"):
            from datetime import date, datetime
            from tiledesk_fake.core import clock
            def annotated(at: datetime) -> None: ...
            annotated.__module__ = "tiledesk_fake.core.clock"
            clock.annotated, clock.constant, clock.HELD = annotated, datetime(2000, 1, 1), [date]
        print(json.dumps(left_of_freezegun()))
    """)

    assert {path.removeprefix("tiledesk_fake.core.clock.") for path in left} == {
        "annotated.annotations.at",
        "constant",
        "HELD.0",
    }
