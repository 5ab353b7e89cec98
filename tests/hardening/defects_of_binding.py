"""Defects in where a server listens."""

import errno
import socket
from typing import Any

from tests.hardening.planting import Plant, Planting, by, defect, instead
from tests.serving import test_binding as binding_tests
from tiledesk_fake.serving import binding


def at_the_first_address(host: str, *, addresses: Any = binding._addresses) -> list[Any]:
    return addresses(host)[:1]  # type: ignore[no-any-return]


def not_here(*numbers: int) -> Plant:
    """Take these errors, and no others, for an address that the machine does not have."""

    def plant(planting: Planting) -> None:
        bind = binding.bind

        def closed_in_the_end(host: str, port: int) -> list[socket.socket]:
            listeners = bind(host, port)
            for listener in listeners:
                planting.over.callback(listener.close)
            return listeners

        planting.patch.setattr(binding, "bind", closed_in_the_end)
        planting.patch.setattr(binding, "_NOT_HERE", numbers)

    return plant


def keeping_the_first(planting: Planting) -> None:
    def bind_all(addresses: list[Any], port: int) -> list[socket.socket]:
        listeners = []
        for kind, address in addresses:
            listeners.append(binding._listen(kind, (address[0], port)))
            planting.over.callback(listeners[-1].close)
        return listeners

    planting.patch.setattr(binding, "_bind_all", bind_all)


DEFECTS = [
    defect(
        "listens at one address",
        instead("tiledesk_fake.serving.binding._addresses", at_the_first_address),
        by(binding_tests.test_localhost_is_both_loopback_addresses, name="localhost"),
        binding_tests.test_the_url_of_a_fake_at_localhost_works_for_clients_that_take_it_for_one_of_both,
        binding_tests.test_a_name_is_all_its_addresses,
    ),
    defect(
        "passes over addresses that are taken",
        not_here(errno.EADDRINUSE),
        binding_tests.test_a_port_that_is_taken_at_one_of_both_addresses_is_taken,
        binding_tests.test_a_port_that_is_never_free_at_both_addresses_is_an_error,
    ),
    defect(
        "insists on both addresses",
        not_here(),
        *(
            by(binding_tests.test_localhost_is_one_address_where_the_machine_has_one, number=number)
            for number in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
        ),
    ),
    defect(
        "insists on knowing both addresses",
        instead("tiledesk_fake.serving.binding._if_known", binding._look_up),
        binding_tests.test_localhost_is_one_address_where_nobody_knows_the_other,
    ),
    defect(
        "tries one port",
        instead("tiledesk_fake.serving.binding._TRIES", 1),
        binding_tests.test_a_free_port_is_free_at_both_addresses,
    ),
    defect("keeps what it has bound", keeping_the_first, binding_tests.test_what_ends_in_the_middle_leaves_no_socket),
]
