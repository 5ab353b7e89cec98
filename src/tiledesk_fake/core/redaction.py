"""What never leaves the fake in clear: credentials, wherever in a text they are."""

import re
import traceback

# Every pattern here takes time in proportion to the text, whatever a client sends: one thread serves everybody.

# A JWT starts with the base64 of `{"`, or of `{` and white space; what precedes it in its word is the group. Words
# without a dot behind them are left at once, and none is tried from its middle.
JWT = re.compile(r"(?<![\w-])(?=[\w-]++\.)([\w-]*?)e(?:yJ|yA|wo|w0|wk)[\w-]*+\.[\w-]*+(?:\.[\w-]*+)?", re.ASCII)
SCHEME_WORDS = frozenset(
    ("basic", "bearer", "jwt", "token", "digest", "apikey", "negotiate", "jwt:", "bearer:", "basic:")
)
"""What clients put before credentials; any other word there may be a credential itself. In lower case."""

_SENSITIVE = "token|jwt|auth|password|passwd|pwd|secret|api(?:[-_]|%5F|%2D)?key|credential"
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)
_SEPARATOR = re.compile("([&;#])")
_SCHEME = re.compile(r"\b(basic|bearer|jwt|token)((?:\s|%20|\+)+)(?!<)[^\s\"'&,;]+", re.IGNORECASE)
_BLANK = re.compile(r"[\s+]|%20")
_USERINFO = re.compile(r"(//)[^/@\s]*@")


def redacted(text: str) -> str:
    """The text with every JWT, every credential after a scheme word and every secret parameter replaced.

    A jti stays readable.

    >>> redacted("/v3/jwt/history?secret_token=abc&page=1")
    '/v3/jwt/history?secret_token=<redacted>&page=1'
    """
    # Most texts have nothing to hide, and to see that takes 1 µs, to look for it 15.
    if "=" in text and _SENSITIVE_NAME.search(text):
        text = _without_secret_parameters(text)
    if "." in text:
        text = JWT.sub(r"\1<redacted>", text)
    if _BLANK.search(text):
        text = _SCHEME.sub(r"\1\2<redacted>", text)
    return _USERINFO.sub(r"\1<redacted>@", text) if "@" in text else text


def _without_secret_parameters(text: str) -> str:
    pieces = _SEPARATOR.split(text)
    for at in range(0, len(pieces), 2):
        pieces[at] = _without_secret_value(pieces[at], is_parameter=at > 0 and pieces[at - 1] != "#")
    return "".join(pieces)


def _without_secret_value(piece: str, *, is_parameter: bool) -> str:
    parts = piece.split("=")
    for at, part in enumerate(parts[:-1]):
        # A name also begins after a question mark: the first one of a URL, or that of a URL inside a value.
        name = part if is_parameter and at == 0 else part.partition("?")[2]
        if _SENSITIVE_NAME.search(name):
            return "=".join([*parts[: at + 1], "<redacted>"])
    return piece


def printable(text: str, *, keep: str = "") -> str:
    r"""The text with what would steer a terminal, break the line or be invisible written as escapes, but for `keep`.

    >>> printable("page=\x1b[31m")
    'page=\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in keep else ascii(each)[1:-1] for each in text)


def redacted_trace(error: BaseException) -> str:
    """The traceback of an exception, without credentials, also where a test has replaced what reads files."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:
        text = f"{type(error).__name__}: {error}"
    return redacted(text.strip())


def redacted_value(name: str, value: str) -> str:
    """The value of a query parameter, decoded, as far as it may be seen.

    >>> redacted_value("secret_token", "abc")
    '<redacted>'
    """
    return "<redacted>" if _SENSITIVE_NAME.search(name) else redacted(value)


def redacted_host(host: str) -> str:
    """A Host header without what may stand before an `@` there, which is no place for credentials.

    >>> redacted_host("ada:secret@api.example.com:8000")
    '<redacted>@api.example.com:8000'
    """
    _, at, rest = host.rpartition("@")
    return f"<redacted>@{redacted(rest)}" if at else redacted(rest)
