"""How one answer leaves the server: at once, later, cut short, or never.

The road of a request decides it; the listening server carries it out. The server puts a `Delivery` into the WSGI
environ under `KEY`, calls the app, and reads it back. Where no server listens there is no such key.
"""

from dataclasses import dataclass
from typing import Literal

KEY = "tiledesk_fake.delivery"

Drop = Literal["before-answer", "mid-body", "malformed", "silence"]


@dataclass(slots=True)
class Delivery:
    """What becomes of one answer on the wire; untouched, it is sent at once and whole.

    `delay_s` holds the answer back for that many real seconds. `drop` ruins it:

    - `before-answer`: the connection is reset and no byte is sent;
    - `mid-body`: head and half of the body are sent, then the connection is reset;
    - `malformed`: bytes that are not HTTP are sent, then the connection is closed;
    - `silence`: nothing is sent and the connection is held until the client gives up.
    """

    delay_s: float = 0.0
    drop: Drop | None = None
