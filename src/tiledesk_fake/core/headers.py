"""The headers of a request as the journal has them: by lower-case names, and without credentials."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .redaction import JWT, SCHEME_WORDS, redacted_host, redacted_value

_PREFIX = "HTTP_"
# Beside the names that are secret wherever they are.
_SECRET_NAME = re.compile(r"cookie|session|\bsid\b|signature|[cx]srf")
# In whatever case: an environ has upper case for what the client wrote, and the journal lower.
_JWT_IN_NAME = re.compile(JWT.pattern, re.ASCII | re.IGNORECASE)
_HOSTS = ("host", "x-forwarded-host", "x-original-host", "x-forwarded-server")
# Left out at once; of Authorization the scheme word stays.
_CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_COOKIE")


class Headers(Mapping[str, str]):
    """Read-only. Made of a WSGI environ; named and redacted when they are first looked at, which few tests do.

    >>> headers = Headers({"HTTP_USER_AGENT": "client/1.0", "HTTP_AUTHORIZATION": "JWT eyJ.eyJ.x"})
    >>> headers["user-agent"], headers["authorization"]
    ('client/1.0', 'JWT <redacted>')
    """

    __slots__ = ("_kept", "_shown")

    def __init__(self, environ: Mapping[str, Any]) -> None:
        kept: dict[str, str] = {key: value for key, value in environ.items() if key[:5] == _PREFIX}
        for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if key in environ:
                kept[key] = environ[key]
        for key in _CREDENTIALS:
            if key in kept:
                word = kept[key].partition(" ")[0]
                kept[key] = f"{word} <redacted>" if word.lower() in SCHEME_WORDS else "<redacted>"
        self._kept = kept
        self._shown: dict[str, str] | None = None

    @property
    def size(self) -> int:
        """About how many bytes they take."""
        return 200 * len(self._kept) + sum(map(len, self._kept.values()))

    def _all(self) -> dict[str, str]:
        if self._shown is None:
            shown = {}
            for key, value in self._kept.items():
                name = key.removeprefix(_PREFIX).replace("_", "-").lower()
                shown[_JWT_IN_NAME.sub(r"\1<redacted>", name)] = (
                    value if key in _CREDENTIALS else _redacted(name, value)
                )
            self._shown = shown
        return self._shown

    def __getitem__(self, name: str) -> str:
        return self._all()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        # Their names alone: what is printed of a whole exchange gets into reports.
        return f"<Headers {', '.join(self)}>"


def _redacted(name: str, value: str) -> str:
    if name in _HOSTS:
        return redacted_host(value)
    return "<redacted>" if _SECRET_NAME.search(name) else redacted_value(name, value)
