"""The Flask app: hands each request to the road, and the answer back. The only module that knows Flask."""

import logging
from functools import cache
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

from flask import Flask, Response, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Request as WerkzeugRequest

from ..contract import JSON, Answer
from ..delivery import KEY as DELIVERY
from ..errors import NoAnswer
from . import wire
from .body import BODY_LIMIT
from .request import Request
from .road import Road

_log = logging.getLogger("tiledesk_fake")

_WITHOUT_LENGTH = (204, 304)


class _Response(Response):
    # Flask would call an answer without a Content-Type HTML; the gate's answers have none (observed).
    default_mimetype = None

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer as Werkzeug does, which spends half its time on what it might have to correct; here it never has."""
        if self.status_code in _WITHOUT_LENGTH:
            return super().__call__(environ, start_response)
        body = b"".join(self.iter_encoded())
        start_response(self.status, [*self.headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


class _NoSessions(SessionInterface):
    """The API has no sessions, so all requests can have the same one, which holds nothing."""

    _NONE = NullSession()

    def open_session(self, app: Flask, request: WerkzeugRequest) -> NullSession:
        """The one that holds nothing and takes nothing."""
        return self._NONE


class _App(Flask):
    road: Road
    session_interface = _NoSessions()

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Answer one request.

        httpx.WSGITransport puts the path into the environ as text, where WSGI asks for its octets; then it is mended.
        """
        path = environ.get("PATH_INFO", "")
        try:
            path.encode("latin-1").decode()
        except UnicodeError:
            environ["PATH_INFO"] = path.encode("utf-8", "surrogateescape").decode("latin-1")
        return super().wsgi_app(environ, start_response)

    def create_url_adapter(self, request: WerkzeugRequest | None) -> MapAdapter | None:
        """No routing here: Flask's works on the decoded path, the road's on the raw target."""
        return None

    def full_dispatch_request(self, *_: object) -> Response:
        """Every request takes the road, and none a view: what Flask does around views would cost as much again.

        Newer versions of Flask hand on the context, which is no different from the current one.
        """
        current: WerkzeugRequest = cast(Any, request)._get_current_object()
        try:
            given = self.road.answer(_read(current), current.environ.get(DELIVERY))
        except NoAnswer:
            raise
        except RequestEntityTooLarge:
            given = Answer(413, (("Content-Type", JSON), ("Connection", "close")), wire.too_large(BODY_LIMIT))
        except Exception:
            _log.exception("a request could not be answered; this is a bug in tiledesk-fake")
            given = Answer(500, (("Content-Type", JSON),), wire.refusal("Internal error of tiledesk-fake."))
        if given is None:
            # The delivery says that nothing of this is ever sent.
            return _Response(status=500)
        return _Response(given.body, _status_line(given.status), list(given.headers))


def create_app(road: Road) -> Flask:
    """A Flask app that answers every request as the road does.

    It lets NoAnswer out where nothing can hold the connection open.
    """
    # A copy by hand, because making a Flask app takes longer than making a fake, and every test makes a fake.
    app = _App.__new__(_App)
    vars(app).update(vars(_app_without_road()), road=road)
    return app


@cache
def _app_without_road() -> _App:
    app = _App("tiledesk_fake", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.config["PROPAGATE_EXCEPTIONS"] = True
    return app


@cache
def _status_line(status: int) -> str:
    # Werkzeug would write the phrases in capitals; Node, and the standard, do not.
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Error"


def _read(request: WerkzeugRequest) -> Request:
    environ = request.environ
    has_body = environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ
    return Request(
        method=environ["REQUEST_METHOD"],
        target=_raw_target(environ),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        content_type=environ.get("CONTENT_TYPE", ""),
        body=request.get_data(cache=False) if has_body else b"",
        requested_headers=environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
        host=environ.get("HTTP_HOST", "127.0.0.1"),
    )


def _raw_target(environ: dict[str, Any]) -> str:
    """The request target as it was sent; where the WSGI server does not tell, as it may have been."""
    raw: str | None = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is not None:
        # Werkzeug's test client tells the path alone there, so the query is taken from where all servers tell it.
        path = raw.partition("?")[0]
    else:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        path = quote(path.encode("latin-1"), safe="/:@!$&'()*+,;=~")
    query = environ.get("QUERY_STRING", "")
    return path + (f"?{query}" if query else "")
