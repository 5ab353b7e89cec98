"""What can go wrong.

SessionsError
├── NotAuthenticated   the credentials are not, or no longer, accepted
├── UnknownSession     the user is not logged in there
├── RateLimited        too many calls; `retry_after_s` says when to come back
└── Unavailable        no answer, or none that makes sense
"""


class SessionsError(Exception):
    """Base of all errors of this library."""


class NotAuthenticated(SessionsError):
    """The credentials are not, or no longer, accepted."""


class UnknownSession(SessionsError):
    """The user is not logged in there: there is no such session, it is another user's, or it has ended."""


class RateLimited(SessionsError):
    """Too many calls."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many calls; come back in {retry_after_s:g} s")
        self.retry_after_s = retry_after_s


class Unavailable(SessionsError):
    """There was no answer, or none that makes sense."""
