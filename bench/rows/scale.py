"""The size of the history: what pages, revocations and new tokens cost at a million, against a thousand."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import cycle

import psutil
from tiledesk_fake import TiledeskFake, Token, User

from ..measure import cpu_of, medians
from ..report import Row, microseconds
from ..work import LIST, call, environ

_SMALL = 1_000
_PAGES = _SMALL // 40
_FIELDS = ("_id", "jti", "id_user", "revoked", "createdAt", "updatedAt", "expiresAt", "__v")


@dataclass(frozen=True)
class Filled:
    """A fake whose user has a history of some size, and what that takes of memory, a token."""

    fake: TiledeskFake
    user: User
    caller: Token
    size: int
    bytes_per_token: float

    def pages(self, field: str, first: int) -> Callable[[], object]:
        """Asks for the 25 pages from the first one on, in turn."""
        app, authorization = self.fake.wsgi_app, self.caller.authorization
        asked = cycle(
            [
                environ("GET", f"{LIST}?sortField={field}&direction=-1&page={page}", authorization)
                for page in range(first, first + _PAGES)
            ]
        )
        return lambda: call(app, next(asked).copy())

    def revocations(self, times: int) -> Callable[[], float]:
        """Measures the revocation of so many tokens, each once."""

        def sample() -> float:
            targets = [f"{LIST}/{self.issue().jti}" for _ in range(times)]
            asked = iter([environ("DELETE", target, self.caller.authorization) for target in targets])
            return cpu_of(lambda: call(self.fake.wsgi_app, next(asked)), times)

        return sample

    def issue(self) -> Token:
        """One more token."""
        return self.fake.issue_token(self.user, expires_in=timedelta(days=30))


def rows(rounds: int, large: int) -> Iterator[Row]:
    """Everything that could grow with the history."""
    big, small = _fill(large), _fill(_SMALL)
    sizes = f"at {large:,} tokens, against {_SMALL:,}"
    yield _growth(
        f"issuing a token {sizes}",
        small,
        big,
        bar=5,
        rounds=rounds,
        sampler=lambda each: partial(cpu_of, each.issue, 100),
    )
    pages = []
    for field in _FIELDS:
        for place, first in (("first", 0), ("middle", big.size // 80), ("deep", big.size // 40 - _PAGES)):
            samplers = {
                "big": partial(cpu_of, big.pages(field, first), 4 * _PAGES),
                "small": partial(cpu_of, small.pages(field, 0), 4 * _PAGES),
            }
            for sampler in samplers.values():
                sampler()  # the order is built, the records are written
            cpu = medians(samplers, rounds)
            pages.append(
                Row(
                    f"a page {sizes}; the worst, {place} by {field}",
                    cpu["big"] / cpu["small"],
                    at_most=1.3,
                    detail=f"{microseconds(cpu['big'])} to {microseconds(cpu['small'])}",
                )
            )
    yield max(pages, key=lambda row: row.ratio)
    yield _growth(
        f"a revocation {sizes}, every order in use",
        small,
        big,
        bar=5,
        rounds=rounds,
        sampler=lambda each: each.revocations(100),
    )
    json_bytes = len(call(big.fake.wsgi_app, environ("GET", LIST, big.caller.authorization))) / 40
    yield Row(
        f"memory of a token {sizes.partition(', against')[0]}, against its JSON",
        big.bytes_per_token / json_bytes,
        at_most=1.7,
        detail=f"{big.bytes_per_token:.0f} to {json_bytes:.0f} bytes",
    )


def _growth(
    what: str, small: Filled, big: Filled, *, bar: float, rounds: int, sampler: Callable[[Filled], Callable[[], float]]
) -> Row:
    cpu = medians({"small": sampler(small), "big": sampler(big)}, rounds)
    return Row(
        what,
        cpu["big"] / cpu["small"],
        at_most=bar,
        detail=f"{microseconds(cpu['big'])} to {microseconds(cpu['small'])}",
    )


def _fill(size: int) -> Filled:
    fake = TiledeskFake()
    user = fake.add_user(email="ada@example.com")
    caller = fake.issue_token(user)
    gc.collect()
    before = psutil.Process().memory_info().rss
    for _ in range(size):
        fake.issue_token(user, expires_in=timedelta(days=30))
    gc.collect()
    return Filled(fake, user, caller, size, (psutil.Process().memory_info().rss - before) / size)
