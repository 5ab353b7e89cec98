"""The words in which a test is told what its clients did wrong."""

from __future__ import annotations

from collections.abc import Sequence

from tiledesk_fake.core.journal import Exchange
from tiledesk_fake.violations.verdict import in_full
from tiledesk_fake.violations.violation import Violation

_MOST_EXCHANGES = 50


def idle_marker(nodeid: str, keys: Sequence[str], *, overridden: bool) -> str:
    """The message for a test whose marker needs `fake_tiledesk`, which the test never used."""
    because = "another fixture has that name here" if overridden else "and the marker starts no other fake"
    return (
        f"@pytest.mark.tiledesk of {nodeid}: {', '.join(keys)} would do nothing, because this test does not use "
        f"fake_tiledesk, {because}; call fake_tiledesk_factory(profile=…), fake.load(…) or fake.clock.freeze(…) instead"
    )


def heard_section(exchanges: Sequence[Exchange], violations: Sequence[Violation]) -> list[tuple[str, str]]:
    """The section of a failed test's report with a line for each exchange, and each distinct violation once.

    None if there was no exchange.
    """
    if not exchanges:
        return []
    lines = [exchange.line for exchange in exchanges[-_MOST_EXCHANGES:]]
    if len(exchanges) > _MOST_EXCHANGES:
        lines.insert(0, f"({len(exchanges) - _MOST_EXCHANGES} earlier exchanges are left out)")
    paragraphs = ["\n".join(lines), *in_full(list(dict.fromkeys(violations)))]
    return [("tiledesk-fake heard", "\n\n".join(paragraphs))]


def unheard_section(problem: str) -> list[tuple[str, str]]:
    """The section of a failed test's report if the server does not answer."""
    return [("tiledesk-fake heard", problem)]


def failed_section(traces: Sequence[str]) -> list[tuple[str, str]]:
    """The section of a failed test's report with the bugs of the fake that may have caused it; none without bugs."""
    return [("tiledesk-fake failed", "\n".join(traces))] if traces else []
