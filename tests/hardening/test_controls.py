"""Controls: each test here and of the server fails where there is the defect that it is there to find."""

import importlib
import inspect
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.control.conftest import control  # noqa: F401 - as a fixture
from tests.control.test_security import guarded  # noqa: F401 - as a fixture
from tests.hardening import (
    defects_of_asking,
    defects_of_binding,
    defects_of_control,
    defects_of_delivery,
    defects_of_fake,
    defects_of_http,
    defects_of_intercept,
    defects_of_limits,
    defects_of_lives,
    defects_of_rejections,
)
from tests.hardening.planting import Defect, Finding, Made, Planting
from tests.hardening.test_promises import named_in
from tests.serving.conftest import app, client, hurried, logged, neighbour, noting, refused, serve  # noqa: F401 - as fixtures
from tiledesk_fake.serving import server

# A test that fails because of these was called wrongly, and proves nothing.
MISTAKES = (TypeError, AttributeError, NameError, ImportError)

CATALOGUES = (
    defects_of_lives,
    defects_of_binding,
    defects_of_http,
    defects_of_asking,
    defects_of_delivery,
    defects_of_limits,
    defects_of_rejections,
    defects_of_fake,
    defects_of_control,
    defects_of_intercept,
)
DEFECTS = [defect for catalogue in CATALOGUES for defect in catalogue.DEFECTS]
CONTROLS = [
    pytest.param(defect, finding, id=f"{defect.what}-{finding.test.__name__}")
    for defect in DEFECTS
    for finding in defect.found_by
]


def plant(defect: Defect, planting: Planting) -> None:
    end_what_is_left_behind(planting)
    planting.patch.setattr("tests.raw_http.PATIENCE_S", defect.patience_s)
    planting.patch.setattr("tests.control.callers.PATIENCE_S", 10 * defect.patience_s)
    planting.patch.setattr("tests.control.test_waiting.PATIENCE_S", defect.patience_s)
    planting.patch.setattr("tests.serving.test_start_and_stop.PATIENCE_S", defect.patience_s)
    planting.patch.setattr("tests.serving.test_processes.PATIENCE_S", defect.patience_s)
    planting.patch.setattr("tests.serving.test_start_and_stop.LIVES", 1)
    # On a busy machine, a process that spins takes a while to spend what is too much.
    planting.patch.setattr("tests.serving.test_processes.WATCHED_S", 5.0)
    defect.plant(planting)


def end_what_is_left_behind(planting: Planting) -> None:
    """In the end, end every server that a defect has kept from ending."""
    init = server._Listening.__init__

    def noted(self: server._Listening, *arguments: Any, **named: Any) -> None:
        init(self, *arguments, **named)
        planting.over.callback(self.end)

    planting.patch.setattr(server._Listening, "__init__", noted)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("defect", "finding"), CONTROLS)
def test_a_defect_is_found(request: pytest.FixtureRequest, defect: Defect, finding: Finding) -> None:
    with ExitStack() as over, pytest.MonkeyPatch.context() as patch:
        plant(defect, Planting(patch, over))
        given = {name: made.make() if isinstance(made, Made) else made for name, made in finding.arguments.items()}
        for name in inspect.signature(finding.test).parameters:
            if name not in given:
                given[name] = request.getfixturevalue(name)
        try:
            finding.test(**given)
        except MISTAKES:
            raise
        except (Exception, pytest.fail.Exception):
            return
    pytest.fail(f"passes with a server that {defect.what}")


# --- no test without a control -----------------------------------------------------------------------------------

# Tests that are controls, or judge what the others judge by.
JUDGES = {
    "test_controls.test_a_defect_is_found",
    "test_controls.test_every_test_has_a_control",
    "test_controls.test_every_promise_of_the_control_api_and_of_intercept_has_a_control",
    "test_concurrency.test_the_checker_refuses_what_cannot_have_happened",
    "test_concurrency.test_the_checker_accepts_what_can_have_happened_in_one_order_only",
    "test_concurrency.test_the_checker_agrees_with_trying_all_orders",
    "test_concurrency.test_what_takes_too_long_to_decide_is_a_failure",
    "test_forgery.test_a_right_signature_over_other_parts_is_what_it_says",
    "test_hostile_input.test_mutations_find_a_server_that_says_them_again",
    "test_secrets.test_a_secret_on_the_command_line_is_seen_by_everybody",
    "test_promises.test_every_promise_names_its_tests",
    "test_promises.test_every_promise_of_the_clients_names_its_tests",
    "test_promises.test_every_promise_of_every_section_names_its_tests",
    "test_promises.test_every_module_of_these_tests_is_named",
}
# Tests whose defects have a catalogue of their own.
ELSEWHERE = {
    "test_concurrency.test_clients_in_threads_of_one_app_are_served_in_some_order": "test_a_planted_race_is_found",
    "test_concurrency.test_without_resets_long_histories_are_served_in_some_order": "test_a_planted_race_is_found",
    "test_concurrency.test_a_delayed_answer_keeps_nobody_else_waiting_without_a_server_either": (
        "test_a_delay_under_the_lock_is_found"
    ),
    "test_forgery.test_more_than_200_forgeries_are_refused_and_do_nothing": "test_a_lenient_gate_is_found",
    "test_hostile_input.test_hostile_requests_get_one_clean_answer_each": "test_a_defect_is_found",
    "test_hostile_input.test_mutated_requests_get_clean_answers_that_tell_nothing": (
        "test_mutations_find_a_server_that_says_them_again"
    ),
    "test_hostile_input.test_hostile_requests_leave_no_secret_and_no_escape_sequence_in_the_journal": (
        "test_a_journal_that_tells_a_secret_is_found"
    ),
    "test_memory.test_requests_of_8_kb_do_not_fill_the_memory": "test_what_is_remembered_too_long_is_found",
    "test_no_surprises.test_hostile_clients_make_it_connect_run_and_write_nothing": (
        "test_a_fake_that_reaches_out_is_found"
    ),
    "test_promises.test_every_test_that_is_named_exists": "test_a_test_that_does_not_exist_is_found",
    "test_secrets.test_planted_secrets_come_out_nowhere": "test_a_secret_that_is_not_redacted_is_found",
    "test_secrets.test_an_exception_is_logged_without_what_was_sent": "test_a_log_that_tells_the_request_is_found",
    "test_secrets.test_an_error_tells_no_secret": "test_an_error_that_tells_a_secret_is_found",
}

# Tests that have controls where a promise names them, see below.
PROMISED_ELSEWHERE = ("tests.control.", "tests.tls.")


def all_tests() -> set[str]:
    """Those here and of the server, as `module.name`; what the loop does by itself, a server that works shows."""
    folders = [Path(__file__).parent, Path(__file__).parents[1] / "serving"]
    files = [file for folder in folders for file in folder.glob("test_*.py") if file.stem != "test_loop"]
    modules = [f"tests.{file.parent.name}.{file.stem}" for file in files]
    return {
        f"{module.removeprefix('tests.hardening.')}.{name}"
        for module in modules
        for name in vars(importlib.import_module(module))
        if name.startswith("test_")
    }


def test_every_test_has_a_control() -> None:
    tests = all_tests()
    controlled = {
        f"{finding.test.__module__.removeprefix('tests.hardening.')}.{finding.test.__name__}"
        for defect in DEFECTS
        for finding in defect.found_by
        if not finding.test.__module__.startswith(PROMISED_ELSEWHERE)
    }
    controls = {f"{test.partition('.')[0]}.{by}" for test, by in ELSEWHERE.items()}

    assert tests >= controls
    assert tests == {
        *controlled,
        *JUDGES,
        *ELSEWHERE,
        *(test for test in tests if test.endswith("_is_found")),
    }


# What these find is told from what they find without `intercept`: tests/tls/test_namespace.py.
OF_THE_NAMESPACE = {
    "tests.tls.test_namespace.test_inside_clients_reach_the_fake_and_nobody_else_hears_of_it",
    "tests.tls.test_namespace.test_who_cannot_be_led_is_refused_with_an_explanation_and_nobody_hears_a_byte",
    "tests.tls.test_namespace.test_where_the_network_is_blocked_nobody_hears_of_anybody",
}


def test_every_promise_of_the_control_api_and_of_intercept_has_a_control() -> None:
    promised = named_in("## What the control API of `serve` promises") | named_in("**`intercept` changes")
    controlled = {
        f"{finding.test.__module__}.{finding.test.__name__}" for defect in DEFECTS for finding in defect.found_by
    }

    assert len(promised) > 25
    assert promised - OF_THE_NAMESPACE <= controlled
    assert promised >= OF_THE_NAMESPACE
