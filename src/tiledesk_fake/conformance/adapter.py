"""How Schemathesis reaches a server: through our client, and so past the guard.

Schemathesis makes sessions of its own, for runs and for single checks. All of them call what `GuardedTransport` sends
with, which has one adapter for every URL. A revocation of a token that was not given up becomes one of a token that
nobody has, so that links from a list can be followed without harm.
"""

from collections.abc import Generator, Mapping
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport
from urllib3 import HTTPHeaderDict, HTTPResponse

from .client import Exchange
from .examination import Examination, id_path, jti_path
from .outcome import Forbidden

_OURS = {"host", "accept", "accept-encoding", "user-agent", "connection", "content-length", "transfer-encoding"}

MOST_UNANSWERED = 5
"""So many requests without an answer have shown it, and each may have cost the time that an answer is waited for."""


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
        self.unanswered: list[Exchange] = []
        self._exam = exam
        self._maker = HTTPAdapter()

    def send(  # noqa: PLR0917 - as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url = urlsplit(request.url or "")
        client = self._exam.client
        if f"{url.scheme}://{url.netloc}" != client.origin:
            raise Forbidden(f"{request.url} is not on the server that is examined")
        headers = [(name, _text(value)) for name, value in request.headers.items() if name.lower() not in _OURS]
        self._spare(request, headers)
        body = request.body or b""
        if len(self.unanswered) >= MOST_UNANSWERED:
            raise requests.ConnectionError("not sent", request=request)
        try:
            exchange = client.send_raw(
                request.method or "GET",
                request.path_url,
                headers,
                body.encode() if isinstance(body, str) else bytes(body),
            )
        except (ValueError, HTTPException) as problem:
            raise requests.exceptions.InvalidHeader(str(problem), request=request) from problem
        if exchange.status is None:
            self.unanswered.append(exchange)
            self._exam.unanswered.append(exchange)
            raise requests.ConnectionError(exchange.failure, request=request)
        raw = _Plain(
            BytesIO(exchange.body),
            HTTPHeaderDict(exchange.headers),
            exchange.status,
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
        path = id_path(exam.nobodys_id()) if "/id/" in request.path_url.lower() else jti_path(exam.nobodys_jti())
        request.url = exam.client.url + path

    def close(self) -> None:
        pass


class GuardedTransport(RequestsTransport):
    """Sends cases over sessions that know the guarded adapter alone."""

    def __init__(self, exam: Examination) -> None:
        super().__init__()
        self.adapter = GuardedAdapter(exam)
        self._copy_serializers_from(REQUESTS_TRANSPORT)

    def send(self, case: Case[Any], *, session: requests.Session | None = None, **kwargs: Any) -> Response:
        """Send a case, over nothing but the guarded adapter."""
        guarded = requests.Session()
        # Else the environment would add proxies, and a .netrc other credentials.
        guarded.trust_env = False
        guarded.adapters.clear()
        guarded.mount("", self.adapter)
        if session is not None:
            guarded.headers = session.headers
            guarded.auth = session.auth
        return super().send(case, session=guarded, **kwargs)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
