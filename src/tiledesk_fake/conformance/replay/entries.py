"""The entries of a HAR, one at a time: a HAR is one JSON document, and may be larger than the memory."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .exchange import Unusable

_CHUNK = 2**16
_LARGEST_ENTRY = 256 * 2**20
_BLANK = " \t\n\r"
_DECODER = json.JSONDecoder()


def entries_of(file: Path) -> Iterator[Any]:
    """Each value of `log.entries`. Raises Unusable for what is no HAR."""
    with file.open("rb") as stream:
        document = _Document(file, stream)
        found = False
        for key in document.keys("the file"):
            if key != "log":
                document.value()
                continue
            for inner in document.keys("log"):
                if inner != "entries":
                    document.value()
                    continue
                found = True
                yield from document.items()
        document.end()
    if not found:
        raise Unusable(f"{file}: expected a HAR, with its exchanges in log.entries; there are none")


class _Document:
    """JSON that is read from the front, as far as needed."""

    def __init__(self, file: Path, stream: BinaryIO) -> None:
        self._file = file
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._ended = False
        self._entry = 0

    def keys(self, what: str) -> Iterator[str]:
        """The keys of the object that comes next; whoever takes one reads its value before the next one."""
        if self._next() != "{":
            raise self._wrong(f"{what}: expected an object")
        self._at += 1
        while (sign := self._next()) != "}":
            if sign != '"':
                raise self._wrong("expected the key of an object")
            key = self.value()
            if self._next() != ":":
                raise self._wrong("expected a colon after a key")
            self._at += 1
            yield key
            self._comma("}")
        self._at += 1

    def items(self) -> Iterator[Any]:
        """The items of the list that comes next."""
        if self._next() != "[":
            raise self._wrong("log.entries: expected a list")
        self._at += 1
        while self._next() != "]":
            self._entry += 1
            yield self.value()
            self._comma("]")
        self._at += 1

    def _comma(self, end: str) -> None:
        sign = self._next()
        if sign == ",":
            self._at += 1
            if self._next() == end:
                raise self._wrong("expected a value after a comma")
        elif sign != end:
            raise self._wrong(f"expected a comma or {end}")

    def value(self) -> Any:
        """The value that comes next."""
        self._next()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise self._wrong("nested too deep") from None
            except ValueError as problem:
                if self._ended:
                    raise self._wrong(
                        f"expected JSON: {getattr(problem, 'msg', 'a number of too many digits')}"
                    ) from None
            else:
                # A number may go on in what is not read yet.
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            if len(self._text) - self._at > _LARGEST_ENTRY:
                raise self._wrong("expected JSON, in values of at most 256 MiB")
            # Twice as much each time: a long value is tried a few times, and not for each chunk.
            self._read(max(_CHUNK, len(self._text) - self._at))

    def end(self) -> None:
        """Raise Unusable unless nothing follows."""
        if self._next():
            raise self._wrong("expected the end of the file")

    def _next(self) -> str:
        """The next sign that is no white space, empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._read(_CHUNK)

    def _read(self, size: int) -> None:
        data = self._stream.read(size)
        self._ended = not data
        try:
            self._text = self._text[self._at :] + self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise self._wrong("expected UTF-8, got other bytes") from None
        self._at = 0

    def _wrong(self, problem: str) -> Unusable:
        where = f", entry {self._entry}" if self._entry else ""
        return Unusable(f"{self._file}{where}: {problem}")
