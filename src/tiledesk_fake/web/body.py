"""Reads bodies as the real server does, before anything else (observed, body-parser 1.20.4).

JSON and forms are read, by their type alone; whatever else is sent is ignored, of any size. One step is deliberately
stricter: JSON that nests very deep is refused, where the real server reads it.
"""

import codecs
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ..core.request import Request
from ..gate.nesting import nests_too_deep
from ..javascript import parse_json
from ..refusals import MalformedBody, Quirk, Refusal, ServerFails, TooLarge
from . import forms

BODY_LIMIT = 512_000
"""The bytes that the real server reads of a body, inflated (observed)."""

MOST_PARAMETERS = 1_000
DEEPEST_PARAMETER = 32
_LONGEST_LIST = 100

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar
_PARAMETER = re.compile(rf"""; *({_TOKEN}) *= *("(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*+"|{_TOKEN}) *""")
_TYPE = re.compile(r" *([A-Za-z0-9][A-Za-z0-9!#$&^_-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}) *")
_CODECS = {"utf8": "utf-8", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf16": "utf-16", "utf7": "utf-7"}
for _encoding in _CODECS.values():
    # Python imports a codec when it is first asked for; during a request, imports may be patched.
    codecs.lookup(_encoding)
_WINDOWS = {"gzip": 31, "deflate": 15}


class BeforeCors(Exception):
    """A refusal that comes before the real server's CORS headers, because it reads the body first (observed)."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Unreadable(ValueError):
    """A body that the real server fails on."""


class _Parser(NamedTuple):
    """How a type of body is read: what it is called, which charsets it may have, and what its text means."""

    kind: str
    takes: Callable[[str], bool]
    parse: Callable[[str], Any]


def reads(content_type: str) -> bool:
    """Whether the real server looks at bodies of this type.

    >>> reads("application/json; charset=utf-8"), reads("text/plain")
    (True, False)
    """
    parameters = _parameters(content_type)
    return parameters is not None and parameters[""] in _PARSERS


def read_body(request: Request) -> Any:
    """What the body says; an empty object where there is none, or none that the real server reads.

    Raises BeforeCors for a body that the real server refuses or fails on.
    """
    if not (request.has_body or request.body):
        return {}
    parameters = _parameters(request.content_type)
    parser = None if parameters is None else _PARSERS.get(parameters[""])
    if parameters is None or parser is None:
        return {}
    try:
        charset = parameters.get("charset", "").lower() or "utf-8"
        codec = _codec(charset)
        if codec is None or not parser.takes(charset):
            raise _Unreadable("a charset that is not read")
        text = _decoded(_inflated(request), codec)
        return parser.parse(text) if text else {}
    except ValueError:
        reason = f"the body is not {parser.kind}, or in a charset or coding that is not read"
        raise BeforeCors(Quirk(real=ServerFails(), calm=MalformedBody(parser.kind, reason))) from None


def _parameters(content_type: str) -> dict[str, str] | None:
    """The parameters of a Content-Type, and under "" the type itself; None for what cannot be parsed."""
    matched = _TYPE.fullmatch(content_type.partition(";")[0])
    if not matched:
        return None
    parameters, at = {"": matched[1].lower()}, content_type.find(";")
    while 0 <= at < len(content_type):
        parameter = _PARAMETER.match(content_type, at)
        if not parameter:
            return None
        name, value = parameter.groups()
        parameters[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        at = parameter.end()
    return parameters


def _codec(charset: str) -> str | None:
    """Python's name of a charset that iconv-lite knows and that begins with `utf-`."""
    return _CODECS.get(re.sub(r":[0-9]{4}\Z|[^0-9a-z]", "", charset))


def _inflated(request: Request) -> bytes:
    coding = (request.header("content-encoding") or "identity").lower()
    if coding == "identity":
        data = request.body
    elif coding in _WINDOWS:
        data = _inflate(request.body, _WINDOWS[coding])
    else:
        raise _Unreadable("a coding that is not read")
    if len(data) > BODY_LIMIT:
        raise BeforeCors(TooLarge(BODY_LIMIT))
    return data


def _inflate(data: bytes, window: int) -> bytes:
    """The bytes that were deflated, up to one more than anybody reads."""
    inflated = b""
    while True:
        inflater = zlib.decompressobj(window)
        try:
            inflated += inflater.decompress(data, BODY_LIMIT + 1 - len(inflated))
        except zlib.error:
            raise _Unreadable("a body that is not what its coding says") from None
        if len(inflated) > BODY_LIMIT:
            return inflated
        if not inflater.eof:
            if len(data) > BODY_LIMIT:
                # The rest was never read, and it is too large already.
                raise BeforeCors(TooLarge(BODY_LIMIT))
            raise _Unreadable("a body that breaks off")
        data = inflater.unused_data
        # Files of gzip may follow each other, and only zeros the last; what follows a zlib stream is ignored.
        if window != _WINDOWS["gzip"] or data[:1] in (b"", b"\0"):
            return inflated


def _decoded(data: bytes, codec: str) -> str:
    if codec == "utf-16":
        codec = _guessed(data)
    if codec.startswith("utf-16"):
        # Halves of surrogate pairs stay, and half a unit at the end goes.
        text = data[: len(data) & ~1].decode(codec, "surrogatepass")
    else:
        text = data.decode(codec, "replace")
    return text.removeprefix("\ufeff")


def _guessed(data: bytes) -> str:
    """The byte order of UTF-16: as its mark says, else that in which more of the beginning is ASCII."""
    if data[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return "utf-16-be" if data[:1] == b"\xfe" else "utf-16-le"
    units = [(data[at], data[at + 1]) for at in range(0, min(len(data) & ~1, 64), 2)]
    little = sum(high == 0 != low for low, high in units)
    big = sum(low == 0 != high for low, high in units)
    return "utf-16-be" if big > little else "utf-16-le"


def _json(text: str) -> Any:
    if not text.lstrip(" \t\n\r").startswith(("{", "[")) or nests_too_deep(text):
        raise _Unreadable("neither an object nor a list")
    return parse_json(text)


def _form(text: str) -> Any:
    ampersands = text.count("&")
    if ampersands >= MOST_PARAMETERS:
        raise BeforeCors(TooLarge(None))
    return forms.Reader(DEEPEST_PARAMETER, strict=True, list_limit=max(_LONGEST_LIST, ampersands)).read(text)


_PARSERS: Mapping[str, _Parser] = {
    "application/json": _Parser("JSON", lambda charset: charset.startswith("utf-"), _json),
    "application/x-www-form-urlencoded": _Parser("a form", lambda charset: charset == "utf-8", _form),
}
