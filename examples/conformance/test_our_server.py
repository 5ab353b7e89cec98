"""Is our own stub, or our staging server, within the contract?

    TILEDESK_URL=https://staging.example.com/v3 TILEDESK_BASIC=ada@example.com:secret pytest examples/conformance

Without TILEDESK_URL it examines a stub: here the fake stands for it. Nothing is changed on a server unless
TILEDESK_MAY_REVOKE is set.
"""

import os
from collections.abc import Iterator

import pytest

from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import RULES, Examination, Omission, Rule, Target, judge, target


@pytest.fixture(scope="module")
def server() -> Iterator[Target]:
    """What is examined, and who calls."""
    profile = {"page-size": "40"}  # what we know of the server; `tiledesk-fake learn` finds it out
    if url := os.environ.get("TILEDESK_URL"):
        may_revoke = "TILEDESK_MAY_REVOKE" in os.environ
        yield target(url, basic=os.environ["TILEDESK_BASIC"].split(), profile=profile, may_revoke=may_revoke)
        return
    with TiledeskFake(profile=profile) as stub:
        ada = stub.add_user(email="ada@example.com", password="secret")
        stub.add_user(email="grace@example.com", password="hopper")
        for _ in range(45):
            stub.issue_token(ada)
        credentials = ["ada@example.com:secret", "grace@example.com:hopper"]
        yield target(stub.url, basic=credentials, profile=profile, may_revoke=True)


@pytest.fixture(scope="module")
def examination(server: Target) -> Iterator[Examination]:
    """One for all rules, so that each asks on what the others know."""
    examination = Examination(server)
    yield examination
    examination.close()


# Tests may run in any order; what uses up the token that calls is for the very end.
@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.last], ids=str)
def test_our_server_keeps_the_contract(rule: Rule, examination: Examination) -> None:
    outcome = judge(examination, rule)
    if isinstance(outcome, Omission):
        pytest.skip(outcome.reason)
    assert outcome is None, f"\n{outcome}"
