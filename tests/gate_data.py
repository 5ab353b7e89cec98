"""The answers recorded from the real server, and a fake that holds the same users and revoked tokens."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiledesk_fake import TiledeskFake

RECORDED = json.loads((Path(__file__).parent / "data" / "gate.json").read_text(encoding="utf-8"))
BASE = "/v3"

# What the stand-in for the private module answered does not matter, only that it was reached: any query, any key.
REACHES_EVERYTHING = {"invalid-query": "ignore", "revoke-unknown": "null"}


@dataclass(frozen=True)
class Case:
    name: str
    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    expect: dict[str, Any]

    def __str__(self) -> str:
        return self.name


CASES = [
    Case(
        case["name"],
        case["class"],
        case["request"]["method"],
        BASE + case["request"]["path"],
        tuple((name, value) for name, value in case["request"]["headers"]),
        case["expect"],
    )
    for case in RECORDED["cases"]
]


def recorded_fake(**choices: str) -> TiledeskFake:
    """A fake with the users, the secret and the revoked jtis of the recording."""
    fake = TiledeskFake(profile=REACHES_EVERYTHING | choices, secret=RECORDED["secret"])
    for user in RECORDED["users"]:
        password = user["password"]
        if password is not None and password.startswith("(stored:"):
            password = None  # no valid hash: the real server fails alike
        elif password is not None:
            password = password.removesuffix(" (status 0)")
        fake.add_user(id=user["_id"], email=user["email"], password=password, active=user["status"] == 100)
    owner = fake.users["bob@example.com"]
    for jti in RECORDED["revoked_jtis"]:
        # A jti that is no text cannot be in a history; tokens with such a jti are never revoked.
        if isinstance(jti, str):
            fake.issue_token(owner, jti=jti, revoked=True)
    return fake
