"""What the road reads of a request."""

from dataclasses import dataclass, field


# Not frozen, which takes three times as long to make.
@dataclass(slots=True)
class Request:
    """One request; `target` is raw, as the client sent it."""

    method: str
    target: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    requested_headers: str | None = None
    host: str = "127.0.0.1"
