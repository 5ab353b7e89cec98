"""The Flask app: hands each request to the road, and the answer back. The only module that knows Flask."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from ..core.request import Request
from ..errors import NoAnswer
from ..log import log
from ..serving.delivery import KEY as DELIVERY
from . import wire
from .answer import Answer, json_answer
from .body import BODY_LIMIT
from .road import Road

_WITHOUT_BODY = (204, 304)


class _App(Flask):
    road: Road

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request.

        By the road alone: it needs neither Flask's contexts nor its requests, responses and signals, and they would
        take longer than all that it does.
        """
        answer = self._answer(environ)
        if answer is None:
            # The delivery says that nothing of this is ever sent.
            answer = Answer(500, (), b"")
        headers = list(answer.headers)
        if answer.status not in _WITHOUT_BODY:
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(_status_line(answer.status), headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment) -> Answer | None:
        try:
            return self.road.answer(_read(environ), environ.get(DELIVERY))
        except NoAnswer:
            raise
        except RequestEntityTooLarge:
            return json_answer(413, wire.too_large(BODY_LIMIT))
        except Exception:
            log.exception("a request could not be answered; this is a bug in tiledesk-fake")
            return json_answer(500, wire.refusal("Internal error of tiledesk-fake."))


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
    return _App("tiledesk_fake", static_folder=None, template_folder=None)


@cache
def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Error"


def _read(environ: WSGIEnvironment) -> Request:
    has_body = environ.get("CONTENT_LENGTH") not in (None, "", "0") or "HTTP_TRANSFER_ENCODING" in environ
    return Request(
        method=environ["REQUEST_METHOD"],
        target=_raw_target(environ),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        content_type=environ.get("CONTENT_TYPE", ""),
        body=get_input_stream(environ, max_content_length=BODY_LIMIT).read() if has_body else b"",
        requested_headers=environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
        host=environ.get("HTTP_HOST", "127.0.0.1"),
    )


def _raw_target(environ: WSGIEnvironment) -> str:
    """The request target as it was sent; where the WSGI server does not tell, as it may have been."""
    raw: str | None = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if raw is not None:
        # Werkzeug's test client tells the path alone there, so the query is taken from where all servers tell it.
        path = raw.partition("?")[0]
    else:
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        path = quote(_octets(path), safe="/:@!$&'()*+,;=~")
    query = environ.get("QUERY_STRING", "")
    return path + (f"?{query}" if query else "")


def _octets(path: str) -> bytes:
    """What a path of an environ stands for; httpx.WSGITransport puts it there as text, where WSGI asks for octets."""
    try:
        octets = path.encode("latin-1")
        octets.decode()
    except UnicodeError:
        return path.encode("utf-8", "surrogateescape")
    return octets
