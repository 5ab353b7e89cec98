"""The Flask app of one fake: what Flask developers know, over the same road. The only module that knows Flask.

The operations are Flask's too: rules and view functions by operationId. What the contract's paths match is the fake's,
before any rule of the user's; so is what no rule matches.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import unquote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Request, Response, request, signals
from flask.sansio.scaffold import setupmethod
from flask.typing import ResponseReturnValue, RouteCallable
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import MapAdapter, RequestRedirect, Rule, UnicodeConverter

from ..contract import Operation
from ..core.request import Request as HeardRequest
from ..errors import MisuseError, NoAnswer
from ..refusals import Refusal
from ..serving.delivery import ANSWERED, Delivery
from ..serving.delivery import KEY as DELIVERY
from ..violations.judge import Heard
from .answer import Answer
from .problems import NEVER_SENT, internal_error
from .road import Road
from .routes import Match
from .wsgi import RAW_PATHS, is_below, read_request, status_line

_CONVERTER = re.compile(r"<[^>]*>")
_SIGNALS = (
    signals.request_started,
    signals.request_finished,
    signals.request_tearing_down,
    signals.got_request_exception,
    signals.appcontext_pushed,
    signals.appcontext_popped,
    signals.appcontext_tearing_down,
)
_WsgiApp = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class _Answered(Response):
    """An answer of the fake's; a Content-Length of an answer without content, which Werkzeug removes, stays."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        if (length := self.headers.get("Content-Length")) is not None:
            headers["Content-Length"] = length
        return headers


@dataclass(slots=True)
class _Hearing:
    """What is known of a request while Flask has it; `path` is the one that WSGI told, with its mount and without."""

    request: HeardRequest
    heard: Heard
    match: Match | Refusal
    delivery: Delivery | None
    wish: Delivery
    path: tuple[str, str] = field(repr=False)

    @property
    def operation(self) -> Operation | None:
        return self.heard.operation

    @property
    def is_the_fakes(self) -> bool:
        """Whether the target is one that the contract's paths match, by whatever method, or a preflight."""
        return self.request.method == "OPTIONS" or (isinstance(self.match, Match) and bool(self.match.operations))


class FlaskApp(Flask):
    """A Flask app that answers as the fake does, and as whoever adds to it wishes."""

    # What its logger is called; that of this package is silent unless it is asked for.
    name = "tiledesk-fake"

    def __init__(self, road: Road, operations: Iterable[Operation], know: Callable[[str, Iterable[str]], None]) -> None:
        """`know` is told of every endpoint that the user adds, with the names of its parameters."""
        super().__init__("tiledesk_fake", static_folder=None, template_folder=None)
        # Its own, because a middleware may hand an environ on to the app of another fake.
        self._hearing = f"tiledesk_fake.hearing.{id(self)}"
        self._road = road
        self._know = know
        self._rules: dict[str, Rule] = {}
        self.url_map.converters["default"] = _Segment
        for operation in operations:
            rule = road.base_path + re.sub(r"{([^}]*)}", r"<\1>", operation.path)
            super().add_url_rule(
                rule,
                endpoint=operation.id,
                view_func=self._view(operation.id),
                methods=[operation.method],
                provide_automatic_options=False,
            )
            self._rules[operation.id] = next(self.url_map.iter_rules(operation.id))
        self._own_views = dict(self.view_functions)

    @property
    def hooked(self) -> bool:
        """Whether somebody added what has a say in requests: a rule, a view, a hook, a signal, a middleware."""
        return bool(
            self.view_functions != self._own_views
            or self.before_request_funcs
            or self.after_request_funcs
            or self.teardown_request_funcs
            or self.teardown_appcontext_funcs
            or self.url_value_preprocessors
            or "wsgi_app" in vars(self)
            or any(signal.receivers and signal.has_receivers_for(self) for signal in _SIGNALS)
        )

    @property
    def propagates(self) -> bool:
        """Whether exceptions are let out, by Flask's rules."""
        configured = self.config["PROPAGATE_EXCEPTIONS"]
        return bool(self.testing or self.debug if configured is None else configured)

    @setupmethod
    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: RouteCallable | None = None,
        provide_automatic_options: bool | None = None,
        **options: Any,
    ) -> None:
        """As Flask's. Raises MisuseError for a rule on the path of an operation, which would never be asked."""
        if taken := self._road.operations_at(_CONVERTER.sub("x", rule)):
            ids = " and ".join(taken)
            raise MisuseError(
                f"the rule {rule!r} is on the path of {ids}, which the fake answers itself; "
                f"to answer in its place set app.view_functions[{taken[0]!r}]"
            )
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **options)
        for known in self.url_map.iter_rules():
            if known.endpoint not in self._rules:
                self._know(known.endpoint, known.arguments)

    def _check_setup_finished(self, f_name: str) -> None:
        # Flask forbids set-up after the first request; a test adds a route when it needs one.
        pass

    # From the environ to the journal.

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._noted(super().__call__, environ, start_response)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """As Flask's, with an entry in the journal."""
        return self._noted(super().wsgi_app, environ, start_response)

    def _noted(self, app: _WsgiApp, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the app, and note what left after all hooks and middleware."""
        if known := environ.get(self._hearing):
            if "wsgi_app" in vars(self):
                self._hear_again(known, environ)
            return app(environ, start_response)
        hearing = environ[self._hearing] = self._hear(environ)
        status: int | None = None

        def started(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Callable[[bytes], object]:
            nonlocal status
            status = int(line.split(None, 1)[0])
            return start_response(line, headers, *exc_info)

        def note() -> None:
            silent = hearing.wish.drop is not None and hearing.wish.drop not in ANSWERED
            self._road.note(hearing.request, hearing.heard, None if silent else status, hearing.wish)

        try:
            parts = app(environ, started)
            if hearing.delivery is not None:
                # The server sends nothing before it has all, so what fails on the way fails as a whole.
                parts = _collected(parts)
        except BaseException as problem:
            status = None if isinstance(problem, NoAnswer) else NEVER_SENT.status
            note()
            raise
        if status is not None:
            note()
            return parts
        return _noted_when_begun(parts, note)

    def _hear(self, environ: WSGIEnvironment) -> _Hearing:
        heard = self._road.hear()
        # The body is read when it is needed, because the views of the user read theirs.
        came = read_request(environ, self._road.base_path, with_body=False)
        delivery: Delivery | None = environ.get(DELIVERY)
        return _Hearing(came, heard, self._road.locate(came, heard), delivery, delivery or Delivery(), _path(environ))

    def _hear_again(self, hearing: _Hearing, environ: WSGIEnvironment) -> None:
        """Take a request for what a middleware has made of it."""
        if not set(_path(environ)) & set(hearing.path):
            # The middleware has changed the path where WSGI has it; the raw one is no longer that of the request.
            environ = {name: value for name, value in environ.items() if name not in RAW_PATHS}
        again = self._hear(environ)
        hearing.request, hearing.heard, hearing.match = again.request, again.heard, again.match

    def _hearing_of(self, environ: WSGIEnvironment) -> _Hearing:
        # Who makes a context by hand and dispatches that has sent no request.
        return environ.get(self._hearing) or self._hear(environ)

    # From the rule to the response.

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """As Flask's, but for what is the fake's."""
        adapter = super().create_url_adapter(request)
        if request is None or adapter is None:
            return adapter
        mount, path, base_path = adapter.script_name.rstrip("/"), adapter.path_info, self._road.base_path
        if is_below(mount + path, base_path) and not is_below(path, base_path):
            # Mounted at a part of the base path, with which all rules begin.
            adapter.script_name, adapter.path_info = "/", mount + path
        return _FakeFirst(adapter, request, self._hearing_of(request.environ), self._rules)

    def dispatch_request(self) -> ResponseReturnValue:
        """As Flask's, but for what is the fake's; faults are met by who replaces an operation, too."""
        hearing = self._hearing_of(request.environ)
        if hearing.is_the_fakes and hearing.operation is None:
            return self._answer()
        if hearing.operation is not None:
            id = hearing.operation.id
            if self.view_functions[id] is not self._own_views[id]:
                answer = self._road.meet_fault(hearing.heard, hearing.wish)
                if answer or (hearing.wish.drop and hearing.wish.drop not in ANSWERED):
                    return self._respond(hearing, answer)
        elif isinstance(request.routing_exception, NotFound):
            return self._answer()
        return super().dispatch_request()

    def _view(self, id: str) -> RouteCallable:
        def operation(**path_params: str) -> Response:
            return self._answer()

        operation.__name__ = id
        return operation

    def _answer(self) -> Response:
        hearing = self._hearing_of(request.environ)
        hearing.request.body = request.get_data()
        try:
            answer = self._road.reply(hearing.request, hearing.heard, hearing.wish, hearing.match)
        except Exception:
            if self.propagates:
                raise
            answer = internal_error()
        return self._respond(hearing, answer)

    def _respond(self, hearing: _Hearing, answer: Answer | None) -> Response:
        if hearing.delivery is None:
            self._road.carry_out(hearing.wish)
        answer = answer or NEVER_SENT
        response = _Answered(answer.body, status_line(answer.status), list(answer.headers))
        if not any(name == "Content-Type" for name, _ in answer.headers):
            # Flask declares HTML where nothing is declared; the real server declares nothing.
            del response.headers["Content-Type"]
        return response

    def handle_user_exception(self, e: Exception) -> Any:
        """As Flask's; a request that gets no answer is no matter for error handlers."""
        if isinstance(e, NoAnswer):
            raise e
        return super().handle_user_exception(e)

    def handle_exception(self, e: Exception) -> Any:
        """As Flask's; a request that gets no answer is no failure."""
        if isinstance(e, NoAnswer):
            raise e
        return super().handle_exception(e)

    def log_exception(self, exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None]) -> None:
        """Log an exception of the user's code, without the path, where credentials may be."""
        self.logger.error("Exception while a request was answered", exc_info=exc_info)


def _collected(parts: Iterable[bytes]) -> list[bytes]:
    try:
        return list(parts)
    finally:
        getattr(parts, "close", lambda: None)()


def _noted_when_begun(parts: Iterable[bytes], note: Callable[[], None]) -> Iterator[bytes]:
    """The parts of a middleware that is a generator, which starts its response when it is read."""
    waiting = True
    try:
        for part in parts:
            if waiting:
                waiting = False
                note()
            yield part
    finally:
        if waiting:
            note()
        getattr(parts, "close", lambda: None)()


def _path(environ: WSGIEnvironment) -> tuple[str, str]:
    below = environ.get("PATH_INFO", "")
    return environ.get("SCRIPT_NAME", "") + below, below


class _Segment(UnicodeConverter):
    """Werkzeug's converter of a segment, for which a slash is part of the value when a URL is built."""

    def to_url(self, value: Any) -> str:
        return super().to_url(value).replace("/", "%2F")


class _FakeFirst(MapAdapter):
    """Matches what is the fake's before any rule of the user's, and notes which of these a request is for."""

    def __init__(self, adapter: MapAdapter, request: Request, hearing: _Hearing, rules: dict[str, Rule]) -> None:
        super().__init__(
            adapter.map,
            adapter.server_name,
            adapter.script_name,
            adapter.subdomain,
            adapter.url_scheme,
            adapter.path_info,
            adapter.default_method,
            adapter.query_args,
        )
        self._request = request
        self._hearing = hearing
        self._rules = rules

    def match(self, path_info: str | None = None, *arguments: Any, **named: Any) -> Any:
        if path_info is not None:
            return super().match(path_info, *arguments, **named)
        path_params: Mapping[str, Any]
        hearing = self._hearing
        if hearing.operation is not None:
            rule, path_params = self._rules[hearing.operation.id], dict(hearing.heard.path_params)
        elif hearing.is_the_fakes:
            raise NotFound
        else:
            try:
                rule, path_params = super().match(return_rule=True)
            except (MethodNotAllowed, RequestRedirect) as answer:
                self._note_endpoint(*self._rule_behind(answer))
                raise
            self._note_endpoint(rule, path_params)
        return (rule if named.get("return_rule") else rule.endpoint), path_params

    def _note_endpoint(self, rule: Rule | None, path_params: Mapping[str, Any]) -> None:
        """Note the rule of the user's that a request is for; a hook or Flask may answer in the place of its view."""
        if rule in self._rules.values():
            # By the decoded path, or one that Flask corrects; the real server takes neither for the operation.
            raise NotFound
        if rule is not None:
            heard = self._hearing.heard
            heard.endpoint = rule.endpoint
            heard.path_params = {name: str(value) for name, value in path_params.items()}
            heard.query = self._request.args.to_dict(flat=False)

    def _rule_behind(self, answer: MethodNotAllowed | RequestRedirect) -> tuple[Rule | None, Mapping[str, Any]]:
        path = method = None
        if isinstance(answer, RequestRedirect):
            path = "/" + unquote(urlsplit(answer.new_url).path).removeprefix(self.script_name)
        else:
            method = next(iter(answer.valid_methods or ()), None)
        try:
            return super().match(path, method, return_rule=True)
        except HTTPException:
            return None, {}
