"""Defects of the fake and of the command that serves it, each with the tests that must fail because of it.

Races, lenient gates, leaks of memory and of secrets have catalogues of their own, beside the tests that find them.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from tests.hardening import (
    test_concurrency,
    test_forgery,
    test_hostile_input,
    test_lifecycle,
    test_limits,
    test_no_surprises,
    test_secrets,
)
from tests.hardening.defects_of_limits import stretched, waiting_in_turn
from tests.hardening.planting import Made, Plant, Planting, by, defect, instead, runs_by_itself
from tests.hardening.served import SIGNING_SECRET, Served, serving
from tiledesk_fake.core import history
from tiledesk_fake.gate import jwt as tokens
from tiledesk_fake.handles import UsersByEmail
from tiledesk_fake.serving.connection import Connection
from tiledesk_fake.serving.limits import Limits

limits = Made(test_limits.new_fake)
lists = test_limits.BRACKETS[0]


def constant(module: str, name: str, value: object) -> Plant:
    return instead(f"tiledesk_fake.{module}.{name}", value)


def serving_so(
    arguments: tuple[str, ...],
    before: str,
    directory: Path,
    environment: Mapping[str, str] | None = None,
    quiet: bool = True,
) -> AbstractContextManager[Served]:
    return serving(directory, *arguments, before=before, environment=environment, quiet=quiet)


def served(module: Any, *arguments: str, before: str = "") -> Plant:
    """Let a module serve a command with this defect, or with these arguments."""

    def plant(planting: Planting) -> None:
        planting.patch.setattr(module, "serving", partial(serving_so, arguments, runs_by_itself(before)))
        planting.patch.setattr(test_lifecycle, "ENDS_WITHIN_S", 0.5)
        planting.patch.setattr(test_lifecycle, "WATCHED_S", 5.0)

    return plant


def losing_answers(planting: Planting) -> None:
    deliver = Connection._deliver
    answers = iter(range(10**9))

    def lossy(self: Connection, *arguments: Any) -> None:
        if next(answers) == 30:
            self._close()
        else:
            deliver(self, *arguments)

    planting.patch.setattr(Connection, "_deliver", lossy)


def looked_through_slowly(self: UsersByEmail) -> Iterator[str]:
    held = self._state.users
    for number, user in enumerate(held):
        until = time.monotonic() + 0.5 * (number == 0)
        before = len(held)
        while len(held) == before and time.monotonic() < until:
            time.sleep(0)
        yield user.email


def a_stricter_gate(planting: Planting) -> None:
    decode = tokens.decode
    planting.patch.setattr(tokens, "decode", lambda token, secret: None if len(token) > 400 else decode(token, secret))


def meddling_when_collected(planting: Planting) -> None:
    code = "if not any('no:tiledesk_fake' in each for each in sys.argv): os.environ['AWS_SECRET'] = 'fake'\n"
    planting.patch.setattr(test_no_surprises, "COLLECT", code + test_no_surprises.COLLECT)


def meddling_when_imported(planting: Planting) -> None:
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    planting.patch.setattr(test_no_surprises, "IMPORT_EVERYTHING", test_no_surprises.IMPORT_EVERYTHING + code)


def in_turn(planting: Planting) -> None:
    waiting_in_turn(planting)
    planting.patch.setattr(test_lifecycle, "TRIES", 1)
    planting.patch.setattr(test_lifecycle, "CLIENTS", 2)


def without_end(planting: Planting) -> None:
    instead("tiledesk_fake.serving.connection.Connection._await_request", stretched)(planting)
    planting.patch.setattr(test_lifecycle, "CUT_OFF_WITHIN_S", 0.8)


DEFECTS = [
    defect(
        "waits for each client in turn",
        in_turn,
        by(
            test_lifecycle.test_a_client_is_served_while_64_others_are_stalled,
            fake=Made(test_lifecycle.new_fake),
            stall=test_lifecycle.HEAD,
        ),
    ),
    defect(
        "starts again with each byte",
        without_end,
        by(test_lifecycle.test_a_head_that_trickles_in_is_a_408, fake=Made(test_lifecycle.new_fake)),
        patience_s=1.0,
    ),
    defect(
        "waits for its clients in the end",
        served(
            test_lifecycle,
            before="import tiledesk_fake.serving.connection as http1; http1.Service.cut_off = lambda _: None",
        ),
        by(test_lifecycle.test_a_signal_ends_the_command_though_32_clients_are_connected, number=15),
    ),
    defect(
        "dies of the signal",
        served(test_lifecycle, before="import signal; signal.signal = lambda *_: None"),
        by(test_lifecycle.test_a_signal_ends_the_command_though_32_clients_are_connected, number=15),
    ),
    defect(
        "is deaf to signals",
        served(
            test_lifecycle,
            before="import signal; real = signal.signal; signal.signal = lambda n, _: real(n, signal.SIG_IGN)",
        ),
        test_lifecycle.test_a_second_interrupt_does_not_keep_the_command_from_ending,
    ),
    defect(
        "listens on all addresses",
        served(
            test_lifecycle,
            before="from tiledesk_fake.serving import server as s; b = s.bind; s.bind = lambda _, p: b('0.0.0.0', p)",
        ),
        test_lifecycle.test_the_command_listens_on_this_machine_only,
    ),
    defect(
        "looks at its idle clients all the time",
        served(test_lifecycle, before="import tiledesk_fake.serving.loop as loop; loop.Loop.GUARD_EVERY_S = 0"),
        test_lifecycle.test_idle_clients_cost_next_to_nothing,
    ),
    defect(
        "lets browsers send credentials",
        instead("tiledesk_fake.web.road._FROM_ANYWHERE", ("Access-Control-Allow-Credentials", "true")),
        by(
            test_hostile_input.test_every_origin_is_told_the_same_and_none_may_send_credentials,
            origin="null",
            method="GET",
        ),
    ),
    defect(
        "is debugged where Flask is",
        served(
            test_hostile_input,
            before="import os, tiledesk_fake.contract.parameters as p\n"
            "if os.environ.get('FLASK_DEBUG'): p.Parameters.value = lambda *_: 1 // 0",
        ),
        test_hostile_input.test_development_mode_of_flask_changes_nothing,
    ),
    defect(
        "loses an answer",
        losing_answers,
        by(test_concurrency.test_clients_over_sockets_are_served_in_some_order, seed=0),
    ),
    defect(
        "looks through its users while others are added",
        instead("tiledesk_fake.handles.UsersByEmail.__iter__", looked_through_slowly),
        test_concurrency.test_users_can_be_looked_through_while_others_are_added,
    ),
    defect(
        "refuses what the real gate lets in",
        a_stricter_gate,
        by(test_forgery.test_what_they_are_made_of_is_let_in, fake=Made(test_forgery.new_fake)),
    ),
    defect(
        "takes unsigned tokens",
        constant("gate.jwt", "ALGORITHMS", {**tokens.ALGORITHMS, "none": ""}),
        test_forgery.test_the_algorithms_are_these_three,
    ),
    defect(
        "reads heads of any size",
        instead("tiledesk_fake.serving.server.Limits", partial(Limits, head_bytes=10**7)),
        test_forgery.test_a_token_that_no_head_can_carry_is_refused_unread,
    ),
    *(
        defect(
            f"lets JSON nest {deepest} levels",
            constant("gate.nesting", "DEEPEST", deepest),
            by(test_limits.test_json_may_nest_100_levels_and_no_more, fake=limits, brackets=lists),
            by(test_limits.test_claims_may_nest_100_levels_and_no_more, fake=limits, brackets=lists),
            by(test_limits.test_a_token_that_others_made_may_nest_100_levels_and_no_more, fake=limits),
        )
        for deepest in (99, 101)
    ),
    defect(
        "counts all brackets of one kind",
        constant("gate.nesting", "nests_too_deep", lambda text: text.count("[") > 100),
        by(test_limits.test_only_what_is_nested_counts, text="[" + "[]," * 200 + "[]]"),
        by(test_limits.test_text_that_is_no_json_is_measured_all_the_same, text="[{" * 51),
    ),
    defect(
        "counts brackets of one kind in bodies",
        constant("web.body", "nests_too_deep", lambda text: text.count("[") > 100),
        by(test_limits.test_json_may_nest_100_levels_and_no_more, fake=limits, brackets=test_limits.BRACKETS[1]),
    ),
    defect(
        "keeps another number of exchanges",
        constant("core.journal", "MOST_EXCHANGES", 1_001),
        by(test_limits.test_the_journal_holds_1000_exchanges_and_no_more, fake=limits),
    ),
    defect(
        "keeps all long exchanges",
        constant("core.journal", "MOST_BYTES", 10**9),
        by(test_limits.test_the_journal_holds_no_more_than_4_mebibytes_of_long_exchanges, fake=limits),
    ),
    *(
        defect(
            f"keeps {most} violations",
            constant("core.journal", "MOST_VIOLATIONS", most),
            by(test_limits.test_the_journal_holds_the_first_100_violations_and_no_more, fake=limits),
        )
        for most in (99, 101)
    ),
    *(
        defect(
            f"holds {most} users",
            constant("core.users", "MOST_USERS", most),
            test_limits.test_a_fake_may_have_100000_users_and_no_more,
            test_limits.test_the_documented_limits_are_those_of_the_code,
        )
        for most in (99_999, 100_001)
    ),
    defect(
        "holds any number of tokens",
        constant("core.history", "MOST_TOKENS", 10**9),
        test_limits.test_the_documented_limits_are_those_of_the_code,
    ),
    defect(
        "looks at no limit of its history",
        # Not by the constant, which the tests set themselves.
        lambda planting: planting.patch.setattr(history, "len", lambda _: 0, raising=False),
        test_limits.test_a_fake_may_have_as_many_tokens_as_the_limit_and_no_more,
        test_limits.test_scenarios_that_add_up_to_more_than_a_fake_holds_are_refused_whole,
    ),
    defect(
        "makes what a scenario says before it counts",
        constant("scenario", "_check_size", lambda _: None),
        by(
            test_limits.test_a_scenario_may_hold_as_much_as_a_fake_and_no_more,
            within=test_limits.scenario_of(3, 0),
            beyond=test_limits.scenario_of(4, 0),
        ),
    ),
    defect(
        "holds few tokens",
        constant("core.history", "MOST_TOKENS", 10_000),
        test_limits.test_a_user_may_have_tens_of_thousands_of_tokens,
        test_limits.test_a_small_file_that_asks_for_a_lot_is_refused_at_once,
    ),
    defect(
        "meddles when it is collected",
        meddling_when_collected,
        test_no_surprises.test_collecting_tests_changes_nothing_and_imports_nothing_but_the_plugin,
    ),
    defect(
        "meddles when it is imported",
        meddling_when_imported,
        test_no_surprises.test_importing_every_module_changes_nothing_of_the_process,
    ),
    defect(
        "is told its secret where everybody sees it",
        served(test_secrets, "--secret", SIGNING_SECRET),
        test_secrets.test_the_command_tells_neither_password_nor_secret,
    ),
]
