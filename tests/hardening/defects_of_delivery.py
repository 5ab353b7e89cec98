"""Defects in how an answer is delivered."""

import time

from tests.hardening.planting import by, defect, instead
from tests.hardening.planting_in_server import conduct
from tests.serving import test_delivery as delivery
from tiledesk_fake.serving.connection import Connection, State
from tiledesk_fake.serving.delivery import KEY, Delivery
from tiledesk_fake.serving.reader import Incoming


def blocking(self: Connection, request: Incoming) -> None:
    wish = request.environ[KEY] = Delivery()
    answer = self._service.gateway(request.environ)
    time.sleep(wish.delay_s)
    if answer:
        self._deliver(request, answer, wish.drop)


DEFECTS = [
    defect(
        "waits with everybody",
        instead("tiledesk_fake.serving.connection.Connection._answer", blocking),
        delivery.test_a_delayed_answer_keeps_nobody_else_waiting,
        patience_s=0.7,
    ),
    defect(
        "has deadlines for its own delays",
        conduct(State.DELAYING, State.HOLDING, limit="request_s", on_deadline=Connection._close),
        delivery.test_a_delayed_answer_outlasts_all_deadlines,
        by(delivery.test_silence_is_held_past_all_deadlines_until_the_client_gives_up, silent="silence"),
        patience_s=1.5,
    ),
    defect(
        "closes where it should reset",
        instead("tiledesk_fake.serving.connection.Connection._reset", Connection._close),
        delivery.test_before_answer_resets_without_a_byte,
        by(delivery.test_mid_body_sends_half_of_the_announced_body_and_resets, size=10),
        delivery.test_mid_body_cuts_the_head_where_there_is_no_body,
    ),
    defect(
        "is not malformed on purpose",
        instead("tiledesk_fake.serving.connection.NOT_HTTP", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        delivery.test_malformed_is_not_http_and_closes,
    ),
]
