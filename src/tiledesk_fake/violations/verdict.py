"""Whether what clients did so far may pass, and the words in which a test is told why not."""

from collections.abc import Sequence

from ..core.journal import Journal
from ..core.redaction import printable
from ..errors import MisuseError, nearest
from .violation import CLIENT_RULES, Violation

UNSPENT_FAULT = "unspent-fault"
RULES = (*CLIENT_RULES, UNSPENT_FAULT)
"""The rules whose breach fails a test: those of clients, and that every planned fault is met."""

_MOST_VIOLATIONS = 5
_MOST_IN_FULL = 20


class ViolationError(AssertionError):
    """Clients sent what no correct client sends, a planned fault was not met, or the fake itself failed.

    `violations` and `unspent_faults` are what was judged; the message says all of it.
    """

    def __init__(self, message: str, violations: Sequence[Violation] = (), unspent_faults: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.violations = tuple(violations)
        self.unspent_faults = tuple(unspent_faults)

    def __reduce__(self) -> tuple[type["ViolationError"], tuple[object, ...]]:
        return ViolationError, (*self.args, self.violations, self.unspent_faults)


def check_rules(rules: Sequence[str]) -> None:
    """Raise MisuseError for a rule that there is not."""
    if isinstance(rules, str):
        raise MisuseError(f"allow: expected a list of rules, got text; write it like allow=[{rules!r}]")
    for rule in rules:
        if rule not in RULES:
            raise MisuseError(f"allow: there is no rule {rule!r}{nearest(str(rule), RULES)}")


def judge(journal: Journal, unspent: Sequence[str], allow: Sequence[str]) -> None:
    """Raise ViolationError for what the journal has and nobody took yet, and for faults that no call has met."""
    violations = [violation for violation in journal.take_violations() if violation.rule not in allow]
    if bugs := journal.take_bugs():
        raise ViolationError(internal_error(bugs), violations, unspent)
    if UNSPENT_FAULT in allow:
        unspent = ()
    if violations or unspent:
        text = failure(violations, unspent, planner="the test", allowing="fake.verify(allow=[{}])")
        raise ViolationError(text, violations, unspent)


def failure(violations: Sequence[Violation], unspent: Sequence[str], *, planner: str, allowing: str) -> str:
    """Why a test fails that passed otherwise; the first line is what pytest's summary shows.

    `planner` is who plans the faults, `allowing` how rules are allowed, with `{}` for these.
    """
    paragraphs = []
    if violations:
        more = f"; and {len(violations) - 1} more" if len(violations) > 1 else ""
        paragraphs.append(f"{violations[0].rule}: got {printable(violations[0].got)}{more}")
        paragraphs += in_full(violations, _MOST_VIOLATIONS)
    if unspent:
        paragraphs.append(
            f"{UNSPENT_FAULT}: no call met {unspent[0]}\n"
            f"    expected  every fault that {planner} plans to be met, by its teardown at last\n"
            f"    got       {'; '.join(unspent)}\n"
            "    next      plan only faults that the test's calls meet, or make the calls"
        )
    rules = list(dict.fromkeys([violation.rule for violation in violations] + [UNSPENT_FAULT] * bool(unspent)))
    allowed = ", ".join(f'"{rule}"' for rule in rules)
    blame = "No correct client of this API sends that. " if violations else ""
    paragraphs.append(f"{blame}If the test means to: {allowing.format(allowed)}")
    return "\n\n".join(paragraphs)


def in_full(violations: Sequence[Violation], most: int = _MOST_IN_FULL) -> list[str]:
    """Each violation as a paragraph, and how many are left out."""
    more = [f"… and {len(violations) - most} more."] if len(violations) > most else []
    return [*map(str, violations[:most]), *more]


def internal_error(traces: Sequence[str]) -> str:
    """Why a test fails during which the fake itself failed."""
    return (
        f"internal-error: {traces[0].splitlines()[-1]}\n"
        "    expected  an answer to every call\n"
        "    got       this exception inside tiledesk-fake, and a 500 or a cut connection for the client\n"
        "    next      a bug of tiledesk-fake: report it with this traceback; in an app of your own, mend that\n\n"
        + "\n".join(traces)
    )
