"""The words in which a test is told what its clients did wrong."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

from tiledesk_fake.core.journal import Exchange
from tiledesk_fake.core.redaction import printable, redacted
from tiledesk_fake.violations.violation import Violation

from .settings import UNSPENT_FAULT

_MOST_VIOLATIONS = 5
_MOST_EXCHANGES = 50


def failure(nodeid: str, violations: Sequence[Violation], unspent: Sequence[str]) -> str:
    """Why a test fails that passed otherwise; the first line is what pytest's summary shows."""
    paragraphs = []
    if violations:
        more = f"; and {len(violations) - 1} more" if len(violations) > 1 else ""
        paragraphs.append(f"{violations[0].rule}: got {printable(violations[0].got)}{more}")
        paragraphs += [str(violation) for violation in violations[:_MOST_VIOLATIONS]]
        if len(violations) > _MOST_VIOLATIONS:
            paragraphs.append(f"… and {len(violations) - _MOST_VIOLATIONS} more.")
    if unspent:
        paragraphs.append(
            f"{UNSPENT_FAULT}: no call met {unspent[0]}\n"
            f"    expected  every fault that {nodeid} plans to be met, by its teardown at last\n"
            f"    got       {'; '.join(unspent)}\n"
            "    next      plan only faults that the test's calls meet, or make the calls"
        )
    rules = list(dict.fromkeys([violation.rule for violation in violations] + [UNSPENT_FAULT] * bool(unspent)))
    allowed = ", ".join(f'"{rule}"' for rule in rules)
    blame = "No correct client of this API sends that. " if violations else ""
    paragraphs.append(f"{blame}If the test means to: @pytest.mark.tiledesk(allow=[{allowed}])")
    return "\n\n".join(paragraphs)


def internal_error(traces: Sequence[str]) -> str:
    """Why a test fails during which the fake itself failed."""
    return (
        f"internal-error: {traces[0].splitlines()[-1]}\n"
        "    expected  an answer to every call\n"
        "    got       this exception inside tiledesk-fake, and a 500 or a cut connection for the client\n"
        "    next      a bug of tiledesk-fake: report it with this traceback; in an app of your own, mend that\n\n"
        + "\n".join(traces)
    )


def trace_of(bug: BaseException) -> str:
    """The traceback of an exception, without credentials, also where the test has replaced what reads files."""
    try:
        text = "".join(traceback.format_exception(bug))
    except Exception:
        text = f"{type(bug).__name__}: {bug}"
    return redacted(text.strip())


def idle_marker(nodeid: str, keys: Sequence[str], *, overridden: bool) -> str:
    """Why a test fails whose marker asks for what only `fake_tiledesk` does, which never began."""
    because = "another fixture has that name here" if overridden else "and the marker starts no other fake"
    return (
        f"@pytest.mark.tiledesk of {nodeid}: {', '.join(keys)} would do nothing, because this test does not use "
        f"fake_tiledesk, {because}; call fake_tiledesk_factory(profile=…), fake.load(…) or fake.clock.freeze(…) instead"
    )


def heard_section(exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    """The section of a failed test's report with a line for each exchange; none if there was none."""
    if not exchanges:
        return []
    lines = [f"{exchange.at:%H:%M:%S} {exchange}" for exchange in exchanges[-_MOST_EXCHANGES:]]
    if len(exchanges) > _MOST_EXCHANGES:
        lines.insert(0, f"({len(exchanges) - _MOST_EXCHANGES} earlier exchanges are left out)")
    return [("tiledesk-fake heard", "\n".join(lines))]


def failed_section(traces: Sequence[str]) -> list[tuple[str, str]]:
    """The section of a failed test's report with the bugs of the fake that may have led to it; none if none."""
    return [("tiledesk-fake failed", "\n".join(traces))] if traces else []
