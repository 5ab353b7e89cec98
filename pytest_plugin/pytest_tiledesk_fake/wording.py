"""The words in which a test is told what its clients did wrong."""

from __future__ import annotations

from collections.abc import Sequence

from tiledesk_fake.core.journal import Exchange
from tiledesk_fake.violations.violation import Violation

_MOST_VIOLATIONS = 5
_MOST_EXCHANGES = 50


def failure(violations: Sequence[Violation], unspent: Sequence[str]) -> str:
    """Why a test fails that passed otherwise."""
    paragraphs = []
    if violations:
        broken = ", ".join(dict.fromkeys(violation.rule for violation in violations))
        paragraphs.append(f"{broken}: the client under test sent what no correct client of this API sends.")
        paragraphs += [str(violation) for violation in violations[:_MOST_VIOLATIONS]]
        if len(violations) > _MOST_VIOLATIONS:
            paragraphs.append(f"… and {len(violations) - _MOST_VIOLATIONS} more.")
    if unspent:
        paragraphs.append(
            "unspent-fault: plan only faults that the test's calls meet, or make the calls\n"
            "    expected  every planned fault to be met by a call\n"
            f"    got       {'; '.join(unspent)}"
        )
    rules = list(dict.fromkeys([violation.rule for violation in violations] + ["unspent-fault"] * bool(unspent)))
    allowed = ", ".join(f'"{rule}"' for rule in rules)
    paragraphs.append(f"If the test means to: @pytest.mark.tiledesk(allow=[{allowed}])")
    return "\n\n".join(paragraphs)


def heard_section(exchanges: Sequence[Exchange]) -> list[tuple[str, str]]:
    """The section of a failed test's report with a line for each exchange; none if there was none."""
    if not exchanges:
        return []
    lines = [f"{exchange.at:%H:%M:%S} {exchange}" for exchange in exchanges[-_MOST_EXCHANGES:]]
    if len(exchanges) > _MOST_EXCHANGES:
        lines.insert(0, f"({len(exchanges) - _MOST_EXCHANGES} earlier exchanges are left out)")
    return [("tiledesk-fake heard", "\n".join(lines))]
