"""Defects in what the server answers by itself, and in whom it tells of that."""

from typing import Any

from tests.hardening.planting import by, defect, instead
from tests.serving import test_rejections as rejections
from tiledesk_fake.serving.gateway import outgoing
from tiledesk_fake.serving.rejection import Rejection
from tiledesk_fake.serving.service import Service

OWN_WORDS = outgoing("418 I am a teapot", [], b"short and stout", "GET")


def telling_nobody(self: Service, rejection: Rejection, peer: str) -> bytes:
    return self.seal(self.gateway.rejecting(rejection))


def trusting(self: Service, rejection: Rejection, peer: str) -> bytes:
    if self._on_refused:
        self._on_refused(rejection.reason, rejection.status, peer)
    return self.seal(self.gateway.rejecting(rejection))


def telling_of_all(self: Service, answer: Any, request: Any = None, *, seal: Any = Service.seal) -> bytes:
    if self._on_refused:
        self._on_refused("answered", 200, "a client")
    return bytes(seal(self, answer, request))


DEFECTS = [
    defect(
        "says what it likes",
        instead("tiledesk_fake.serving.gateway.Gateway.rejecting", lambda self, rejection, method="GET": OWN_WORDS),
        *(
            by(rejections.test_a_rejection_has_the_body_that_the_owner_gives_for_its_status, status=status)
            for status in (400, 500)
        ),
        by(rejections.test_a_rejection_without_a_body_has_none, status=431),
        rejections.test_a_fake_rejects_a_body_that_is_too_large_as_the_real_server_does,
        rejections.test_a_fake_that_breaks_says_so_in_the_shape_of_other_failures,
    ),
    defect(
        "tells nobody what it refuses",
        instead("tiledesk_fake.serving.service.Service.refuse", telling_nobody),
        *(
            by(rejections.test_the_owner_and_the_log_are_told_what_is_refused_and_why, case=case)
            for case in ("not HTTP", "slow")
        ),
        rejections.test_one_connection_too_many_is_told_as_a_warning,
        rejections.test_the_owner_of_a_fake_is_told_too,
    ),
    defect(
        "fails with its owner",
        instead("tiledesk_fake.serving.service.Service.refuse", trusting),
        rejections.test_an_owner_that_fails_costs_nobody_an_answer,
    ),
    defect(
        "takes every answer for a refusal",
        instead("tiledesk_fake.serving.service.Service.seal", telling_of_all),
        rejections.test_what_reaches_the_app_is_not_refused,
    ),
]
