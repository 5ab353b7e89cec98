"""Defects in what leads clients of the production URL to a fake: in whom it leads, and in what it leaves behind."""

import os
import ssl
import textwrap
from typing import Any

from tests.hardening.planting import Made, Plant, Planting, by, defect, instead, runs_by_itself
from tests.tls import test_intercept as intercept
from tiledesk_fake import TiledeskFake
from tiledesk_fake.intercept import _Hooks
from tiledesk_fake.intercept.origin import Origin
from tiledesk_fake.intercept.patches import Patches
from tiledesk_fake.intercept.registry import Entry, Registry

FAKE = {"fake": Made(TiledeskFake)}


def not_taken_back(planting: Planting) -> None:
    undo = Patches.undo

    def later(self: Patches) -> None:
        planting.over.callback(undo, self)

    planting.patch.setattr(Patches, "undo", later)


def excepted_for_ever(planting: Planting) -> None:
    before, write = dict(os.environ), _Hooks._except_from_proxies

    def restore() -> None:
        for name in ("no_proxy", "NO_PROXY"):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]

    def written(self: _Hooks) -> None:
        write(self)
        self._written.clear()

    planting.patch.setattr(_Hooks, "_except_from_proxies", written)
    planting.over.callback(restore)


def unverified(pem: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def whoever_was_there(planting: Planting) -> None:
    find, known = Registry.find, {}

    def found(self: Registry, origin: Origin) -> Entry | None:
        entry = find(self, origin)
        if entry is not None:
            known[origin] = entry
        return known.get(origin)

    planting.patch.setattr(Registry, "find", found)


def in_its_process(code: str) -> Plant:
    """Plant by this code, which runs before the program of a test that has a process of its own."""

    def plant(planting: Planting) -> None:
        run, before = intercept.run, runs_by_itself(textwrap.dedent(code))
        planting.patch.setattr(intercept, "run", lambda program: run(before + textwrap.dedent(program)))

    return plant


KEYS_IN_FILES = """
    import tempfile
    from contextlib import contextmanager

    from tiledesk_fake.serving import certificates

    @contextmanager
    def in_a_file(data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            yield file.name

    certificates._as_file = in_a_file
"""


def led(self: Registry, host: Any) -> str | None:
    return next(iter(self.hosts), None)


DEFECTS = [
    defect(
        "takes nothing back of what it patches",
        not_taken_back,
        by(
            intercept.test_everything_is_restored_after_the_end_after_an_exception_and_after_nesting, proxy=None, **FAKE
        ),
        by(intercept.test_entering_in_many_threads_at_once_leaves_nothing_behind, **FAKE),
    ),
    defect(
        "leaves behind what it says of proxies",
        excepted_for_ever,
        by(
            intercept.test_everything_is_restored_after_the_end_after_an_exception_and_after_nesting,
            proxy="http://127.0.0.1:1",
            **FAKE,
        ),
    ),
    defect(
        "leads clients of every host",
        instead("tiledesk_fake.intercept.registry.Registry.meant", led),
        by(intercept.test_other_hosts_are_left_alone, **FAKE),
    ),
    defect(
        "lets its clients trust anybody",
        instead("tiledesk_fake.intercept.trust._context_for", unverified),
        by(intercept.test_trust_is_real, **FAKE),
    ),
    defect(
        "answers for an origin when all is over",
        whoever_was_there,
        by(intercept.test_a_guarded_origin_stays_refused_while_nobody_intercepts_it, **FAKE),
    ),
    defect(
        "is imported where nobody asks for it",
        in_its_process("import tiledesk_fake.intercept\n"),
        intercept.test_a_test_without_intercept_imports_nothing_of_it,
    ),
    defect(
        "writes keys to files",
        in_its_process(KEYS_IN_FILES),
        intercept.test_neither_an_authority_nor_a_key_is_written,
    ),
]
