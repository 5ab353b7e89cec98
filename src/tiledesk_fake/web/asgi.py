"""The fake as an ASGI app, through a2wsgi, which is the extra `asgi`. Nothing else here knows ASGI."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from ..errors import MisuseError
from ..extras import install_line

AsgiApp = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
"""An ASGI 3 application: it takes scope, receive and send."""


def asgi_app(app: WSGIApplication) -> AsgiApp:
    """The WSGI app as an ASGI app, whose requests run in threads. Raises MisuseError where a2wsgi is not installed."""
    try:
        from a2wsgi import WSGIMiddleware
    except ImportError:
        raise MisuseError(f"asgi_app needs a2wsgi: {install_line('asgi', 'a2wsgi')}") from None

    def as_sent(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        scope: Mapping[str, Any] = environ["asgi.scope"]
        # Optional in ASGI; without it nobody can tell %2F from a slash.
        if raw_path := scope.get("raw_path"):
            environ["RAW_URI"] = raw_path.decode("latin-1")
        # However long the body is, its reader tells the end.
        environ["wsgi.input_terminated"] = True
        return app(environ, start_response)

    adapter: AsgiApp = WSGIMiddleware(as_sent)  # type: ignore[arg-type]
    return adapter
