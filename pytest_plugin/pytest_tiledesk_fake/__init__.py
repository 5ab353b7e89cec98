"""The pytest plugin of tiledesk-fake. `tiledesk_fake.pytest` has its types for annotations; this package exports them
too.

Names are imported when they are first used: pytest imports this package in every run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tiledesk_fake.pytest import Factory as Factory
    from tiledesk_fake.pytest import LateCallWarning as LateCallWarning

__all__ = ["Factory", "LateCallWarning"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tiledesk_fake import pytest as types

    return getattr(types, name)
