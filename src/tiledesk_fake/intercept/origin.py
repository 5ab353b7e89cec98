"""The origins that clients call: scheme, host and port."""

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import MisuseError

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)


class Origin(NamedTuple):
    """The origin that a client means to call."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def parse(text: str) -> Origin:
    """The origin that a text names. Raises MisuseError for one that is none, or cannot be intercepted.

    >>> str(parse("HTTPS://API.tiledesk.com:443"))
    'https://api.tiledesk.com'
    """
    like = "expected an origin like 'https://api.tiledesk.com'"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise MisuseError(f"{like}, got one that is no URL") from None
    if "@" in text:
        raise MisuseError(f"{like}, got one with credentials")
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise MisuseError(f"{like}, got {text!r}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise MisuseError(f"{like}, which has no path, got {text!r}; write {f'{parts.scheme}://{parts.netloc}'!r}")
    host = canonical(parts.hostname)
    if host is None or not _HOST.fullmatch(host):
        raise MisuseError(f"{like}, got {text!r}, whose host is no name")
    if is_this_machine(host) or is_address(host):
        raise MisuseError(
            f"{like}, got {text!r}; an address, or this machine's own name, is not looked up: use fake.url"
        )
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme])


@lru_cache(maxsize=1024)
def canonical(host: object) -> str | None:
    """A host name as all spell it; None for what is none.

    >>> canonical(b"API.Tiledesk.com.")
    'api.tiledesk.com'
    """
    if isinstance(host, bytes):
        host = host.decode("latin-1")
    if not isinstance(host, str):
        return None
    name = host.rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    return name


def is_address(host: str) -> bool:
    """Whether it is an IP address and no name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_this_machine(host: str) -> bool:
    """Whether a name or an address never leads elsewhere."""
    if host in ("", "localhost", "<broadcast>") or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback or address.is_unspecified
