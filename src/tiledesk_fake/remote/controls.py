"""The clock and the faults of a fake elsewhere."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ..arguments import checked
from ..core.clock import Clock, iso, moment, step_ms
from ..core.faults import content_of
from ..core.handing import OnlyOnce
from ..core.request import OperationName
from ..serving.delivery import Drop
from . import values
from .calls import Control

_DAY_MS = 86_400_000


class RemoteClock(OnlyOnce):
    """The clock of a fake elsewhere; as `Clock`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def now_ms(self) -> int:
        """The time in milliseconds since 1970."""
        return values.at_ms(self._control.get("/clock")["now"])

    def now(self) -> datetime:
        """The time as an aware datetime, in UTC."""
        return moment(self.now_ms())

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return bool(self._control.get("/clock")["frozen"])

    @checked()
    def freeze(self, at: datetime | str | None = None) -> None:
        """Stop the clock, at the given time or where it is; see `Clock.freeze`."""
        if at is None:
            self._control.post("/clock/freeze")
            return
        # A clock of this process judges the time, so that what is refused is refused in the same words.
        stopped = Clock()
        stopped.freeze(at)
        self._control.post("/clock/freeze", {"at": iso(stopped.now())})

    @checked(by="write it like timedelta(hours=2), or advance(hours=2)")
    def advance(self, by: timedelta | None = None, /, **units: float) -> None:
        """Move the clock, frozen or not, by a timedelta or its keywords; see `Clock.advance`."""
        days, rest_ms = divmod(step_ms(by, units), _DAY_MS)
        # In one number, a long step would lose its milliseconds.
        self._control.post("/clock/advance", {"days": days, "seconds": rest_ms / 1000})

    def resume(self) -> None:
        """Show the real time again: not frozen, not ahead."""
        self._control.post("/clock/resume")

    def __repr__(self) -> str:
        return f"<RemoteClock of {self._control.origin}{self._control.mount}>"


class RemoteFaults(OnlyOnce):
    """The faults planned for a fake elsewhere; as `Faults`."""

    def __init__(self, control: Control) -> None:
        self._control = control

    @checked(drop="write it like drop='before-answer'", headers="write it like headers={'Location': '/v3/jwt/history'}")
    def add(
        self,
        operation: OperationName,
        *,
        status: int | None = None,
        body: Any = None,
        delay_s: float = 0,
        drop: Drop | None = None,
        retry_after_s: int | None = None,
        times: int | None = 1,
        when: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        chance: float = 1,
    ) -> None:
        """Plan a fault for the next `times` calls of an operation; see `Faults.add`."""
        fault: dict[str, Any] = {
            "operation": operation,
            "status": status,
            "delay_s": delay_s,
            "drop": drop,
            "retry_after_s": retry_after_s,
            "when": {str(name): None if value is None else str(value) for name, value in (when or {}).items()},
            "headers": dict(headers or {}),
            "chance": chance,
        }
        fault = {name: value for name, value in fault.items() if value not in (None, {})} | {"times": times}
        # In order to be refused here where JSON cannot write it.
        content_of(body)
        if isinstance(body, bytes):
            fault["body_base64"] = b64encode(body).decode()
        elif body is not None:
            fault["body"] = body
        self._control.post("/faults", fault)

    @property
    def unspent(self) -> list[str]:
        """The faults that are still waiting for calls, described."""
        return list(self._control.get("/verdict")["unspent_faults"])

    def clear(self) -> None:
        """Forget all faults."""
        self._control.call("DELETE", "/faults")

    def __repr__(self) -> str:
        return f"<RemoteFaults of {self._control.origin}{self._control.mount}>"
