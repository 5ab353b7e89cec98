"""The fakes behind one server: the one that it began with, and the worlds, each by its name."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from threading import RLock
from typing import TYPE_CHECKING

from ..core.clock import Clock, iso
from ..core.journal import Exchange
from ..errors import MisuseError
from ..state import Snapshot

if TYPE_CHECKING:
    from ..fake import TiledeskFake

CONTROL = re.compile(r"/_fake(?=[/?]|$)")
"""Where the paths of the control API begin, below the server or a world."""

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
MOST_SNAPSHOTS = 100
# Of worlds that are no more, the names; one that is forgotten begins as if it had never been.
_MOST_REMEMBERED = 10_000


class World:
    """One fake, with what the control API keeps beside it. `name` is None for the one that the server began with.

    `before` says what became of an earlier world of this name: `ended`, `dropped`, or None. `used` is whether anybody
    has asked for more than whether it is there.
    """

    def __init__(self, name: str | None, fake: "TiledeskFake", began: str, before: str | None = None) -> None:
        self.name = name
        self.fake = fake
        self.began = began
        self.before = before
        self.used = False
        self.has_users = False
        self.called_ms = 0
        self._snapshots: OrderedDict[str, Snapshot] = OrderedDict()
        self._taken = 0

    def use(self, listener: Callable[[Exchange], object] | None = None) -> None:
        """Note that somebody asks for more than whether it is there; the listener is told of each exchange."""
        if not self.used:
            self.used = True
            if listener:
                self.fake.journal.watch(lambda _, exchange: listener(exchange))

    def take_snapshot(self) -> str:
        """The id of a new snapshot; the oldest goes where there are too many."""
        self._taken += 1
        id = str(self._taken)
        self._snapshots[id] = self.fake.snapshot()
        if len(self._snapshots) > MOST_SNAPSHOTS:
            self._snapshots.popitem(last=False)
        return id

    def snapshot(self, id: str) -> Snapshot | None:
        """A snapshot that was taken; None for one that never was, or had to go."""
        return self._snapshots.get(id)


class Worlds:
    """All worlds of a server, the one called last at the end.

    At most `limit` of them stay. Past that one goes: of those without users, if there are any, the one idle longest. So
    calls of names that nobody set up never cost a world that somebody did.
    """

    def __init__(
        self,
        fake: "TiledeskFake",
        make: "Callable[..., TiledeskFake]",
        limit: int,
        listener: Callable[[Exchange], object] | None = None,
    ) -> None:
        """`make` makes a new fake, with the server's settings but for those that it is given.

        The listener is told of each exchange of every world, and must not wait.
        """
        if limit < 1:
            raise MisuseError(f"expected a limit of at least one world, got {limit}")
        self.limit = limit
        self._make = make
        self._clock = Clock()
        # Requests may come in threads.
        self._lock = RLock()
        self._worlds: OrderedDict[str, World] = OrderedDict()
        self._gone: OrderedDict[str, str] = OrderedDict()
        self._listener = listener
        self.first = World(None, fake, self._now())
        self.use(self.first)

    def called(self, name: str) -> World | None:
        """The world that a client of the API calls, a new one if need be; None for one that has been ended."""
        with self._lock:
            if self._gone.get(name) == "ended":
                return None
            world = self._touched(name)
            self.use(world)
            self._make_room()
            return world

    def asked(self, name: str | None, *, keeps: bool) -> World:
        """The world that the control API is called for, a new one if need be.

        With `keeps` it stays for now, whoever else has to go.
        """
        if name is None:
            return self.first
        with self._lock:
            world = self._touched(name)
            self._make_room(world if keeps else None)
            return world

    def set_up(self, world: World, **settings: object) -> None:
        """Begin a world anew with settings of its own. It must not have been used."""
        with self._lock:
            fake = self._make(**settings)
            if CONTROL.match(fake.base_path):
                raise MisuseError(
                    f"expected a base path other than {fake.base_path!r}; at /_fake is the control API of the world"
                )
            world.fake = fake
            self.use(world)

    def use(self, world: World) -> None:
        """Note that somebody asks a world for more than whether it is there."""
        world.use(self._listener)

    def end(self, name: str) -> None:
        """Forget a world; until the control API is called for it, it is no more."""
        with self._lock:
            self._worlds.pop(name, None)
            self._remember(name, "ended")

    def idle_s(self, world: World) -> float:
        """For how many seconds nobody has called a world."""
        return max(0, self._clock.now_ms() - world.called_ms) / 1000

    def __iter__(self) -> Iterator[World]:
        with self._lock:
            return iter(list(self._worlds.values()))

    def _touched(self, name: str) -> World:
        world = self._worlds.get(name)
        if world is None:
            world = self._worlds[name] = World(name, self._make(), self._now(), self._gone.pop(name, None))
        else:
            self._worlds.move_to_end(name)
        world.called_ms = self._clock.now_ms()
        return world

    def _make_room(self, spared: World | None = None) -> None:
        if len(self._worlds) <= self.limit:
            return
        going = [world for world in self._worlds.values() if world is not spared]
        first = next((world for world in going if not world.has_users), going[0])
        assert first.name is not None
        del self._worlds[first.name]
        self._remember(first.name, "dropped")

    def _remember(self, name: str, fate: str) -> None:
        self._gone[name] = fate
        self._gone.move_to_end(name)
        if len(self._gone) > _MOST_REMEMBERED:
            self._gone.popitem(last=False)

    def _now(self) -> str:
        return iso(self._clock.now())
