"""The road of a call of the control API, from the request to its answer.

security -> route -> body and query -> world -> operation
"""

from wsgiref.types import WSGIEnvironment

from ..core.request import Request
from ..errors import TiledeskFakeError
from ..web.answer import Answer, compact_json
from ..web.problems import NEVER_SENT
from . import description, page, problems
from .call import Call, Later, Reply
from .description import Route
from .operations import OPERATIONS, WITHOUT_USE
from .problems import Problem
from .reading import body_of, path_parameter, query_of, too_large
from .security import Security
from .waiting import Waiting
from .worlds import NAME, World, Worlds

_JSON = "application/json"
_WAITS = "tiledesk_fake.waits"
# The API speaks to programs that were let in, and to no page of another origin.
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)


class ControlApi:
    """Answers the calls of one server's control API."""

    def __init__(self, worlds: Worlds, security: Security) -> None:
        self._worlds = worlds
        self._security = security
        self._waiting = Waiting()

    def answer(self, request: Request, environ: WSGIEnvironment, name: str | None, target: str) -> Answer:
        """The answer to a call for the world of this name; `target` is the raw one below that.

        Where the server is to ask again, its delivery says so, and the answer is never sent.
        """
        try:
            # Asked again: enough has come, or the time is up.
            if later := environ.pop(_WAITS, None):
                self._waiting.end(later.wait)
                answer = _written(later.reply())
            else:
                answer = self._served(request, environ, name, target)
        except Problem as problem:
            answer = problems.answer_to(problem)
        except TiledeskFakeError as error:
            answer = problems.answer_to(problems.of(error))
        return Answer(answer.status, (*answer.headers, *_HEADERS), answer.body)

    def too_large(self) -> Answer:
        """The answer to a call whose body is too large to be read."""
        return problems.answer_to(too_large())

    def _served(self, request: Request, environ: WSGIEnvironment, name: str | None, target: str) -> Answer:
        path, _, query = target.partition("?")
        route, values = self._route(request.method, path, environ)
        if name is not None and not NAME.fullmatch(name):
            raise Problem("misuse", "expected as the name of a world 1 to 64 of the characters A-Z a-z 0-9 . _ -")
        body = body_of(request, route)
        parameters = query_of(query, route)
        if route.id == "showPage":
            return page.answer()
        if route.id == "endWorld":
            return _written(self._end(name))
        world = self._worlds.asked(name, keeps=route.method != "GET")
        if route.id not in WITHOUT_USE:
            self._worlds.use(world)
        try:
            decoded = {each: path_parameter(raw) for each, raw in values.items()}
            reply = OPERATIONS[route.id](Call(world, self._worlds, decoded, parameters, body, route.fields))
        finally:
            self._note_users(world)
        if isinstance(reply, Later):
            return self._later(reply, environ)
        return _written(reply)

    def _route(self, method: str, path: str, environ: WSGIEnvironment) -> tuple[Route, dict[str, str]]:
        """The route of a path, and the raw values in it. Raises a Problem where the caller may not come."""
        found = [(route, match) for route in description.routes() if (match := route.pattern.fullmatch(path))]
        wanted = "GET" if method == "HEAD" else method
        for route, match in found:
            if route.method == wanted:
                self._security.check(environ, open_to_all=route.open_to_all)
                return route, dict(zip(route.names, match.groups(), strict=True))
        self._security.check(environ, open_to_all=False)
        if not found:
            raise Problem(
                "not-found", "there is nothing at this path; GET /_fake/openapi.json says what the control API has"
            )
        methods = {route.method for route, _ in found}
        allowed = sorted(methods | ({"HEAD"} if "GET" in methods else set()))
        listed = ", ".join(allowed)
        raise Problem(
            "misuse",
            f"expected one of the methods that this path has: {listed}",
            valid=allowed,
            headers=[("Allow", listed)],
            status=405,
        )

    def _end(self, name: str | None) -> Reply:
        if name is None:
            raise Problem(
                "impossible-now",
                "the fake that the server began with lasts as long as the server; POST /_fake/reset makes it as new",
            )
        self._worlds.end(name)
        return Reply(204)

    def _note_users(self, world: World) -> None:
        if world.used:
            world.has_users = bool(len(world.fake.users))

    def _later(self, later: Later, environ: WSGIEnvironment) -> Answer:
        if not self._waiting.begin(later.wait, later.wait_s, environ):
            return _written(later.reply())
        environ[_WAITS] = later
        return NEVER_SENT


def _written(reply: Reply) -> Answer:
    if reply.content is None:
        return Answer(reply.status, (), b"")
    body = compact_json(reply.content) if reply.media_type == _JSON else reply.content
    return Answer(reply.status, (("Content-Type", reply.media_type),), body)
