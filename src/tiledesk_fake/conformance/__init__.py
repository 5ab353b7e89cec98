"""Is a server within the contract, and which choices does it make? Asked over HTTP, of any server.

    from tiledesk_fake.conformance import RULES, Examination, check, learn, target

Only what generates requests needs the extra `check`; the rules and `learn` do without.
"""

from ..contract.places import Place
from .examination import Examination
from .learning import learn
from .learnt import Learnt
from .outcome import Broken, CannotCheck, Finding, Forbidden, LeftOut, Omission
from .report import Report
from .rules import RULES, Rule
from .runner import check, judge
from .target import Target, target

__all__ = [
    "RULES",
    "Broken",
    "CannotCheck",
    "Examination",
    "Finding",
    "Forbidden",
    "Learnt",
    "LeftOut",
    "Omission",
    "Place",
    "Report",
    "Rule",
    "Target",
    "check",
    "judge",
    "learn",
    "target",
]
