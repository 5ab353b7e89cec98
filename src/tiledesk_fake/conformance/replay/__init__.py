"""Does a fake answer as a server did? Replays recorded traffic, a HAR or JSON lines, on the fake itself.

    from pathlib import Path
    from tiledesk_fake.conformance.replay import replay

The state of the fake is what the traffic shows, and an answer is right if the fake gives it in one of the worlds that
the file allows: `reading` -> `survey` (the whole file) -> for each exchange `callers` and `targets` (the worlds),
`asking` (the fake), `comparing` and `window` (the answer), `following` (what is known from then on).
"""

from .exchange import Unusable
from .outcome import Difference, Replay
from .replaying import replay

__all__ = ["Difference", "Replay", "Unusable", "replay"]
