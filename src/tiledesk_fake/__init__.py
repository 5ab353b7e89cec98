"""A stateful fake of Tiledesk's JWT history API.

    from tiledesk_fake import TiledeskFake

Names are imported when they are first used, so that importing the package costs nothing.

PYTEST_DONT_REWRITE: pytest would warn where a warning filter names this package, which imports it before the plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app_factory import create_app as create_app
    from .core.clock import Clock as Clock
    from .core.faults import Faults as Faults
    from .core.journal import Exchange as Exchange
    from .core.journal import Journal as Journal
    from .core.users import User as User
    from .errors import AlreadyExists as AlreadyExists
    from .errors import CannotListen as CannotListen
    from .errors import CannotReach as CannotReach
    from .errors import ContractError as ContractError
    from .errors import MisuseError as MisuseError
    from .errors import NetworkRefused as NetworkRefused
    from .errors import NoAnswer as NoAnswer
    from .errors import NotFound as NotFound
    from .errors import NotListening as NotListening
    from .errors import ProfileError as ProfileError
    from .errors import ScenarioError as ScenarioError
    from .errors import TiledeskFakeError as TiledeskFakeError
    from .fake import TiledeskFake as TiledeskFake
    from .handles import Token as Token
    from .remote.connecting import connect as connect
    from .remote.fake import RemoteFake as RemoteFake
    from .state import Snapshot as Snapshot
    from .violations.verdict import ViolationError as ViolationError
    from .violations.violation import Violation as Violation

_HOMES = {
    "AlreadyExists": "errors",
    "CannotListen": "errors",
    "CannotReach": "errors",
    "Clock": "core.clock",
    "ContractError": "errors",
    "Exchange": "core.journal",
    "Faults": "core.faults",
    "Journal": "core.journal",
    "MisuseError": "errors",
    "NetworkRefused": "errors",
    "NoAnswer": "errors",
    "NotFound": "errors",
    "NotListening": "errors",
    "ProfileError": "errors",
    "RemoteFake": "remote.fake",
    "ScenarioError": "errors",
    "Snapshot": "state",
    "TiledeskFake": "fake",
    "TiledeskFakeError": "errors",
    "Token": "handles",
    "User": "core.users",
    "Violation": "violations.violation",
    "ViolationError": "violations.verdict",
    "connect": "remote.connecting",
    "create_app": "app_factory",
}

__all__ = list(_HOMES)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
