"""Tools that stop the time of a process, and what they leave in this package; for scripts in processes of their own."""

import gc
import sys
import types
from collections.abc import Iterator
from typing import Any

import freezegun.api


def left_of_freezegun() -> list[str]:
    """Where this package still holds anything of freezegun: by modules, classes, signatures and constants."""
    seen: set[int] = set()
    modules = [(name, module) for name, module in sorted(sys.modules.items()) if is_ours(name)]
    return [path for name, module in modules for path in _left(module, name, seen)]


def is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] in ("tiledesk_fake", "pytest_tiledesk_fake")


def _left(thing: object, path: str, seen: set[int]) -> Iterator[str]:
    if _is_freezeguns(thing):
        yield path
    elif id(thing) not in seen:
        seen.add(id(thing))
        for name, part in _parts(thing):
            yield from _left(part, f"{path}.{name}", seen)


def _is_freezeguns(thing: object) -> bool:
    named = getattr(thing, "__module__", None) if isinstance(thing, type | types.FunctionType) else None
    return freezegun.api.__name__ in (named, type(thing).__module__)


def _parts(thing: Any) -> list[tuple[str, object]]:
    """What hangs on a thing of ours; others' modules, classes and functions are theirs."""
    if isinstance(thing, types.ModuleType):
        return list(vars(thing).items()) if is_ours(thing.__name__) else []
    if isinstance(thing, type):
        return list(vars(thing).items()) if is_ours(thing.__module__) else []
    if isinstance(thing, types.FunctionType):
        if not is_ours(thing.__module__):
            return []
        cells = [cell.cell_contents for cell in thing.__closure__ or ()]
        return [
            *vars(thing).items(),
            ("annotations", thing.__annotations__),
            ("defaults", thing.__defaults__),
            *enumerated(cells),
        ]
    if isinstance(thing, dict):
        return [(str(key)[:40], value) for key, value in thing.items()]
    return enumerated(gc.get_referents(thing))


def enumerated(things: list[Any]) -> list[tuple[str, object]]:
    return [(str(number), thing) for number, thing in enumerate(things)]
