"""Which path the audience of a token names: `new URL(aud).pathname`, as far as it decides which secret counts.

The real gate reads the audience before it checks the signature, and fails on one that is no URL (observed). Follows the
WHATWG URL standard; of what Unicode forbids in a host it knows malformed Punycode and what vanishes, and lets the rest
pass. No URL parser of Python's standard library follows that standard.
"""

import re
import unicodedata
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import unquote_to_bytes

_SPECIAL = {"http", "https", "ws", "wss", "ftp", "file"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_FORBIDDEN_IN_HOST = re.compile(r"[\0\t\n\r #/:<>?@\[\\\]^|]")
_FORBIDDEN_IN_DOMAIN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|\x7f\ufffd]")
# What the mapping of domain names takes away; and a joiner without the letter that it would join.
_VANISHING = re.compile("[\u00ad\u034f\u180b-\u180f\u200b\u2060\u2064\ufe00-\ufe0f\ufeff]")
_LONE_JOINER = re.compile("(?:\\A|[\\x00-\\x7f])[\u200c\u200d]")
_DRIVE = re.compile(r"[A-Za-z][:|]")
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
    special, file = scheme in _SPECIAL, scheme == "file"
    if special:
        rest = rest.replace("\\", "/")
    if special and not file:
        authority, slash, path = rest.lstrip("/").partition("/")
        _check_authority(authority, special=True)
    elif rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        if file and _DRIVE.fullmatch(authority):
            path = authority + slash + path
        elif file and authority:
            _check_host(authority, special=True)
        elif authority:
            _check_authority(authority, special=False)
    elif rest.startswith("/") or special:
        slash, path = "/", rest.removeprefix("/")
    else:
        return rest
    return "/" + _without_dot_segments(path, file=file) if slash or special else ""


def _check_authority(authority: str, *, special: bool) -> None:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]+)(?::0*([0-9]{0,5}))?", authority.rpartition("@")[2])
    if not match or int(match[2] or "0") > 65535:
        raise NotAUrl(authority)
    _check_host(match[1], special=special)


def _check_host(host: str, *, special: bool) -> None:
    if host.startswith("[") and host.endswith("]"):
        try:
            # What follows a % is a zone, which a URL cannot name.
            IPv6Address(host[1:-1].replace("%", "no zone"))
        except AddressValueError:
            raise NotAUrl(host) from None
        return
    if special:
        host = unquote_to_bytes(host).decode("utf-8", "replace")
    if (_FORBIDDEN_IN_DOMAIN if special else _FORBIDDEN_IN_HOST).search(host):
        raise NotAUrl(host)
    if special:
        _check_labels(host)
        _check_ipv4(host)


def _check_labels(host: str) -> None:
    if host.isascii() and "xn--" not in host.lower():
        return
    mapped = unicodedata.normalize("NFKC", _VANISHING.sub("", host)).casefold()
    if not mapped or _LONE_JOINER.search(mapped):
        raise NotAUrl(host)
    for label in mapped.split("."):
        if label.startswith("xn--") and not _is_punycode(label.removeprefix("xn--")):
            raise NotAUrl(host)


def _is_punycode(encoded: str) -> bool:
    """Whether a label stands for what has to be encoded, and in the one way to do so."""
    try:
        decoded = encoded.encode("ascii").decode("punycode")
    except UnicodeError:
        return False
    if decoded.isascii() or unicodedata.normalize("NFKC", decoded).casefold() != decoded:
        return False
    categories = [unicodedata.category(character) for character in decoded]
    # Controls, blanks and what is unassigned are in no domain name, and no mark comes first.
    return not any(category[0] in "CZ" for category in categories) and categories[0][0] != "M"


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


def _without_dot_segments(path: str, *, file: bool) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        dots = segment.lower().replace("%2e", ".")
        if dots == "..":
            # A drive is never left.
            if kept and not (file and len(kept) == 1 and _DRIVE.fullmatch(kept[0])):
                kept.pop()
            if last:
                kept.append("")
        elif dots == ".":
            if last:
                kept.append("")
        elif file and not kept and _DRIVE.fullmatch(segment):
            kept.append(f"{segment[0]}:")
        else:
            kept.append(segment)
    return "/".join(kept)
