"""The guard in the transport: what may be sent to a server that is not ours.

Without leave to revoke, only reading passes, and what the gate must refuse: a request without good credentials, for a
key that nobody has. With leave, a revocation passes unless its key is one that the server has shown and that was not
given up.
"""

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote

from .credentials import Basic, Credential, Jwt
from .outcome import Forbidden

HISTORY = "/jwt/history"

_READING = ("GET", "HEAD", "OPTIONS")
_KEYS = re.compile(rb'"(?:_id|jti)"\s*:\s*"((?:[^"\\]|\\.)*)"')


class Guard:
    """Decides about every request of one examination before it is sent."""

    def __init__(self, credentials: Iterable[Credential], *, may_revoke: bool) -> None:
        self.may_revoke = may_revoke
        self._good = list(credentials)
        self._seen: set[str] = set()
        self._given_up: set[str] = set()
        self._nobodys: set[str] = set()
        for credential in self._good:
            if isinstance(credential, Jwt) and isinstance(jti := credential.claims.get("jti"), str):
                self._seen.add(jti.casefold())

    def give_up(self, *keys: str) -> None:
        """From now on the tokens with these keys may be revoked."""
        self._given_up.update(key.casefold() for key in keys)

    def nobodys(self, key: str) -> str:
        """The same key, known to be made up: a request for it changes nothing."""
        self._nobodys.add(key.casefold())
        return key

    def expire(self, credential: Credential) -> None:
        """From now on the gate must refuse these credentials."""
        if credential in self._good:
            self._good.remove(credential)

    def note(self, body: bytes) -> None:
        """Protect every key that an answer shows."""
        self._seen.update(key.decode("utf-8", "replace").casefold() for key in _KEYS.findall(body))

    def permit(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        """Return if the request may be sent; raises Forbidden if not."""
        if method in _READING:
            return
        key = _key(target)
        if self.may_revoke:
            if key in self._seen - self._given_up - self._nobodys:
                raise Forbidden(f"{method} {target}: this token was not given up")
            return
        if body or HISTORY not in target.lower() or self._would_be_accepted(target, headers):
            # A body could sign somebody in, which makes a token.
            raise Forbidden(f"{method} {target}: nothing may be changed on this server without --may-revoke")
        if method == "DELETE" and key not in self._nobodys:
            raise Forbidden(f"{method} {target}: a refused revocation is tried on keys that nobody has, only")

    def is_protected(self, method: str, target: str, headers: Iterable[tuple[str, str]]) -> bool:
        """Whether `permit` would refuse the request."""
        try:
            self.permit(method, target, headers)
        except Forbidden:
            return True
        return False

    def _would_be_accepted(self, target: str, headers: Iterable[tuple[str, str]]) -> bool:
        """Whether a gate that keeps the contract could let this request in."""
        values = [value for name, value in headers if name.lower() == "authorization"]
        values += [f"JWT {token}" for token in parse_qs(target.partition("?")[2]).get("secret_token", ())]
        return any(self._is_good(value) for value in values)

    def _is_good(self, value: str) -> bool:
        words = value.split()
        if len(words) < 2:
            return False
        if "basic" in words[0].lower():
            return any(isinstance(good, Basic) and good.is_meant_by(words[1]) for good in self._good)
        # A token that is not exactly one of ours has no good signature; under another word it is no credential.
        return words[0].lower() == "jwt" and any(
            isinstance(good, Jwt) and good.token == words[1] for good in self._good
        )


def _key(target: str) -> str:
    """The last segment of the path, decoded and in one case: what a revocation would be about."""
    path = target.partition("?")[0].rstrip("/")
    return unquote(path.rpartition("/")[2]).rpartition("/")[2].casefold()
