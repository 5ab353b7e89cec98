"""Fails a test for a cause that its body did not notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest

from tiledesk_fake.errors import CannotReach


@contextmanager
def reaching(item: pytest.Item) -> Iterator[None]:
    """Fail only this test if the server of its fake does not answer."""
    try:
        yield
    except CannotReach as problem:
        fail_in(item, str(problem))


def fail_in(item: pytest.Item, text: str) -> NoReturn:
    """Fail the test with this text and no traceback.

    The exception comes from the place where the test is defined, so that a debugger stops there, with the test's
    module and its fixtures at hand, and not in this plugin.
    """
    path, line, _ = item.reportinfo()
    module: object = getattr(item, "module", None)
    names: dict[str, Any] = {**(vars(module) if module else {}), **getattr(item, "funcargs", {})}
    names["failure"] = pytest.fail.Exception(text, pytrace=False)
    # `from None`: the text says what led here; a second traceback would say it again.
    code = compile("\n" * (line or 0) + "raise failure from None", str(path), "exec").replace(co_name=item.name)
    exec(code, names)  # noqa: S102 - the two lines above are all that runs
    raise AssertionError("unreachable")
