"""Servers that keep the contract are left alone, however they look."""

from datetime import UTC, datetime

import pytest

from tests.conformance.right_servers import RIGHT, another_http_server
from tests.conformance.world import world
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import Report, check, target

pytestmark = pytest.mark.slow

# One that rewrites bodies, one that rewrites headers.
GENERATED = ("every object has more fields", "every answer sets cookies")


def said(report: Report) -> str:
    return "\n".join(map(str, report.findings))


@pytest.mark.parametrize("name", RIGHT)
def test_a_server_that_looks_different_is_left_alone(name: str) -> None:
    made = world(RIGHT[name])
    with made.served(examples=4) if name in GENERATED else made.here() as server:
        report = check(server, generated=name in GENERATED)

    assert not report.findings, said(report)
    assert len(report.kept) > 95


@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "HTTP/1.0"])
def test_another_http_server_is_left_alone(chunked: bool) -> None:
    with another_http_server(world(), chunked=chunked, examples=2) as server:
        report = check(server)

    assert not report.findings, said(report)


def test_the_fake_itself_is_left_alone_below_another_base_path() -> None:
    with TiledeskFake(base_path="") as fake:
        ada = fake.add_user(email="ada@example.com", password="secret")
        for _ in range(3):
            fake.issue_token(ada)
        report = check(target(fake.url, basic="ada@example.com:secret", may_revoke=True, examples=3))

    assert not report.findings, said(report)


def test_a_user_without_tokens_is_no_finding() -> None:
    with TiledeskFake() as fake:
        fake.add_user(email="ada@example.com", password="secret")
        # Without a sign-in there is nowhere to get one from.
        fake.faults.add("signIn", status=404, times=None)
        report = check(target(fake.url, basic="ada@example.com:secret", may_revoke=True), generated=False)

    assert not report.findings, said(report)
    assert "no token is left that may be revoked" in {omission.reason for omission in report.left_out}


def test_a_frozen_clock_is_no_finding() -> None:
    """A stub may stand still; only what was revoked before the clock stood can be compared."""
    with TiledeskFake() as fake:
        fake.clock.freeze(datetime(2026, 6, 1, tzinfo=UTC))
        ada = fake.add_user(email="ada@example.com", password="secret")
        for day in range(1, 25):
            fake.issue_token(ada, created_at=datetime(2026, 5, day, tzinfo=UTC))
        report = check(target(fake.url, basic="ada@example.com:secret", may_revoke=True), generated=False)

    assert not report.findings, said(report)
