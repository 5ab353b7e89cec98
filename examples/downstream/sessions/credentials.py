"""The values of an Authorization header."""

import json
from base64 import b64encode, urlsafe_b64decode


def basic(email: str, password: str) -> str:
    """Log in by e-mail address and password."""
    credentials = b64encode(f"{email}:{password}".encode())
    return f"Basic {credentials.decode()}"


def jwt(token: str) -> str:
    """Log in by a token, with or without the scheme word that a sign-in answers it with."""
    return token if token.startswith("JWT ") else f"JWT {token}"


def jti_of(authorization: str) -> str | None:
    """The jti of the token that an Authorization header carries."""
    scheme, _, token = authorization.partition(" ")
    if scheme != "JWT":
        return None
    payload = token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    jti = claims.get("jti")
    return jti if isinstance(jti, str) else None
