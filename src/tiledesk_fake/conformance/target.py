"""The target of an examination: a server, the credentials, and the profile that it is judged by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..contract.profile import check, read_profile
from .credentials import Basic, Credential, Jwt
from .outcome import CannotCheck

EXAMPLES = 25
"""The default number of examples that are generated for an operation."""

TIMEOUT_S = (0.1, 3600.0)
"""The shortest and the longest timeout in seconds; sockets overflow at thousands of years."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server and what it is examined with; `target` makes one."""

    url: str
    credentials: tuple[Credential, ...]
    choices: Mapping[str, str] = field(default_factory=dict)
    may_revoke: bool = False
    examples: int = EXAMPLES
    seed: int = 0
    timeout_s: float = 10.0


def target(
    url: str,
    *,
    basic: Iterable[str] | str = (),
    jwt: Iterable[str] | str = (),
    profile: Mapping[str, str] | str | Path | None = None,
    may_revoke: bool = False,
    examples: int = EXAMPLES,
    seed: int = 0,
    timeout_s: float = 10.0,
) -> Target:
    """A server at `url`, base path included, to be judged by a profile.

    - `basic` are credentials `ADDRESS:PASSWORD`, `jwt` tokens, one or several of each. Those of one user belong
      together; the first user is examined, a second one shows that users are kept apart.
    - `profile` maps assumptions to choices, or is the name of a shipped profile or the path of a profile file.
    - `may_revoke`: without it nothing is changed on the server; with it, tokens of the first user are revoked.
    - `examples` bounds what is generated for each operation, `seed` repeats it.
    - `timeout_s` is how long a whole answer is waited for, 0.1 to 3600 seconds.

    Raises CannotCheck for credentials of another form and for another time, ProfileError for an unknown assumption or
    choice.
    """
    shortest_s, longest_s = TIMEOUT_S
    # Written so that nan fails as well.
    if not shortest_s <= timeout_s <= longest_s:
        raise CannotCheck(f"timeout_s: expected {shortest_s:g} to {longest_s:g} seconds, got {timeout_s!r}")
    basics = [Basic.parse(text) for text in ([basic] if isinstance(basic, str) else basic)]
    jwts = [Jwt.parse(text) for text in ([jwt] if isinstance(jwt, str) else jwt)]
    if isinstance(profile, Mapping):
        choices = check(profile, source="profile")
    else:
        choices = {} if profile is None else dict(read_profile(profile).choices)
    return Target(url, (*basics, *jwts), choices, may_revoke, examples, seed, timeout_s)
