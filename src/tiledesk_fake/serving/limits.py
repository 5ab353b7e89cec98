"""What a client may ask of the server, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, connections and seconds; what is past them is refused or closed."""

    # Request line, headers and trailers, each header counted as `Name: value` with its line end. As in Node.
    head_bytes: int = 16_384
    # As the body parser of the real server.
    body_bytes: int = 512_000
    # Open at a time; any more are answered 503.
    connections: int = 1_000
    # From the first byte of a request to its last.
    request_s: float = 5.0
    # Without a request.
    idle_s: float = 75.0
    # Without the client taking a byte of its answer.
    write_s: float = 5.0
    # After the last answer, for reading and ignoring what the client still sends.
    linger_s: float = 2.0
