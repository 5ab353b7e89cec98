"""The headers of a request as the journal has them: by lower-case names, and without credentials."""

from collections.abc import Iterator, Mapping
from typing import Any

from .redaction import SCHEME_WORDS, redacted, redacted_value

_PREFIX = "HTTP_"
# Left out at once; of Authorization the scheme word stays.
_CREDENTIALS = frozenset(("HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_COOKIE"))


class Headers(Mapping[str, str]):
    """Read-only. Made of a WSGI environ; named and redacted when they are first looked at, which few tests do.

    >>> headers = Headers({"HTTP_USER_AGENT": "client/1.0", "HTTP_AUTHORIZATION": "JWT eyJ.eyJ.x"})
    >>> headers["user-agent"], headers["authorization"]
    ('client/1.0', 'JWT <redacted>')
    """

    __slots__ = ("_kept", "_shown")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        kept = [(key, value) for key, value in environ.items() if key[:5] == _PREFIX and key not in _CREDENTIALS]
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if value := environ.get(key):
                kept.append((key, value))
        for key in _CREDENTIALS & environ.keys():
            word = environ[key].partition(" ")[0]
            scheme = f"{word} " if word.lower() in SCHEME_WORDS else ""
            kept.append((key, f"{scheme}<redacted>"))
        self._kept: list[tuple[str, str]] = kept
        self._shown: dict[str, str] | None = None

    @property
    def size(self) -> int:
        """About how many bytes they take."""
        return sum([150 + len(key) + len(value) for key, value in self._kept])

    def _all(self) -> dict[str, str]:
        if self._shown is None:
            shown = {}
            for key, value in self._kept:
                name = key.removeprefix(_PREFIX).replace("_", "-").lower()
                shown[redacted(name)] = value if key in _CREDENTIALS else redacted_value(name, value)
            self._shown = shown
        return self._shown

    def __getitem__(self, name: str) -> str:
        return self._all()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())
