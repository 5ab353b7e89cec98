"""Why a request is not served, in domain words; `web.problems` turns each into an answer.

Refusal
├── Unauthorized, BadRequest, NotTwoWords         the gate says no
├── UnknownToken, InvalidParameter, CannotDelete  an operation says no
├── InvalidFields, SignInRefused                  a sign-in says no
├── UnknownPath, WrongMethod, MalformedPath,
│   MalformedBody, TooLarge                       the request is for no operation
├── ServerFails, ServerSilent,
│   FallsThrough, NoSuchPage, Greets              what the real server does with it is no clean answer
├── Dropped                                       no answer arrives
└── Quirk                                         one answer of the real server, a calm one beside it
"""

from typing import Any, NamedTuple

from .serving.delivery import Drop


class Refusal(Exception):
    """A request that is not served; `reason` says why to whoever reads the journal, and never goes over the wire."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason


class Unauthorized(Refusal):
    """No credentials, or none that are accepted (observed)."""


class BadRequest(Refusal):
    """An `Authorization` header of one word, or Basic credentials that cannot be read (observed)."""


class NotTwoWords(Refusal):
    """Good credentials in an `Authorization` header that is not two words with one space between (observed)."""


class UnknownToken(Refusal):
    """No such token, as far as the caller is concerned (assumed)."""


class InvalidParameter(Refusal):
    """A parameter has a value that the contract excludes (assumed)."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name
        self.problem = problem


class CannotDelete(Refusal):
    """The real server's failure on an id that is none (assumed)."""


class Absent:
    """The value of a field that is not there."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


class InvalidField(NamedTuple):
    """A field of a sign-in that is not valid: what it is called, the place where it was found, its value or ABSENT."""

    name: str
    location: str
    value: Any


class InvalidFields(Refusal):
    """Fields of a sign-in are absent or not valid (observed)."""

    def __init__(self, *fields: InvalidField) -> None:
        # Without the values, since a password may be among them.
        super().__init__("; ".join(f"no valid {field.name} in the {field.location}" for field in fields))
        self.fields = fields


class SignInRefused(Refusal):
    """Nobody is signed in; `example` is the name that the contract's example of the answer has (observed)."""

    def __init__(self, example: str, reason: str) -> None:
        super().__init__(reason)
        self.example = example


class UnknownPath(Refusal):
    """No operation has this path."""


class WrongMethod(Refusal):
    """The path has operations, with other methods."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__("no such method at this path")
        self.allowed = allowed


class MalformedPath(Refusal):
    """A percent-escape in the path that is none, or does not make UTF-8."""


class MalformedBody(Refusal):
    """A body that is not the `kind` of text that its headers say, or in a charset or coding that is not read."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class TooLarge(Refusal):
    """A body of more bytes than the real server takes, or of more parameters, which has no `limit` (observed)."""

    def __init__(self, limit: int | None) -> None:
        super().__init__("a form of too many parameters" if limit is None else f"a body of more than {limit} bytes")
        self.limit = limit


class ServerFails(Refusal):
    """The real server answers 500 `{"err":"error"}` (observed)."""


class ServerSilent(Refusal):
    """The real server does not answer, and holds the connection until the client gives up (observed)."""


class FallsThrough(Refusal):
    """The real server takes the first segment of the path for the id of a project, and has none of it (observed)."""

    def __init__(self, project: str) -> None:
        super().__init__()
        self.project = project


class Greets(Refusal):
    """The real server says that it is up (observed)."""


class Dropped(Refusal):
    """No answer arrives, or none that can be read: a planned fault, or the real server's silence."""

    def __init__(self, drop: Drop) -> None:
        super().__init__()
        self.drop = drop


class NoSuchPage(Refusal):
    """The real server answers with a page for people (observed)."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__()
        self.method = method
        self.path = path


class Quirk(Refusal):
    """A defect of the real server: `real` is what it does, `calm` what a clean server would answer.

    Which of the two becomes the answer is the assumption server-quirks. The reason is the calm one's.
    """

    def __init__(self, real: Refusal, calm: Refusal) -> None:
        super().__init__(calm.reason)
        self.real = real
        self.calm = calm
