"""The limits of a client's requests, in size, number and time."""

from typing import NamedTuple

try:
    import resource
except ImportError:  # on Windows, where sockets are no descriptors
    resource = None  # type: ignore[assignment]

# What the rest of the process has open: files, pipes, the sockets of its own clients.
RESERVED_DESCRIPTORS = 64


class Limits(NamedTuple):
    """Bytes, connections and seconds; what is past them is refused or closed."""

    # Request line, headers and trailers, each header counted as `Name: value` with its line end. As in Node.
    head_bytes: int = 16_384
    # As the body parser of the real server.
    body_bytes: int = 512_000
    # Open at a time, if there are descriptors for so many; any more are answered 503.
    connections: int = 4_096
    # From the first byte of a request to its last; long enough for who types a request by hand.
    request_s: float = 30.0
    # Without a request.
    idle_s: float = 75.0
    # Without the client taking a byte of its answer.
    write_s: float = 5.0
    # After the last answer, for reading and ignoring what the client still sends.
    linger_s: float = 2.0


def room_for(connections: int) -> int:
    """The number of connections, at most `connections`, that the descriptors of this process leave room for."""
    if resource is None:
        return connections
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return connections
    # Where there are few, half of them are the server's.
    return min(connections, max(allowed - RESERVED_DESCRIPTORS, allowed // 2))


def raise_descriptors() -> None:
    """Let this process have all the descriptors that it may give itself, as Node does; for programs, not libraries."""
    if resource is None:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (OSError, ValueError):  # some systems name a limit that they do not grant
        return
