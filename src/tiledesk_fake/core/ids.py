"""Identifiers: the only module that makes randomness, and the test for an ObjectId."""

import re
import secrets
from hashlib import sha256

from ..errors import MisuseError

IdsState = tuple[int, int, int]

# RFC 9562, 5.4: four bits for the version and two for the variant. By hand, because `uuid` takes 3 ms to import.
_VERSION_4 = 4 << 76 | 2 << 62
_VERSION_4_MASK = ~(0xF << 76 | 3 << 62)

OBJECT_ID = re.compile(r"[0-9a-fA-F]{24}")


class Ids:
    """Makes the ids and jtis of one fake; the same seed makes the same ones.

    Ids rise, as MongoDB's do, so that tokens issued in one millisecond keep their order.
    """

    def __init__(self, seed: int | None = None) -> None:
        self._given_seed = seed
        self.restart()

    def restart(self) -> None:
        """Start again: with a seed the same ids come again, without one they are new."""
        self._seed = secrets.randbits(128) if self._given_seed is None else self._given_seed
        self._drawn = self._rolled = 0
        # Eighteen hex digits lead; the last six count, and may carry into them.
        self._next = (0x6 << 92) | self._random_bits(68) << 24

    def object_id(self) -> int:
        """A new record id: a number of 96 bits, written as 24 hex digits."""
        self._next += 1
        return self._next

    def jti(self) -> str:
        """A new jti, a version 4 UUID."""
        digits = f"{self._random_bits(128) & _VERSION_4_MASK | _VERSION_4:032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _random_bits(self, count: int) -> int:
        # Not a generator of `random`: every test makes a fake, and setting one up takes longer than issuing a token.
        self._drawn += 1
        return int.from_bytes(sha256(b"%x %d" % (self._seed, self._drawn)).digest()[:16], "big") >> (128 - count)

    def happens(self, chance: float) -> bool:
        """Whether something of this chance, from 0 to 1, happens this time; no id depends on it."""
        self._rolled += 1
        roll = int.from_bytes(sha256(b"%x chance %d" % (self._seed, self._rolled)).digest()[:8], "big")
        return roll < chance * 2**64

    def state(self) -> IdsState:
        """The state of this generator, for `resume_from`."""
        return self._seed, self._drawn, self._next

    def resume_from(self, state: IdsState) -> None:
        """Go back to where `state` was taken."""
        self._seed, self._drawn, self._next = state


def new_secret() -> str:
    """A new random secret of 32 bytes, in hex."""
    return secrets.token_hex(32)


def new_seed() -> int:
    """A new random seed of 32 bits."""
    return secrets.randbits(32)


def hex_id(id: int) -> str:
    """The 24 hex digits of an id.

    >>> hex_id(0x5e0000000000000000000001)
    '5e0000000000000000000001'
    """
    return f"{id:024x}"


def is_object_id(text: str) -> bool:
    """Whether mongoose takes a text for an ObjectId: 24 hex digits, or 12 characters as JavaScript counts them.

    >>> is_object_id("5e0000000000000000000001"), is_object_id("twelve chars"), is_object_id("🔑" * 6)
    (True, True, True)
    """
    return OBJECT_ID.fullmatch(text) is not None or len(text) + sum(each > "\uffff" for each in text) == 12


def parse_hex_id(text: str) -> int | None:
    """The id that 24 hex digits of either case write; None for any other text."""
    return int(text, 16) if OBJECT_ID.fullmatch(text) else None


def given_id(id: str | None) -> int | None:
    """The number of an id that a caller chose, None for none; MisuseError for text that is none."""
    if id is None:
        return None
    parsed = parse_hex_id(id)
    if parsed is None:
        raise MisuseError(f"expected an id of 24 hex digits, got {id!r}; leave it out for a new one")
    return parsed
