"""Names for tests that are type-checked: what the fixtures of the pytest plugin are, and the warning it gives.

    from tiledesk_fake.pytest import Factory, LateCallWarning

Needs pytest, which nothing else in this package does.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pytest

from .fake import TiledeskFake

__all__ = ["Factory", "LateCallWarning"]


class Factory(Protocol):
    """What `fake_tiledesk_factory` is: called, it makes a fake that listens. Takes what TiledeskFake takes."""

    def __call__(
        self,
        *,
        profile: Mapping[str, str] | str | Path | None = ...,
        secret: str | None = ...,
        base_path: str | None = ...,
        host: str = ...,
        port: int = ...,
        seed: int | None = ...,
        strict: bool = ...,
    ) -> TiledeskFake: ...


class LateCallWarning(pytest.PytestWarning):
    """A client called the fake of a test that was over; the running test was not touched."""
