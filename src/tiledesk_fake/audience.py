"""Which path the audience of a token names: `new URL(aud).pathname`, as far as it decides which secret counts.

The real gate reads the audience before it checks the signature, and fails on one that is no URL (observed). Follows the
WHATWG URL standard, except that a host is not checked for what Unicode and Punycode forbid. No URL parser of Python's
standard library follows that standard.
"""

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote_to_bytes

_SPECIAL = {"http", "https", "ws", "wss", "ftp", "file"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_FORBIDDEN_IN_HOST = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|\x7f]")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_C0_OR_SPACE = "".join(map(chr, range(0x21)))


class NotAUrl(ValueError):
    """The audience is no absolute URL."""


def audience_path(audience: str) -> str:
    """The path of an absolute URL, its dot segments resolved.

    Raises NotAUrl for anything else.

    >>> audience_path("https://tiledesk.com/projects/1?x#y")
    '/projects/1'
    """
    text = re.sub(r"[\t\n\r]", "", audience.strip(_C0_OR_SPACE))
    match = _SCHEME.fullmatch(text)
    if not match:
        raise NotAUrl(audience)
    scheme, rest = match[1].lower(), match[2]
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    special = scheme in _SPECIAL
    if special:
        rest = rest.replace("\\", "/")
    if special and scheme != "file":
        authority, slash, path = rest.lstrip("/").partition("/")
        _check_authority(authority, special=True)
    elif rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        if authority:
            _check_authority(authority, special=special)
    elif rest.startswith("/") or special:
        slash, path = "/", rest.removeprefix("/")
    else:
        return rest
    return "/" + _without_dot_segments(path) if slash or special else ""


def _check_authority(authority: str, *, special: bool) -> None:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]+)(?::0*([0-9]{0,5}))?", authority.rpartition("@")[2])
    if not match or int(match[2] or "0") > 65535:
        raise NotAUrl(authority)
    host = match[1]
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except AddressValueError:
            raise NotAUrl(authority) from None
        return
    if special:
        host = unquote_to_bytes(host).decode("utf-8", "replace")
    if _FORBIDDEN_IN_HOST.search(host) or (special and "%" in host):
        raise NotAUrl(authority)
    if special:
        _check_ipv4(host)


def _check_ipv4(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if not _NUMBER.fullmatch(labels[-1]):
        return
    if len(labels) > 4 or not all(_NUMBER.fullmatch(label) for label in labels):
        raise NotAUrl(host)
    numbers = [_ipv4_number(label) for label in labels]
    if any(number > 255 for number in numbers[:-1]) or numbers[-1] >= 256 ** (5 - len(numbers)):
        raise NotAUrl(host)


def _ipv4_number(label: str) -> int:
    if label[:2].lower() == "0x":
        return int(label[2:] or "0", 16)
    try:
        return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)
    except ValueError:
        raise NotAUrl(label) from None


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            if kept:
                kept.pop()
            if last:
                kept.append("")
        elif dots == ".":
            if last:
                kept.append("")
        else:
            kept.append(segment)
    return "/".join(kept)
