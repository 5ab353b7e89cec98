"""Everything this package raises on purpose, in the words of the domain.

    TiledeskFakeError
    ├── ContractError           the OpenAPI file does not fit the code
    ├── ProfileError            an unknown assumption or choice, a broken profile file
    ├── ScenarioError           a broken scenario
    ├── MisuseError             the Python interface was used in a way that cannot work
    │   ├── AlreadyExists       an e-mail address, id or jti that is taken
    │   ├── NotFound            a user or token this fake does not hold
    │   └── NotListening        the server's address was asked for before it was started
    ├── CannotListen            the address or port cannot be had
    ├── CannotReach             a fake that is served elsewhere does not answer
    ├── NetworkRefused          a client that `intercept` keeps from the network; also a ConnectionRefusedError
    └── NoAnswer                the real server would not answer, and there is no connection to hold open

Refusals of requests are not here: they are answers, see `gate` and `web.problems`.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TiledeskFakeError(Exception):
    """Base of every error this package raises on purpose; the message says what to do next."""


class ContractError(TiledeskFakeError):
    """The OpenAPI file lacks, or has too much of, what the code implements."""


class ProfileError(TiledeskFakeError):
    """A profile names an assumption or a choice that does not exist, or its file cannot be read."""


class ScenarioError(TiledeskFakeError):
    """A scenario is not of the documented form; the message names the file and the key."""


class MisuseError(TiledeskFakeError):
    """The Python interface was used in a way that cannot work."""


class AlreadyExists(MisuseError):
    """The e-mail address, id or jti is taken."""


class NotFound(MisuseError):
    """This fake holds no such user or token."""


class NotListening(MisuseError):
    """The server's address was asked for while it does not listen."""


class CannotListen(TiledeskFakeError):
    """The address or port is not available."""


class CannotReach(TiledeskFakeError):
    """Nothing answers at the address of a served fake, or another server does."""


class NetworkRefused(TiledeskFakeError, ConnectionRefusedError):
    """A client inside `intercept` would have passed the fake by, or left this machine where that is blocked."""


class NoAnswer(TiledeskFakeError):
    """The real server leaves this request without an answer, and here is no connection to hold open."""


_LONGEST_COMPARED = 100


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that lists the valid names, the nearest one first: `; did you mean 'page-base'? Valid: …`."""
    names = list(known)
    # Comparing takes long for what is long, and nothing that long is near.
    close = get_close_matches(word[:_LONGEST_COMPARED], names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ";"
    return f"{hint} Valid: {', '.join(names)}"
