"""A request as it came: what the road, the gate and the judge of violations read of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

OperationName = Literal["signIn", "listTokens", "revokeTokenByJti", "revokeTokenById"] | str
"""What the operations are called; endpoints of an app of the user's own count too."""

ORIGIN = "tiledesk_fake.origin"
"""Where a WSGI environ has the origin that the client believes to call, if that is not the fake's own."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


def _no_header(name: str) -> str | None:
    return None


# Not frozen, which takes three times as long to make.
@dataclass(slots=True)
class Request:
    """One request.

    `target` is raw, as the client sent it. `below_mount` is the same without what the fake is mounted under, where it
    is; without a mount it is the target. `has_body` is whether the client declared one, which may be empty. `header`
    has the value of any other header by its name, since a dict of all of them would cost every request.
    """

    method: str
    target: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    requested_headers: str | None = None
    host: str = "127.0.0.1"
    below_mount: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS, repr=False)
    has_body: bool = False
    origin: str | None = None
    header: Callable[[str], str | None] = field(default=_no_header, repr=False)

    def __post_init__(self) -> None:
        self.below_mount = self.below_mount or self.target
