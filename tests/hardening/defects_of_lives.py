"""Defects in how a server starts and stops."""

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.hardening.planting import Planting, after, by, defect, instead
from tests.hardening.planting_in_server import in_scripts
from tests.serving import test_delivery as delivery
from tests.serving import test_processes as in_processes
from tests.serving import test_start_and_stop as lives
from tiledesk_fake.errors import MisuseError
from tiledesk_fake.serving import server
from tiledesk_fake.serving.binding import bind
from tiledesk_fake.serving.connection import Connection
from tiledesk_fake.serving.loop import Loop
from tiledesk_fake.serving.server import Server
from tiledesk_fake.serving.service import Service


def keeping_a_descriptor(planting: Planting) -> None:
    def keep(_: Server) -> None:
        planting.over.callback(os.close, os.dup(0))

    after(Server, "stop", keep)(planting)


def keeping_a_thread(planting: Planting) -> None:
    done = threading.Event()

    def keep(_: Server) -> None:
        thread = threading.Thread(target=done.wait, daemon=True)
        thread.start()
        planting.over.callback(thread.join)
        planting.over.callback(done.set)

    after(Server, "stop", keep)(planting)


def keeping_its_port(planting: Planting) -> None:
    class Kept(socket.socket):
        def __exit__(self, *_: object) -> None:
            planting.over.callback(self.close)

    planting.patch.setattr(server, "bind", lambda *address: [Kept(fileno=each.detach()) for each in bind(*address)])


def leaving_clients(planting: Planting) -> None:
    left: list[Any] = []

    def cut_off(self: Service) -> None:
        left.extend(client._stream for client in self.open if isinstance(client, Connection))
        self.open.clear()

    planting.patch.setattr(Service, "cut_off", cut_off)
    # Their loop is closed by then, so that they cannot be closed in order.
    planting.over.callback(lambda: [stream._socket.close() for stream in left])


def deaf_until_later(planting: Planting) -> None:
    planting.patch.setattr(socket.socket, "listen", lambda self, backlog: None)


def anywhere(host: str, port: int, *, bind: Any = bind) -> list[socket.socket]:
    listeners: list[socket.socket] = bind("0.0.0.0", port)
    return listeners


def somewhere(host: str, port: int, *, bind: Any = bind) -> list[socket.socket]:
    listeners: list[socket.socket] = bind("127.0.0.1", 0)
    return listeners


def no_second_start(planting: Planting) -> None:
    def start(self: Server, *, start: Any = Server.start) -> None:
        if hasattr(self, "_started"):
            raise MisuseError("it has been started already")
        vars(self)["_started"] = True
        start(self)

    planting.patch.setattr(Server, "start", start)


def start_over(self: Server, *, start: Any = Server.start) -> None:
    self._listening = None
    start(self)


def stop_once(self: Server, *, stop: Any = Server.stop) -> None:
    if not self.listening:
        raise MisuseError("it does not listen")
    stop(self)


def forget_to_stop(self: Server) -> None:
    self._listening = None


def in_the_thread_alone(self: Loop, action: Callable[[], object], *, do: Any = Loop.do) -> None:
    if self.alive:
        do(self, action)


DEFECTS = [
    defect(
        "has a thread each",
        after(Server, "__init__", lambda self: setattr(self, "beside", None)),
        lives.test_a_server_may_share_the_thread_of_another,
    ),
    defect(
        "says that it stops soon",
        instead("tiledesk_fake.serving.server._Listening.end_soon", lambda self: None),
        lives.test_a_server_that_is_to_stop_soon_stops_without_being_waited_for,
    ),
    defect(
        "says that it stops soon where its loop learns of nothing",
        instead("tiledesk_fake.serving.server._Listening.end_soon", lambda self: None),
        lives.test_a_server_stops_soon_where_its_loop_learns_of_no_change_while_it_waits,
    ),
    defect(
        "keeps who connects while it stops",
        after(server._Listening, "end_soon", lambda self: setattr(self, "_ended", False)),
        lives.test_a_client_that_connects_while_its_server_stops_soon_is_not_kept,
    ),
    defect(
        "cannot stop when its thread has ended",
        instead("tiledesk_fake.serving.loop.Loop.do", in_the_thread_alone),
        lives.test_a_server_stops_though_the_one_whose_thread_it_shares_has_stopped_first,
    ),
    defect(
        "keeps a descriptor",
        keeping_a_descriptor,
        by(lives.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "keeps a thread",
        keeping_a_thread,
        by(lives.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=True),
    ),
    defect(
        "stops slowly",
        after(Server, "stop", lambda _: time.sleep(0.3)),
        by(lives.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "leaves clients connected",
        leaving_clients,
        by(lives.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=True),
        lives.test_nothing_is_answered_after_stop,
        delivery.test_a_held_connection_does_not_hold_up_stop,
    ),
    defect(
        "does not stop",
        instead("tiledesk_fake.serving.server.Server.stop", forget_to_stop),
        lives.test_nothing_is_answered_after_stop,
        lives.test_a_fixed_port_is_free_again_after_stop,
        delivery.test_a_held_connection_does_not_hold_up_stop,
        lives.test_the_app_cannot_stop_the_server_it_answers_for,
        by(lives.test_two_hundred_lives_leave_no_descriptor_and_no_thread, dirty=False),
    ),
    defect(
        "says that it listens when it has stopped",
        instead("tiledesk_fake.serving.server.Server.listening", True),
        lives.test_two_threads_may_stop_it_at_once,
        lives.test_stopping_twice_or_before_start_is_fine,
    ),
    defect("listens later", deaf_until_later, lives.test_clients_are_answered_as_soon_as_start_returns),
    defect(
        "takes another address",
        instead("tiledesk_fake.serving.server.bind", somewhere),
        lives.test_a_taken_port_is_refused_at_once_with_what_to_do,
        by(lives.test_an_impossible_address_is_refused, host="192.0.2.1", port=0),
    ),
    defect(
        "listens on all addresses",
        instead("tiledesk_fake.serving.server.bind", anywhere),
        lives.test_it_listens_on_the_given_host_only,
    ),
    defect(
        "starts twice",
        instead("tiledesk_fake.serving.server.Server.start", start_over),
        lives.test_starting_twice_is_misuse,
    ),
    defect(
        "stops once",
        instead("tiledesk_fake.serving.server.Server.stop", stop_once),
        lives.test_stopping_twice_or_before_start_is_fine,
    ),
    defect("starts once", no_second_start, lives.test_a_stopped_server_can_be_started_again),
    defect(
        "makes up a port",
        instead("tiledesk_fake.serving.server.Server.port", 8000),
        lives.test_a_server_that_does_not_listen_has_no_port,
    ),
    defect(
        "does not reuse its address",
        instead("socket.SO_REUSEADDR", socket.SO_KEEPALIVE),
        lives.test_a_fixed_port_is_free_again_after_stop,
    ),
    defect(
        "keeps the port of a start that failed",
        keeping_its_port,
        lives.test_a_start_that_fails_half_way_keeps_no_port,
    ),
    defect(
        "spells IPv6 like IPv4",
        instead("tiledesk_fake.serving.binding.spell", "{}:{}".format),
        lives.test_it_listens_on_ipv6,
    ),
    defect(
        "keeps its sockets in a child",
        in_scripts("server._let_forks_go = lambda: None"),
        in_processes.test_a_forked_child_holds_neither_the_port_nor_a_connection,
    ),
    defect(
        "hooks forks at import",
        in_scripts("server._let_forks_go()"),
        in_processes.test_forks_are_hooked_once_and_not_at_import,
    ),
    defect(
        "has a thread that must end",
        in_scripts("""
real = threading.Thread
server.threading.Thread = lambda **named: real(**named | {"daemon": False})"""),
        in_processes.test_a_running_server_does_not_keep_the_interpreter_from_ending,
    ),
    defect(
        "says what it does",
        in_scripts("""
        turn = loop.Loop._turn
        loop.Loop._turn = lambda self: (print("a turn", file=sys.stderr) if self._timers else None, turn(self))
        """),
        in_processes.test_a_slow_app_makes_no_noise_in_development_mode,
    ),
    defect(
        "changes the process when it is imported",
        in_scripts("import logging; logging.basicConfig()"),
        in_processes.test_importing_it_starts_nothing_and_changes_nothing,
    ),
]
