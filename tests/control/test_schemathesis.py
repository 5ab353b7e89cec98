"""The control API keeps its own contract, as Schemathesis sees it in all its phases."""

import pytest

from tests.schemathesis_run import SEED, Outcome, Subject, single_requests, walk
from tiledesk_fake import TiledeskFake
from tiledesk_fake.control import description
from tiledesk_fake.control.app import ControlApp

ADA = "5e0000000000000000000001"
# A reset, or a snapshot from before, takes away what was created; the check knows of DELETE alone.
WITHOUT = {route.id: ("ensure_resource_availability",) for route in description.routes() if route.names}


def subject() -> Subject:
    """A control API whose fake has a user with a token, a call and a snapshot, whenever a request comes."""
    fake = TiledeskFake(seed=1)
    app = ControlApp(fake, TiledeskFake)

    def begin() -> None:
        fake.reset()
        fake.issue_token(fake.add_user(email="ada@example.com", password="secret", id=ADA), jti="phone")

    words = {"userId": [ADA], "tokenJti": ["phone"], "snapshotId": ["1"]}
    return Subject(app, description.document(), begin, words=words, without=WITHOUT)


@pytest.mark.slow
def test_schemathesis_finds_nothing_in_any_phase() -> None:
    outcome = Outcome()
    single_requests(subject(), outcome, examples=30)
    for seed in range(SEED, SEED + 3):
        walk(subject(), outcome, walks=30, seed=seed)

    assert [text for _, text in outcome.findings] == []
    assert {seen.phase for seen in outcome.exchanges} >= {"coverage", "fuzzing", "stateful"}
    assert {seen.operation for seen in outcome.exchanges} == {route.id for route in description.routes()}
    assert {seen.operation for seen in outcome.exchanges if seen.link} >= {"issueToken", "revokeToken", "readJournal"}
