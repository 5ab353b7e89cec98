"""The properties of a server that keeps the contract, in the order in which they are asked.

Each rule is a function that asks one thing of an `Examination`; it returns if the server is right, and raises Broken or
LeftOut otherwise. It judges by the contract under the profile, never by what some server happens to do.
"""

from collections.abc import Iterable

from . import (
    again,
    concurrency,
    edges,
    enforcement,
    gate,
    isolation,
    listing,
    misses,
    ordering,
    revocation,
    spellings,
    stability,
)
from .rule import Brake, Rule

RULES: tuple[Rule, ...] = (
    *listing.RULES,
    *ordering.RULES,
    *edges.RULES,
    *gate.RULES,
    *isolation.RULES,
    *stability.RULES,
    *misses.RULES,
    *revocation.RULES,
    *again.RULES,
    *spellings.RULES,
    *enforcement.RULES,
    *concurrency.RULES,
    # Only now may the token that calls be used up, and only here is it known whether anything else moved.
    *stability.LAST,
)

BY_ID = {rule.id: rule for rule in RULES}


def brake(broken: Iterable[str]) -> Brake:
    """The strictest brake of broken rules, given by their ids.

    Checks of generated requests have none: they see the form of an answer, not what a revocation hit.

    >>> brake(["list-form", "generated-not-a-server-error"])
    <Brake.UNWATCHED: 1>
    """
    return max((BY_ID[id].brake for id in broken if id in BY_ID), default=Brake.NONE)


__all__ = ["BY_ID", "RULES", "Brake", "Rule", "brake"]
