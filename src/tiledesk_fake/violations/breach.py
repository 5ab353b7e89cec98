"""A breach of one of the client's rules, before it is known which request it was in."""

from typing import NamedTuple


class Breach(NamedTuple):
    """A violation without what depends on the request: `keys` lead to its place in the contract."""

    rule: str
    message: str
    expected: str
    got: str
    keys: tuple[str, ...]
