"""Whether a recorded concurrent history could have happened one operation after the other.

The search of Wing and Gong: take as the next operation any that began before all others ended, as long as a sequential
model gives it the result that was recorded; go back where none is left. What was tried in vain is remembered, as Lowe
does: the same operations done, in the same state, lead to the same end.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

State = TypeVar("State", bound=Hashable)
Call = TypeVar("Call")


@dataclass(frozen=True)
class Done(Generic[Call]):
    """An operation that was called at `began` and had returned `result` at `ended`."""

    call: Call
    result: object
    began: int
    ended: int


class Undecided(AssertionError):
    """The search was given up; that counts as a failure, too."""


def is_linearizable(
    history: Sequence[Done[Call]],
    initial: State,
    step: Callable[[State, Call], tuple[State, object]],
    *,
    most_states: int = 200_000,
) -> bool:
    """Whether some order of the operations, each between its begin and end, makes the model give all results.

    `step` is the model: a state and a call make the next state and the result. Raises Undecided where that takes more
    than `most_states` states to find out.
    """
    operations = sorted(history, key=lambda done: done.began)
    all_done = (1 << len(operations)) - 1

    tried: set[tuple[int, State]] = set()
    waiting: list[tuple[int, State]] = [(0, initial)]
    while waiting:
        done, state = waiting.pop()
        if done == all_done:
            return True
        for number in reversed(_candidates(operations, done)):
            operation = operations[number]
            after, result = step(state, operation.call)
            reached = (done | 1 << number, after)
            if result == operation.result and reached not in tried:
                tried.add(reached)
                waiting.append(reached)
        if len(tried) > most_states:
            raise Undecided(f"not decided after {most_states} states")
    return False


def _candidates(operations: Sequence[Done[Any]], done: int) -> list[int]:
    """The operations, by number, that are not done and began before any other such one ended."""
    candidates: list[int] = []
    earliest_end = None
    for number in range((~done & (done + 1)).bit_length() - 1, len(operations)):
        operation = operations[number]
        if done >> number & 1:
            continue
        if earliest_end is not None and operation.began > earliest_end:
            break
        candidates.append(number)
        earliest_end = operation.ended if earliest_end is None else min(earliest_end, operation.ended)
    # One that began before an operation was looked at that ended earlier still.
    return [number for number in candidates if earliest_end is not None and operations[number].began <= earliest_end]
