"""The default users and tokens of `tiledesk-fake serve`: the tokens that the contract's example lists."""

from typing import Any

from .contract import load

EMAIL = "ada@example.com"
PASSWORD = "secret"  # noqa: S105 - printed on purpose, and good for nothing else


def scenario() -> dict[str, Any]:
    """A scenario with one user, whose history is the example in the contract's answer to listTokens."""
    tokens = load().example("TokenList")["jwts"]
    return {
        "users": [
            {
                "email": EMAIL,
                "password": PASSWORD,
                "_id": tokens[0]["id_user"],
                "tokens": [{key: token[key] for key in ("_id", "jti", "createdAt", "revoked")} for token in tokens],
            }
        ]
    }
