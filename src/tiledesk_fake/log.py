"""The log of this package: what should never happen, and nothing else."""

import logging

log = logging.getLogger("tiledesk_fake")
# The fake runs inside other people's tests: its log must not turn up in their stderr unasked.
log.addHandler(logging.NullHandler())
