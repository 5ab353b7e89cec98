"""The guard in the transport: what may be sent to a server that is not ours.

Without leave to revoke, two kinds of request pass: those that read, and those that the gate must refuse, without good
credentials and for a key that nobody has. With leave, a revocation passes too, unless the server has shown its key and
the token was not given up.
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qs, unquote

from .credentials import Basic, Credential, Jwt
from .outcome import Forbidden, LeftOut
from .paths import HISTORY

_READING = ("GET", "HEAD", "OPTIONS")
# A number is a key as well; a path has it as JSON writes it.
_KEYS = re.compile(rb'"(?:_id|jti)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+))')


class Guard:
    """Decides about every request of one examination before it is sent."""

    def __init__(self, credentials: Iterable[Credential], *, may_revoke: bool) -> None:
        self.may_revoke = may_revoke
        self._good = list(credentials)
        self._seen: set[str] = set()
        self._given_up: set[str] = set()
        self._nobodys: set[str] = set()
        for credential in self._good:
            if isinstance(credential, Jwt) and (jti := credential.jti) is not None:
                self._seen.add(jti.casefold())

    def give_up(self, *keys: str) -> None:
        """From now on the tokens with these keys may be revoked."""
        self._given_up.update(key.casefold() for key in keys)

    def nobodys(self, key: str) -> str:
        """The same key, noted as made up: a request for it changes nothing.

        Raises LeftOut if the server has shown it: then it is somebody's.
        """
        if self.has_seen(key):
            raise LeftOut(f"a token of the server has the key {key!r}, which was to be nobody's")
        self._nobodys.add(key.casefold())
        return key

    def has_seen(self, key: str) -> bool:
        """Whether an answer has shown this key, in whichever case."""
        return key.casefold() in self._seen

    def expire(self, credential: Credential) -> None:
        """From now on the gate must refuse these credentials."""
        if credential in self._good:
            self._good.remove(credential)

    def note(self, body: bytes) -> None:
        """Protect every key that an answer shows."""
        self._seen.update(_read(text or number) for text, number in _KEYS.findall(body))

    def permit(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> None:
        """Return if the request may be sent; raises Forbidden if not."""
        if method in _READING:
            return
        keys = _keys(target)
        if self.may_revoke:
            if keys[0] not in self._given_up and any(map(self._is_protected, keys)):
                raise Forbidden(f"{method} {target}: this token was not given up")
            return
        if body or HISTORY not in target.lower() or self._would_be_accepted(target, headers):
            # A body could be a sign-in, which makes a token.
            raise Forbidden(f"{method} {target}: nothing may be changed on this server without --may-revoke")
        if method == "DELETE" and not (self._nobodys - self._seen).issuperset(keys):
            raise Forbidden(f"{method} {target}: a refused revocation is tried on keys that nobody has, only")

    def is_protected(self, method: str, target: str, headers: Iterable[tuple[str, str]]) -> bool:
        """Whether `permit` would refuse the request."""
        try:
            self.permit(method, target, headers)
        except Forbidden:
            return True
        return False

    def _is_protected(self, key: str) -> bool:
        return key in self._seen and key not in self._given_up

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


def _keys(target: str) -> tuple[str, str]:
    """The keys that a revocation could name, in one case: the last segment of the path, decoded, and its end.

    A server that takes %2F for a slash sees the end alone.
    """
    segment = unquote(target.partition("?")[0].rstrip("/").rpartition("/")[2])
    return segment.casefold(), segment.rstrip("/").rpartition("/")[2].casefold()


def _read(key: bytes) -> str:
    """A key as it stands in JSON, in one case."""
    text = key.decode("utf-8", "replace")
    if "\\" in text:
        with suppress(ValueError):
            text = str(json.loads(f'"{text}"'))
    return text.casefold()
