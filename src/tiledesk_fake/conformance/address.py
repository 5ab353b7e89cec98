"""The URL of a server: its parts, or a refusal that shows no secret in it."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from .credentials import Redaction
from .outcome import CannotCheck

_EXAMPLE = "http://127.0.0.1:8000/v3"
# The characters that RFC 3986 allows in a URL; all others are percent-encoded.
_ALLOWED = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL: `url` has no slash at its end, `base_path` precedes every path."""

    url: str
    origin: str
    netloc: str
    host: str
    port: int
    base_path: str
    encrypted: bool

    @classmethod
    def parse(cls, url: str) -> "Address":
        """The parts of a URL like http://127.0.0.1:8000/v3. Raises CannotCheck for any other, and shows no secret."""
        if not _ALLOWED.fullmatch(url):
            raise _refused(url, "percent-encode what may not stand in a URL as it is; a host is written as xn--…")
        try:
            parts = urlsplit(url)
            port = parts.port
            # The resolver encodes a name like this; it fails for empty and overlong labels.
            (parts.hostname or "").encode("idna")
        except UnicodeError:
            raise _refused(url, "its host is no name that can be looked up") from None
        except ValueError:
            raise _refused(url, "its host or port is malformed") from None
        if parts.username is not None:
            raise CannotCheck("expected a URL without a user and password; give them with --basic")
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise _refused(url, "it must begin with http:// or https:// and a host")
        if parts.query or parts.fragment or url.endswith(("?", "#")):
            raise _refused(url, "it must end with the base path")
        base_path = parts.path.rstrip("/")
        # In lower case, as Schemathesis writes it.
        netloc = parts.netloc.lower()
        origin = f"{parts.scheme}://{netloc}"
        encrypted = parts.scheme == "https"
        if port is None:
            port = _DEFAULT_PORTS[parts.scheme]
        return cls(f"{origin}{base_path}", origin, netloc, parts.hostname, port, base_path, encrypted)


def shown(url: str, redact: Redaction | None = None) -> str:
    """A URL that may have secrets in it, without them: no user, no password, no query, no token."""
    redact = Redaction() if redact is None else redact
    begin = _SCHEME.match(url)
    scheme = begin.group() if begin else ""
    rest = url[len(scheme) :]
    # First the user: the password may have any character in it.
    if "@" in rest:
        rest = "…@" + rest.rpartition("@")[2]
    # Then whatever stands in the place of a port and is no number: without a host, that is a password.
    rest = re.sub(r"^([^/?#\[]*?:)(?!\d*(?:[/?#]|$))[^/?#]*", r"\1…", rest)
    rest = re.sub(r"([?#]).+", r"\1…", rest, count=1, flags=re.DOTALL)
    text = redact(scheme + rest)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _refused(url: str, why: str) -> CannotCheck:
    return CannotCheck(f"expected a URL like {_EXAMPLE}, got '{shown(url)}': {why}")
