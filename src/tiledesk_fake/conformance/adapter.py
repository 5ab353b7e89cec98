"""How generated requests reach a server: through our client, and so past the guard.

A revocation of a token that was not given up becomes one of a token that nobody has, so that links from a list can be
followed without harm.
"""

from collections.abc import Generator, Mapping
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from .examination import Examination
from .outcome import Forbidden
from .paths import id_path, jti_path
from .reply import Reply

_OURS = {"host", "accept", "accept-encoding", "user-agent", "connection", "content-length", "transfer-encoding"}

MOST_UNANSWERED = 5
"""After this many requests without an answer none is sent: each may have cost the whole timeout."""


class _Plain(HTTPResponse):
    """A response whose body stays as it came: no coding was asked for, and a few bytes may hide millions."""

    def stream(self, amt: int | None = 2**16, decode_content: bool | None = None) -> Generator[bytes, None, None]:
        """The body in pieces, whatever `Content-Encoding` says."""
        return super().stream(amt, decode_content=False)


class GuardedAdapter(BaseAdapter):
    """Sends a prepared request through the client of an examination, and nowhere else.

    `unanswered` are the requests that got no answer; after MOST_UNANSWERED of them nothing is sent any more.
    """

    def __init__(self, exam: Examination) -> None:
        super().__init__()
        self.unanswered: list[Reply] = []
        self._exam = exam
        self._maker = HTTPAdapter()

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is sent any more."""
        return len(self.unanswered) >= MOST_UNANSWERED

    def send(  # noqa: PLR0917 - as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer; raises what requests raises, and Forbidden for another server."""
        url = urlsplit(request.url or "")
        client = self._exam.client
        if f"{url.scheme}://{url.netloc}" != client.origin:
            raise Forbidden(f"{request.url} is not on the server that is examined")
        headers = [(name, _text(value)) for name, value in request.headers.items() if name.lower() not in _OURS]
        self._spare(request, headers)
        body = request.body or b""
        if self.is_exhausted:
            raise requests.ConnectionError("not sent", request=request)
        try:
            reply = client.send_raw(
                request.method or "GET",
                request.path_url,
                headers,
                body.encode() if isinstance(body, str) else bytes(body),
            )
        except (ValueError, HTTPException) as problem:
            raise requests.exceptions.InvalidHeader(str(problem), request=request) from problem
        if reply.status is None:
            self.unanswered.append(reply)
            self._exam.unanswered.append(reply)
            raise requests.ConnectionError(reply.failure, request=request)
        raw = _Plain(
            BytesIO(reply.body),
            HTTPHeaderDict(reply.headers),
            reply.status,
            version=11,
            preload_content=False,
            decode_content=False,
            request_method=request.method,
        )
        return self._maker.build_response(request, raw)

    def _spare(self, request: requests.PreparedRequest, headers: list[tuple[str, str]]) -> None:
        if not self._exam.guard.is_protected(request.method or "GET", request.path_url, headers):
            return
        exam = self._exam
        path = (
            id_path(exam.tokens.nobodys_id())
            if "/id/" in request.path_url.lower()
            else jti_path(exam.tokens.nobodys_jti())
        )
        request.url = exam.client.url + path

    def close(self) -> None:
        """Close nothing: the client belongs to the examination."""


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
