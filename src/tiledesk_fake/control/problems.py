"""The control API's answers to requests that it refuses: RFC 9457, with a code from a closed list."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from ..core.redaction import JWT
from ..errors import AlreadyExists, NotFound, ProfileError, ScenarioError, TiledeskFakeError
from ..web.answer import Answer, compact_json

STATUSES: Mapping[str, int] = {
    "misuse": 400,
    "profile": 400,
    "scenario": 400,
    "control-token": 401,
    "foreign-host": 403,
    "foreign-origin": 403,
    "not-found": 404,
    "taken": 409,
    "impossible-now": 409,
    "too-large": 413,
    "content-type": 415,
    "too-many-waiting": 503,
}
"""The status of each code. A method that a path does not have is a misuse too, with 405, as HTTP wants it."""

# The first that fits counts.
_CODES: tuple[tuple[type[TiledeskFakeError], str], ...] = (
    (AlreadyExists, "taken"),
    (NotFound, "not-found"),
    (ProfileError, "profile"),
    (ScenarioError, "scenario"),
)

# Whoever sends a name of half a megabyte need not get it back.
_LONGEST_DETAIL = 2_000


class Problem(Exception):
    """A request that is not served; `detail` says what to write instead, and `valid` lists what there is."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        valid: Iterable[str] = (),
        headers: Iterable[tuple[str, str]] = (),
        status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.valid = list(valid)
        self.headers = tuple(headers)
        self.status = status or STATUSES[code]


def of(error: TiledeskFakeError) -> Problem:
    """The problem that is told where the fake raises this."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "misuse")
    # What a scenario asks for may be taken: then it conflicts with what there is, and is not wrong in itself.
    status = 409 if _is_about_what_is_taken(error) else None
    return Problem(code, str(error), status=status)


def _is_about_what_is_taken(error: BaseException | None) -> bool:
    return error is not None and (isinstance(error, AlreadyExists) or _is_about_what_is_taken(error.__cause__))


def answer_to(problem: Problem) -> Answer:
    """The answer that tells a problem."""
    # No more than this: redaction by scheme words would eat into a sentence about a token.
    detail = JWT.sub(r"\1<redacted>", problem.detail)
    if len(detail) > _LONGEST_DETAIL:
        detail = f"{detail[:_LONGEST_DETAIL]}…"
    content: dict[str, object] = {
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": detail,
        "code": problem.code,
    }
    if problem.valid:
        content["valid"] = problem.valid
    return Answer(
        problem.status, (*problem.headers, ("Content-Type", "application/problem+json")), compact_json(content)
    )
