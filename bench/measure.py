"""Interleaved rounds and their medians."""

import gc
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import psutil


def medians(samplers: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of what each sampler measures, over so many rounds of one sample each.

    In turns, so that what else the machine does meets all of them alike; every other round backwards, so that none
    always follows the same one.
    """
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    names = list(samplers)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            samples[name].append(samplers[name]())
    return {name: median(measured) for name, measured in samples.items()}


def cpu_of(action: Callable[[], object], times: int) -> float:
    """The CPU seconds of this thread for one such action."""
    # Not the oldest generation: with a million tokens in it that would take longer than what is measured.
    gc.collect(1)
    before = time.thread_time()
    for _ in range(times):
        action()
    return (time.thread_time() - before) / times


def cpu_of_process(process: psutil.Process) -> float:
    """The CPU seconds that a process and those it has started have used so far."""
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        times = each.cpu_times()
        total += times.user + times.system
    return total


def cpu_of_command(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """The CPU seconds of a command from its start to its end; RuntimeError, with its output, if it fails."""
    process = subprocess.Popen(
        command,
        env=None if environment is None else {**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    with process.stdout as stdout:
        output = stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {output.decode()}")
    return usage.ru_utime + usage.ru_stime
