"""A session: one token in the history of a user."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Session:
    """One place where a user is logged in."""

    id: str
    jti: str
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Session":
        """The session of a record of the API."""
        expires_at = record.get("expiresAt")
        return cls(
            id=record["_id"],
            jti=record["jti"],
            created_at=datetime.fromisoformat(record["createdAt"]),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        )
