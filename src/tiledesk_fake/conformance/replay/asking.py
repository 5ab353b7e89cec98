"""Asking a fake what it would answer in one possible world; what that does to the fake is forgotten at once."""

from collections.abc import Mapping
from typing import NamedTuple

from ... import contract as contracts
from ...contract.parameters import Parameters
from ...core.clock import Setting
from ...core.history import Record
from ...core.request import Request
from ...core.users import User
from ...serving.delivery import Delivery
from ...state import State
from ...violations.judge import Heard
from ...web.answer import Answer
from ...web.road import Road
from .exchange import Exchange
from .presented import SECRET


class World(NamedTuple):
    """The users and the time at a request; the other fields are what the request says."""

    authorization: str | None
    target: str
    users: tuple[User, ...]
    records: tuple[Record, ...]
    at_ms: int
    content_type: str | None = None

    def __repr__(self) -> str:
        # Without the request, in which credentials may be.
        return f"<World of {len(self.users)} users and {len(self.records)} tokens>"


class Said(NamedTuple):
    """What a fake says in a world: its answer, None for none, what it understood, and the tokens as they are then."""

    answer: Answer | None
    heard: Heard
    after: Mapping[int, Record]


class Asked:
    """A fake under one profile, to be asked about any number of worlds."""

    def __init__(self, choices: Mapping[str, str], base_path: str) -> None:
        self.contract = contracts.load(choices)
        self.profile = self.contract.profile
        self.parameters = Parameters(self.contract)
        self._state = State(self.contract, SECRET, seed=0)
        self._nothing = self._state.snapshot()
        self._road = Road(self._state, base_path)

    def meant(self, exchange: Exchange) -> Heard:
        """The meaning of a request's target, for any caller."""
        heard = self._road.hear()
        self._road.locate(_request(exchange, World(None, exchange.target, (), (), 0)), heard)
        return heard

    def say(self, exchange: Exchange, world: World) -> Said:
        """The fake's answer to the request in this world."""
        users = {user.id: user for user in world.users}
        records = {record.id: record for record in world.records}
        self._state.restore(
            self._nothing._replace(
                users=tuple(users.values()), records=tuple(records.values()), clock=Setting(frozen_ms=world.at_ms)
            )
        )
        heard, wish = self._road.hear(), Delivery()
        answer = self._road.reply(_request(exchange, world), heard, wish)
        return Said(answer, heard, {record.id: record for record in self._state.history})


def _request(exchange: Exchange, world: World) -> Request:
    return Request(
        exchange.method,
        world.target,
        world.authorization,
        exchange.header("Content-Type") or world.content_type or "",
        exchange.body or b"",
        has_body=bool(exchange.body),
        header=exchange.header,
    )
