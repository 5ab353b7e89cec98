"""The properties of a server that keeps the contract, in the order in which they are asked.

Each rule is a function that asks one thing of an `Examination`; it returns if the server is right, and raises Broken or
LeftOut otherwise. A rule's function judges by the contract under the profile, never by what some server happens to do.
"""

from . import concurrency, edges, gate, isolation, listing, ordering, revocation, stability
from .rule import Rule

RULES: tuple[Rule, ...] = (
    *listing.RULES,
    *ordering.RULES,
    *edges.RULES,
    *gate.RULES,
    *isolation.RULES,
    *stability.RULES,
    *revocation.RULES,
    *concurrency.RULES,
    # Only now may the token that calls be used up, and only here is it known whether anything else moved.
    *stability.LAST,
)

BY_ID = {rule.id: rule for rule in RULES}

__all__ = ["BY_ID", "RULES", "Rule"]
