"""The pytest plugin of tiledesk-fake, and its types for annotations.

    from pytest_tiledesk_fake import Factory

Names are imported when they are first used: pytest imports this package in every run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hub import Factory as Factory
    from .hub import LateCallWarning as LateCallWarning

__all__ = ["Factory", "LateCallWarning"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import hub

    return getattr(hub, name)
