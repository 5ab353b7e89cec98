"""How one answer leaves the server: at once, later, when the app is asked again, cut short, or never.

The road of a request decides it; the listening server carries it out. The server puts a `Delivery` into the WSGI
environ under `KEY`, calls the app, and reads it back. Where no server listens there is no such key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

KEY = "tiledesk_fake.delivery"

Drop = Literal["before-answer", "mid-body", "malformed", "silence", "after-answer"]


def nobody() -> None:
    """Do nothing: the callback where there is nobody to wake or to tell."""


ANSWERED: tuple[Drop, ...] = ("mid-body", "after-answer")
"""The drops that come with an answer, or part of one."""


@dataclass(slots=True)
class Delivery:
    """What becomes of one answer on the wire; untouched, it is sent at once and whole.

    `delay_s` holds the answer back for that many real seconds. `drop` ruins it:

    - `before-answer`: the connection is reset and no byte is sent;
    - `mid-body`: head and half of the body are sent, then the connection is reset;
    - `malformed`: bytes that are not HTTP are sent, then the connection is closed;
    - `silence`: nothing is sent and the connection is held until the client gives up;
    - `after-answer`: the answer is sent whole, and then the connection that it says to keep is closed.

    An app that waits for something sets `wait_s`, and its answer is let go. It is asked again, with the same environ
    and the same delivery, after so many seconds or as soon as `wake` is called, from whichever thread. Between the two
    it holds no thread. If the client hangs up meanwhile, `on_gone` is called.
    """

    delay_s: float = 0.0
    drop: Drop | None = None
    wait_s: float = 0.0
    wake: Callable[[], object] = nobody
    on_gone: Callable[[], object] = nobody
