"""Where a user is logged in, and logging out elsewhere."""

from .client import SessionsClient
from .credentials import basic, jwt
from .errors import NotAuthenticated, RateLimited, SessionsError, Unavailable, UnknownSession
from .session import Session

__all__ = [
    "NotAuthenticated",
    "RateLimited",
    "Session",
    "SessionsClient",
    "SessionsError",
    "Unavailable",
    "UnknownSession",
    "basic",
    "jwt",
]
