"""Defects in how apps are asked that take long, or wait."""

import threading
import time
from typing import Any

from tests.hardening.defects_of_http import the_last_first
from tests.hardening.defects_of_lives import leaving_clients
from tests.hardening.planting import Planting, by, defect, instead
from tests.hardening.planting_in_server import never
from tests.serving import test_asking as asking
from tiledesk_fake.serving.asking import Asking


def stand_still(self: Any) -> None:
    time.sleep(1.0)


def waiting_too_long(planting: Planting) -> None:
    take = Asking._take

    def taken(self: Asking, answer: Any) -> bool:
        self.wish.wait_s *= 100
        return take(self, answer)

    planting.patch.setattr(Asking, "_take", taken)


def a_thread_for_each(planting: Planting) -> None:
    begin, over = Asking.begin, threading.Event()

    def begun(self: Asking) -> bool:
        threading.Thread(target=over.wait, daemon=True).start()
        return begin(self)

    planting.patch.setattr(Asking, "begin", begun)
    planting.over.callback(over.set)


DEFECTS = [
    defect(
        "asks every app in its own thread",
        instead("tiledesk_fake.serving.gateway.Gateway.blocks", False),
        asking.test_an_app_that_takes_long_keeps_nobody_waiting,
    ),
    defect(
        "asks every app in another thread",
        instead("tiledesk_fake.serving.gateway.Gateway.blocks", True),
        asking.test_an_app_that_does_not_block_is_called_in_the_thread_of_the_server,
    ),
    defect(
        "asks for the last request first",
        the_last_first,
        asking.test_requests_of_one_connection_are_answered_in_their_order,
    ),
    defect(
        "stands still with the first app that took long",
        instead("tiledesk_fake.serving.connection.Connection._answered", stand_still),
        asking.test_a_client_that_leaves_an_app_that_takes_long_is_forgotten,
    ),
    defect(
        "loses what a thread answers",
        instead("tiledesk_fake.serving.asking.Asking._ask_in_thread", never),
        by(asking.test_what_goes_wrong_in_a_thread_is_as_it_is_elsewhere, path="/broken"),
    ),
    defect(
        "leaves whom an app lets wait",
        leaving_clients,
        asking.test_a_server_stops_while_an_app_takes_long,
    ),
    defect(
        "wakes nobody",
        instead("tiledesk_fake.serving.asking.Asking._wake", never),
        by(asking.test_an_app_that_waits_is_asked_again_when_it_is_woken, blocks=False),
        by(asking.test_who_is_woken_before_it_waits_is_asked_again_at_once, blocks=True),
    ),
    defect(
        "waits too long",
        waiting_too_long,
        by(asking.test_an_app_that_waits_is_asked_again_when_its_time_is_over, blocks=False),
    ),
    defect(
        "does not say that a client is gone",
        instead("tiledesk_fake.serving.asking.Asking.give_up", never),
        asking.test_an_app_that_waits_is_told_when_its_client_is_gone,
    ),
    defect("has a thread for each that waits", a_thread_for_each, asking.test_apps_that_wait_hold_no_thread),
]
