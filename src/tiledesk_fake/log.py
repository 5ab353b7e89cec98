"""The log of this package: what should never happen, and nothing else."""

import logging
import sys
from collections.abc import Callable

log = logging.getLogger("tiledesk_fake")
# The fake runs inside other people's tests: its log must not turn up in their stderr unasked.
log.addHandler(logging.NullHandler())

bug_listeners: list[Callable[[BaseException], object]] = []
"""Called with each exception that is a bug. A log does not suffice: applications under test switch logs off."""


def log_bug(message: str) -> None:
    """Log the exception that is being handled as a bug of this package, and tell who listens for bugs."""
    log.exception(message)
    bug = sys.exception()
    if bug is not None:
        for listener in list(bug_listeners):
            listener(bug)


refusal_listeners: list[Callable[[str, object], object]] = []
"""Called with each refusal of a client that `intercept` keeps from the network, and whose client it probably is."""


def log_refusal(text: str, owner: object) -> None:
    """Log that a client was refused, and tell who listens for that: some libraries swallow the text of an error."""
    log.warning("%s", text)
    for listener in list(refusal_listeners):
        listener(text, owner)
