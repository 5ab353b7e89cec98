"""Defects in the control API: in whom it lets in, in what it takes and tells, and in what it keeps apart."""

from collections.abc import Callable
from functools import cache
from typing import Any

from tests.control import test_errors as errors
from tests.control import test_operations as operations
from tests.control import test_security as security
from tests.control import test_waiting as waiting
from tests.control import test_worlds as worlds
from tests.hardening.defects_of_http import host_of_header
from tests.hardening.planting import Made, Plant, Planting, by, defect, instead
from tiledesk_fake.control import description, page, problems, reading, shapes
from tiledesk_fake.control.app import ControlApp
from tiledesk_fake.control.operations import OPERATIONS
from tiledesk_fake.control.problems import Problem
from tiledesk_fake.control.security import Security
from tiledesk_fake.control.waiting import Waiting
from tiledesk_fake.control.worlds import World, Worlds
from tiledesk_fake.web.answer import Answer

_SECURITY = "tiledesk_fake.control.security"


def deaf_to(header: str) -> Plant:
    """Look at no such header, as if it had not been sent."""

    def plant(planting: Planting) -> None:
        check = Security.check

        def checked(self: Security, environ: dict[str, Any], *, open_to_all: bool) -> None:
            check(self, {name: value for name, value in environ.items() if name != header}, open_to_all=open_to_all)

        planting.patch.setattr(Security, "check", checked)

    return plant


def operation(id: str, make: Callable[[Any], Any]) -> Plant:
    """Put what is made of an operation in its place."""
    return lambda planting: planting.patch.setitem(OPERATIONS, id, make(OPERATIONS[id]))


def asking_for_the_token_everywhere(planting: Planting) -> None:
    serve = ControlApp.__call__

    def asked(self: ControlApp, environ: dict[str, Any], start_response: Any) -> Any:
        if "/v3/" in environ["PATH_INFO"]:
            start_response("403 Forbidden", [])
            return []
        return serve(self, environ, start_response)

    planting.patch.setattr(ControlApp, "__call__", asked)


def telling_the_token(self: Security, authorization: str, token: str) -> None:
    raise Problem("control-token", f"expected Authorization: Bearer {token}", headers=[("WWW-Authenticate", "Bearer")])


def comparing_letter_by_letter(self: Security, authorization: str, token: str) -> None:
    if authorization.partition(" ")[2] != token:
        raise Problem("control-token", "no", headers=[("WWW-Authenticate", "Bearer")])


def freezing(show: Any) -> Any:
    def shown(call: Any) -> Any:
        call.world.fake.clock.freeze()
        return show(call)

    return shown


def adding_before_it_judges(add: Any) -> Any:
    def added(call: Any) -> Any:
        call.world.fake.add_user(email="before@example.com")
        return add(call)

    return added


def with_password(of: Any, *, shape: Any = shapes.user) -> Any:
    return shape(of) | {"password": of.password}


def policy_of_trust(*, answer: Any = page.answer) -> Answer:
    real: Answer = answer()
    headers = [(name, "default-src *" if name.endswith("Policy") else value) for name, value in real.headers]
    return Answer(real.status, tuple(headers), real.body)


def any_type(request: Any, route: Any, *, read: Any = reading.body_of) -> Any:
    request.content_type = route.media_types[0] if route.media_types else request.content_type
    return read(request, route)


def silent(problem: Problem, *, answer: Any = problems.answer_to) -> Answer:
    problem.detail = "This cannot be."
    return answer(problem)  # type: ignore[no-any-return]


def looking_at_each_key_again(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if [each for each, _ in pairs].count(name) == 1}


def with_one_fake_for_all(planting: Planting) -> None:
    begin = Worlds.__init__

    def begun(self: Worlds, fake: Any, make: Any, *rest: Any) -> None:
        one = cache(lambda: make(seed=1, secret="s"))
        begin(self, fake, lambda **settings: one(), *rest)

    planting.patch.setattr(Worlds, "__init__", begun)


def the_oldest_goes(self: Worlds, spared: World | None = None) -> None:
    while len(self._worlds) > self.limit:
        name, _ = self._worlds.popitem(last=False)
        self._remember(name, "dropped")


def never_woken(planting: Planting) -> None:
    planting.patch.setattr("tiledesk_fake.control.waiting.Wait._hear", lambda self, number, exchange: None)


def without_end(planting: Planting) -> None:
    begin = Waiting.begin

    def begun(self: Waiting, wait: Any, wait_s: float, environ: Any) -> bool:
        return begin(self, wait, 1e6, environ)

    planting.patch.setattr(Waiting, "begin", begun)


def a_write() -> description.Route:
    return next(route for route in description.routes() if route.id == "reset")


crowd = waiting.test_no_more_than_200_wait_and_they_hold_no_thread_and_keep_nobody_waiting

DEFECTS = [
    defect(
        "answers to whatever Host there is",
        instead(f"{_SECURITY}.Security._knows", lambda self, name: True),
        by(security.test_a_foreign_host_is_refused_at_every_path_and_not_repeated, host="evil.example"),
        security.test_the_authority_of_an_absolute_target_counts,
        security.test_an_allowed_host_is_served_and_no_other,
        security.test_where_it_listens_everywhere_it_is_called_by_any_address_and_by_no_foreign_name,
    ),
    defect(
        "answers to no Host",
        instead(f"{_SECURITY}.Security._knows", lambda self, name: False),
        by(security.test_this_machine_s_own_names_and_addresses_are_served, host="localhost"),
        security.test_a_page_of_this_machine_may_call,
    ),
    defect(
        "reads the Host where an absolute target says another",
        instead("tiledesk_fake.serving.reader._set_target", host_of_header),
        security.test_the_authority_of_an_absolute_target_counts,
    ),
    defect(
        "looks at no Origin",
        deaf_to("HTTP_ORIGIN"),
        by(security.test_a_page_of_another_origin_can_neither_read_nor_write, origin="http://evil.example"),
        security.test_where_it_listens_everywhere_it_is_called_by_any_address_and_by_no_foreign_name,
    ),
    defect(
        "serves what a browser calls cross-site",
        deaf_to("HTTP_SEC_FETCH_SITE"),
        by(security.test_a_request_of_another_site_is_refused_whatever_it_is, route=Made(a_write)),
    ),
    defect(
        "lets every origin in",
        instead("tiledesk_fake.control.api._HEADERS", (("Access-Control-Allow-Origin", "*"),)),
        security.test_no_origin_is_ever_told_that_it_may,
    ),
    defect(
        "lets others reach it without a token",
        instead(f"{_SECURITY}.is_loopback", lambda host: True),
        by(security.test_where_others_can_reach_it_a_token_is_needed, host="0.0.0.0"),
    ),
    defect(
        "asks for no token",
        instead(f"{_SECURITY}.Security._check_token", lambda self, authorization, token: None),
        by(security.test_nothing_but_health_and_the_page_is_open_without_the_token, given=None),
    ),
    defect(
        "takes the beginning of the token",
        instead(f"{_SECURITY}.compare_digest", lambda given, token: token.startswith(given)),
        by(security.test_nothing_but_health_and_the_page_is_open_without_the_token, given="Bearer s3cr3t-toke"),
    ),
    defect(
        "takes no token",
        instead(f"{_SECURITY}.compare_digest", lambda given, token: False),
        security.test_with_the_token_everything_is,
    ),
    defect(
        "asks for the token at the API too",
        asking_for_the_token_everywhere,
        security.test_the_api_itself_asks_for_no_token,
    ),
    defect(
        "tells the token",
        instead(f"{_SECURITY}.Security._check_token", telling_the_token),
        security.test_the_token_is_in_no_answer_log_or_repr,
    ),
    defect(
        "compares the token letter by letter",
        instead(f"{_SECURITY}.Security._check_token", comparing_letter_by_letter),
        security.test_the_token_is_compared_in_constant_time,
    ),
    defect(
        "takes what a form sends for JSON",
        instead("tiledesk_fake.control.api.body_of", any_type),
        *(
            by(errors.test_what_is_not_called_json_is_refused_also_without_a_body, content_type=type, body=b"")
            for type in ("", "text/plain")
        ),
    ),
    defect(
        "changes something at a GET",
        operation("showClock", freezing),
        operations.test_head_is_get_without_a_body_and_get_changes_nothing,
    ),
    defect(
        "has a page that may load anything",
        instead("tiledesk_fake.control.page.answer", policy_of_trust),
        operations.test_the_page_is_one_file_that_may_load_nothing,
    ),
    defect(
        "tells passwords",
        instead("tiledesk_fake.control.shapes.user", with_password),
        operations.test_the_password_of_a_user_is_never_told,
    ),
    defect(
        "does not say what to write",
        instead("tiledesk_fake.control.problems.answer_to", silent),
        by(errors.test_what_cannot_be_is_a_problem_that_says_what_to_write_and_changes_nothing, wrong=errors.WRONG[0]),
        by(errors.test_yaml_that_is_no_scenario_is_a_problem, text="users: [", words="scenario"),
    ),
    defect(
        "adds before it judges",
        operation("addUser", adding_before_it_judges),
        by(errors.test_what_cannot_be_is_a_problem_that_says_what_to_write_and_changes_nothing, wrong=errors.WRONG[2]),
    ),
    defect(
        "fails where YAML nests too deep",
        instead("tiledesk_fake.control.reading.nests_too_deep", lambda text: False),
        by(errors.test_yaml_that_is_no_scenario_is_a_problem, text="[" * 5_000, words="nests at most 100 levels"),
    ),
    defect(
        "allows fewer claims than it says",
        instead("tiledesk_fake.scenario._MOST_CLAIMED", 3),
        errors.test_claims_that_say_a_lot_by_aliases_are_refused_at_once,
    ),
    defect(
        "looks at each key once for each key",
        instead("tiledesk_fake.control.reading._object", looking_at_each_key_again),
        errors.test_twenty_thousand_keys_cost_little,
    ),
    defect(
        "has one fake for all worlds",
        with_one_fake_for_all,
        worlds.test_nothing_crosses_between_worlds,
    ),
    defect(
        "has no limit of worlds",
        instead("tiledesk_fake.control.worlds.Worlds._make_room", lambda self, spared=None: None),
        worlds.test_past_the_limit_the_one_idle_longest_goes_and_its_next_call_begins_a_new_one_that_says_so,
    ),
    defect(
        "drops the oldest world, whatever it holds",
        instead("tiledesk_fake.control.worlds.Worlds._make_room", the_oldest_goes),
        worlds.test_calls_of_new_names_never_drop_a_world_that_has_users,
    ),
    defect(
        "keeps snapshots without end",
        instead("tiledesk_fake.control.worlds.MOST_SNAPSHOTS", 10_000),
        operations.test_snapshots_are_restored_also_after_a_reset_and_the_last_hundred_are_kept,
    ),
    defect("lets any number wait", instead("tiledesk_fake.control.waiting.MOST_WAITING", 10_000), crowd),
    defect("never wakes who waits", never_woken, waiting.test_the_answer_comes_with_the_call),
    defect("waits without end", without_end, waiting.test_when_the_time_is_up_it_comes_with_what_there_is),
]
