"""The fakes of a run that are worlds of a server elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from tiledesk_fake.contract.choices import unnoted
from tiledesk_fake.errors import CannotReach, MisuseError
from tiledesk_fake.remote.connecting import reach
from tiledesk_fake.remote.fake import RemoteFake

if TYPE_CHECKING:
    from tiledesk_fake.fake import TiledeskFake


class World(RemoteFake):
    """A world of this run. It ends after its test, because the plugin asks it until then what clients did."""

    closed = False

    @property
    def listening(self) -> bool:
        """Whether the test still uses it."""
        return not self.closed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True
        if self._strict and kind is None:
            self.verify()


class Elsewhere:
    """Begins worlds on one server, and ends them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server: World | None = None
        self._usual: Mapping[str, str] | None = None
        self._begun: list[World] = []

    def begin(self, profile: Mapping[str, str] | None, **arguments: Any) -> TiledeskFake:
        """A new world, with the server's profile unless one is given; a test uses it like any other fake.

        Raises CannotReach where the server does not answer.
        """
        for name in ("host", "port"):
            if name in arguments:
                raise MisuseError(f"{name}: the server listens already, at {self._url}; leave it out")
        world = self._reached().world(profile=profile, **arguments)
        self._begun.append(world)
        return cast("TiledeskFake", world)

    def usual_choices(self) -> Mapping[str, str]:
        """The choices of a world that is given none. Raises CannotReach if the server does not answer."""
        if self._usual is None:
            world = self._reached().world()
            self._usual = unnoted(world.profile)
            world.end()
        return self._usual

    def _reached(self) -> World:
        if self._server is None:
            self._server = World(*reach(self._url, os.environ.get("TILEDESK_FAKE_CONTROL_TOKEN")))
        return self._server

    def close(self, fake: TiledeskFake) -> None:
        """Mark a world as no longer used by its test."""
        for world in self._begun:
            world.closed = world.closed or world is cast("World", fake)

    def end_closed(self) -> None:
        """End the worlds that no test uses any more."""
        self._end([world for world in self._begun if world.closed])

    def end_all(self) -> None:
        """End all worlds."""
        self._end(list(self._begun))

    def _end(self, worlds: list[World]) -> None:
        for world in worlds:
            self._begun.remove(world)
            # If the server is gone, so are its worlds.
            with suppress(CannotReach):
                world.end()
