"""All contenders over sockets: what a request costs them, and how soon its answer is there."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median

import requests

from ..contenders import CannotStart, Contender, Running, contenders, running, version_of
from ..environment import left_out
from ..load import Asked, Clients
from ..measure import medians
from ..report import Row, microseconds, table
from ..work import work

_CONNECTIONS = 16


@dataclass(frozen=True)
class Result:
    """The medians of one contender."""

    list_cpu_s: float
    revocation_cpu_s: float
    per_second: float
    p50_s: float


@dataclass(frozen=True)
class Comparison:
    """The medians of all that could be started, and why the others could not."""

    results: Mapping[str, Result]
    left_out: Mapping[str, str]
    notes: Mapping[str, str]

    def rows(self) -> Iterator[Row]:
        """What must be reached."""
        ours = self.results["ours"]
        for rival, bar in _BARS.items():
            if rival in self.results:
                theirs = self.results[rival].list_cpu_s
                yield Row(
                    f"server CPU of a list, 16 connections, against {rival}",
                    ours.list_cpu_s / theirs,
                    at_most=bar,
                    detail=f"{microseconds(ours.list_cpu_s)} to {microseconds(theirs)}",
                )
        rivals = {name: result for name, result in self.results.items() if name not in _NO_RIVALS}
        if rivals:
            fastest = max(rivals, key=lambda name: rivals[name].per_second)
            yield Row(
                f"lists per second, 1 connection, against the fastest rival, {fastest}",
                ours.per_second / rivals[fastest].per_second,
                at_least=1.2,
                detail=f"{ours.per_second:.0f} to {rivals[fastest].per_second:.0f}",
            )
        smallest = self.results["smallest socket server"]
        yield Row(
            "p50 of a list by requests.Session, against the smallest socket server",
            ours.p50_s / smallest.p50_s,
            at_most=2.0,
            detail=f"{microseconds(ours.p50_s)} to {microseconds(smallest.p50_s)}",
        )

    def table(self) -> str:
        """Everything, by contender."""
        return table(
            ("server", "CPU of a list", "CPU of a revocation", "lists/s, 1 connection", "p50 by requests", "note"),
            [
                (
                    name,
                    microseconds(result.list_cpu_s),
                    microseconds(result.revocation_cpu_s),
                    f"{result.per_second:.0f}",
                    microseconds(result.p50_s),
                    self.notes[name],
                )
                for name, result in self.results.items()
            ],
        )


_NO_RIVALS = ("ours", "smallest socket server", "Flask view")
_BARS = {
    "pytest-httpserver": 0.7,
    "Prism": 0.3,
    "Prism -v silent": 0.6,
    "WireMock": 0.45,
    "Mockoon": 0.45,
    "json-server": 0.45,
}


def compare(rounds: int, times: int, warm_up: int) -> Comparison:
    """Start all contenders, ask each of them `times` times in every round."""
    missing = dict(left_out())
    with ExitStack() as stack:
        started: list[Running] = []
        for contender in contenders():
            if version_of(contender) is None:
                missing.setdefault(contender.package, "is not installed")
                continue
            try:
                started.append(stack.enter_context(running(contender)))
            except CannotStart as problem:
                missing[contender.name] = f"cannot be started: {problem}"
        for each in started:
            _ask(each, each.contender.list, warm_up, _CONNECTIONS)
        by_name = {each.contender.name: each for each in started}

        def measured(sample: Callable[[Running], float]) -> dict[str, float]:
            return medians({name: partial(sample, each) for name, each in by_name.items()}, rounds)

        list_cpu = measured(lambda each: _cpu(each, each.contender.list, times))
        revocation_cpu = measured(lambda each: _cpu(each, each.contender.revocation, times))
        seconds = measured(lambda each: _ask(each, each.contender.list, times // 4, 1) / (times // 4))
        p50 = measured(lambda each: _p50(each, times // 16))
    results = {name: Result(list_cpu[name], revocation_cpu[name], 1 / seconds[name], p50[name]) for name in by_name}
    return Comparison(results, missing, {name: _note(each.contender) for name, each in by_name.items()})


def _note(contender: Contender) -> str:
    package = f"{contender.package} {version_of(contender)}" if contender.package else ""
    return "; ".join(part for part in (package, contender.note) if part)


def _cpu(running: Running, asked: Asked, times: int) -> float:
    before = running.cpu()
    _ask(running, asked, times, _CONNECTIONS)
    return (running.cpu() - before) / times


def _ask(running: Running, asked: Asked, times: int, connections: int) -> float:
    clients = Clients(running.port, connections)
    try:
        return clients.ask(asked.bytes(running.port), times)
    finally:
        clients.close()


def _p50(running: Running, times: int) -> float:
    asked, seconds = running.contender.list, []
    with requests.Session() as session:
        session.trust_env = False
        session.headers.update(asked.headers)
        for _ in range(times):
            began = time.perf_counter()
            response = session.get(f"http://127.0.0.1:{running.port}{asked.target}")
            seconds.append(time.perf_counter() - began)
            assert response.ok
            assert len(response.content) > len(work().listed) // 2
    return median(seconds)
