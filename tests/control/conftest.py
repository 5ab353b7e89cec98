"""A control API that listens, for tests that need no other."""

from collections.abc import Iterator

import pytest

from tests.control.callers import Caller, listening


@pytest.fixture
def control() -> Iterator[Caller]:
    """A caller of a new server."""
    with listening() as caller:
        yield caller
