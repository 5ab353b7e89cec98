"""A test once more under another name. The only module that knows the inside of pytest's items.

pytest has no public way to run a test again beside itself, with an outcome and fixtures of its own.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import pytest
from _pytest.unittest import TestCaseFunction


class Variant(NamedTuple):
    """One test under one other choice: `instead_of` is the choice that its base, the test as it stands, runs under."""

    base: str
    id: str
    choice: str
    instead_of: str

    @property
    def told(self) -> dict[str, str]:
        """As a report carries it, also from one process to another."""
        return {"base": self.base, "id": self.id, "choice": self.choice, "instead_of": self.instead_of}

    def __str__(self) -> str:
        return f"{self.id}={self.choice}"


VARIANT: pytest.StashKey[Variant] = pytest.StashKey()


def variant_of(item: pytest.Function, variant: Variant) -> pytest.Function:
    """The test under another name, with the fixtures of its own that each test has."""
    one = copy.copy(item)
    one.name = f"{item.name}[{variant}]"
    _set_nodeid(one, f"{item.nodeid}[{variant}]")
    one.stash = pytest.Stash()
    one.stash[VARIANT] = variant
    # One of several runs of one function, as those of a parametrised test are: Hypothesis goes by that, which keeps the
    # examples of each apart and lets each have an instance of its own.
    one.own_markers = [*item.own_markers, pytest.mark.parametrize(variant.id, [variant.choice]).mark]
    one.user_properties, one._report_sections = [], []
    vars(one).pop("location", None)
    if isinstance(item.parent, pytest.Class):
        # Another instance of the class, as each test has; made when it is asked for.
        vars(one).pop("_instance", None)
        vars(one).pop("_obj", None)
    if isinstance(item, TestCaseFunction):
        parent, method = item.parent, item.name
        one._getinstance = lambda: parent.obj(method)  # type: ignore[method-assign, union-attr]
    one._initrequest()
    return one


def _set_nodeid(item: pytest.Item, nodeid: str) -> None:
    # pytest 9.1 made an object of what was text.
    if hasattr(item, "_nodeid"):
        item._nodeid = nodeid
    else:
        item._id = type(item.id).parse(nodeid)
