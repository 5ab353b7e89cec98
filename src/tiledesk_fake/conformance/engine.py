"""Schemathesis' engine, driven over a document: the only module that knows Schemathesis, its private parts included.

It yields what happened in words of its own. Requests leave through the adapter that it is given, and nowhere else.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from requests.adapters import BaseAdapter
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import Status, events
from schemathesis.engine.core import Engine, ExecutionPlan
from schemathesis.engine.run import PhaseName
from schemathesis.generation.case import Case
from schemathesis.hooks import HookContext
from schemathesis.transport.requests import REQUESTS_TRANSPORT, RequestsTransport

from .home import home


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that a generated request passed."""

    check: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A check that a generated request failed; `operation` is its method and path in the document."""

    check: str
    operation: str
    status: int | None
    message: str = field(repr=False)
    curl: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure of the engine itself; `is_network` where a request could not be sent or answered."""

    message: str
    is_network: bool = False


Event = Passed | Failed | Trouble


def run(
    document: dict[str, Any],
    config: Mapping[str, Any],
    adapter: BaseAdapter,
    *,
    reading_only: bool,
    is_over: Callable[[], bool],
) -> Iterator[Event]:
    """What happens in a run over a document, under a configuration of Schemathesis, until `is_over`.

    Raises KeyboardInterrupt if the run is interrupted.
    """
    with warnings.catch_warnings(), home():
        # Schemathesis and Hypothesis warn about their own; what they find is in the events.
        warnings.simplefilter("ignore")
        stream = _Engine(schema=_schema(document, config, adapter, reading_only=reading_only)).execute()
        stopped = False
        for event in stream:
            if _is_interrupted(event) and not stopped:
                # Schemathesis catches what Ctrl-C raises, and says it with an event.
                stream.stop()
                raise KeyboardInterrupt
            if is_over():
                # The events that follow say that the run was interrupted, and mean this.
                stream.stop()
                stopped = True
            yield from _told(event)


def _schema(document: dict[str, Any], config: Mapping[str, Any], adapter: BaseAdapter, *, reading_only: bool) -> Any:
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(dict(config)))
    transport = _Transport(adapter)
    schema.__class__ = type("GuardedSchema", (type(schema),), {"transport": property(lambda _: transport)})
    schema.hook(map_query)
    return schema.include(method="GET") if reading_only else schema


class _Engine(Engine):
    """The engine without its probes: they go past the transport, and ask what no rule needs."""

    def _create_execution_plan(self) -> ExecutionPlan:
        plan = super()._create_execution_plan()
        plan.phases = [phase for phase in plan.phases if phase.name != PhaseName.PROBING]
        return plan


class _Transport(RequestsTransport):
    """Sends cases through one adapter: Schemathesis makes sessions of its own, for runs and for single checks."""

    def __init__(self, adapter: BaseAdapter) -> None:
        super().__init__()
        self._adapter = adapter
        self._copy_serializers_from(REQUESTS_TRANSPORT)

    def send(self, case: Case[Any], *, session: requests.Session | None = None, **kwargs: Any) -> Response:
        """Send a case, over nothing but the adapter."""
        guarded = requests.Session()
        # Otherwise the environment would add proxies, and a .netrc other credentials.
        guarded.trust_env = False
        guarded.adapters.clear()
        guarded.mount("", self._adapter)
        if session is not None:
            guarded.headers = session.headers
            guarded.auth = session.auth
        return super().send(case, session=guarded, **kwargs)


def map_query(context: HookContext, query: Any) -> Any:
    """Bring most page numbers down to pages that have records; they are generated up to two thousand million."""
    page = query.get("page") if isinstance(query, dict) else None
    if isinstance(page, int) and not isinstance(page, bool) and 0 < page < 2**31 and page % 4:
        return {**query, "page": page % 4}
    return query


def _is_interrupted(event: events.EngineEvent) -> bool:
    return isinstance(event, events.Interrupted) or getattr(event, "status", None) == Status.INTERRUPTED


def _told(event: events.EngineEvent) -> Iterator[Event]:
    if isinstance(event, events.NonFatalError):
        is_network = isinstance(event.value, requests.RequestException)
        yield Trouble(f"{event.label}: {event.info.title}: {event.info.message}", is_network)
    elif isinstance(event, events.FatalError):
        yield Trouble(f"{type(event.exception).__name__}: {event.exception}")
    elif isinstance(event, events.ScenarioFinished):
        yield from _checked(event)


def _checked(event: events.ScenarioFinished) -> Iterator[Event]:
    for id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status == Status.SUCCESS:
                yield Passed(check.name)
            if check.failure_info is None:
                continue
            failure = check.failure_info.failure
            interaction = event.recorder.interactions.get(id)
            yield Failed(
                check.name,
                event.recorder.cases[id].value.operation.label,
                interaction.response.status_code if interaction and interaction.response else None,
                f"{failure.title}: {failure.message}",
                check.failure_info.code_sample,
            )
