"""Measures everything and prints it."""

import argparse
import os
import platform
import sys
from dataclasses import dataclass

from .report import Row, bars
from .rows import in_process, per_test, scale, sockets, starting
from .work import work

KINDS = ("in-process", "sockets", "starting", "per-test", "scale")


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    rounds: int
    requests: int
    warm_up: int
    tokens: int


FULL = Effort(rounds=15, requests=1600, warm_up=3200, tokens=1_000_000)
QUICK = Effort(rounds=3, requests=800, warm_up=800, tokens=100_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, good for a first look only")
    parser.add_argument("--only", choices=KINDS, action="append", help="what to measure; everything unless given")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else FULL
    kinds = arguments.only or KINDS

    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs.")
    print(f"The list is {len(work().listed):,} bytes of JSON, the answer to a revocation {len(work().revoked)}.\n")
    rows: list[Row] = []
    comparison = None
    for kind in kinds:
        print(f"# measuring: {kind}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        if kind == "in-process":
            measured = in_process.rows(effort.rounds)
        elif kind == "sockets":
            comparison = sockets.compare(max(3, effort.rounds // 2), effort.requests, effort.warm_up)
            measured = comparison.rows()
        elif kind == "starting":
            measured = starting.rows(2 * effort.rounds)
        elif kind == "per-test":
            measured = per_test.rows(effort.rounds)
        else:
            measured = scale.rows(effort.rounds, effort.tokens)
        for row in measured:
            print(f"#   {row.what}: {row.ratio:.2f} × {row.held}", file=sys.stderr, flush=True)
            rows.append(row)
    print(bars(rows))
    if comparison:
        print(f"\n{comparison.table()}")
        for name, reason in comparison.left_out.items():
            print(f"\nLeft out: {name} {reason}")
