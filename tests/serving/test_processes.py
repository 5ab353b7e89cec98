"""A server and its process: forks, the end of the interpreter, development mode, too few descriptors."""

import os
import time
from pathlib import Path

import pytest

from tests.raw_http import PATIENCE_S, Client, get
from tests.serving.processes import FINE, cpu_s, run_python, start_python


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_holds_neither_the_port_nor_a_connection() -> None:
    script = """
    import gc, pathlib, warnings
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    server = Server(app)
    server.start()
    port = server.port
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    forked, told = os.pipe(), os.pipe()
    locked, done = threading.Event(), threading.Event()

    def keep_locked():
        with server._lock:
            locked.set()
            done.wait()

    threading.Thread(target=keep_locked).start()
    locked.wait()
    child = os.fork()
    if child == 0:
        held = [path.readlink().name for path in pathlib.Path("/proc/self/fd").glob("*") if path.is_symlink()]
        os.write(forked[1], b"watching" if "anon_inode:[eventpoll]" in held else b"gone")
        assert not server.listening
        gc.collect()
        os.read(told[0], 1)
        server.stop()
        server.start()
        probe = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        probe.sendall(REQUEST)
        ok = b"fine" in probe.recv(9999)
        server.stop()
        probe.close()
        os._exit(0 if ok else 1)
    done.set()
    assert os.read(forked[0], 99) == b"gone"
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999), "the fork disturbed the parent"
    server.stop()
    assert client.recv(1) == b"", "the child keeps the connection open"
    client.close()
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10)
        raise SystemExit("the child holds the port")
    except ConnectionRefusedError:
        pass
    os.write(told[1], b"!")
    assert os.waitpid(child, 0)[1] == 0, "the child could not start a server of its own"
    """

    assert run_python(script) == FINE


def test_forks_are_hooked_once_and_not_at_import() -> None:
    script = """
    servers = [Server(app) for _ in range(3)]
    assert ours() == [], "hooked before the first start"
    for server in servers:
        server.start()
        server.stop()
    assert len(ours()) == 1, calls
    """
    before = """
    import os
    calls = []
    os.register_at_fork = lambda **hooks: calls.extend(hooks.values())
    ours = lambda: [hook for hook in calls if hook.__module__.startswith("tiledesk_fake")]
    """

    assert run_python(script, before) == FINE


def test_a_running_server_does_not_keep_the_interpreter_from_ending() -> None:
    script = """
    server = Server(app)
    server.start()
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    client.close()
    """

    assert run_python(script) == FINE


def test_a_slow_app_makes_no_noise_in_development_mode() -> None:
    script = """
    def slow(environ, start_response):
        time.sleep(0.2)
        return app(environ, start_response)

    server = Server(slow)
    server.start()
    client = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    client.sendall(REQUEST)
    assert b"fine" in client.recv(9999)
    client.close()
    server.stop()
    """

    assert run_python(script) == FINE


def test_importing_it_starts_nothing_and_changes_nothing() -> None:
    script = """
    assert threading.active_count() == 1
    assert dict(os.environ) == environment
    assert logging.root.handlers == [] and logging.root.level == logging.WARNING
    assert signal.getsignal(signal.SIGINT) is interrupt
    """
    before = """
    import logging, os, signal
    environment, interrupt = dict(os.environ), signal.getsignal(signal.SIGINT)
    """

    assert run_python(script, before) == FINE


WATCHED_S = 0.6


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="limits and measures a process as Linux does")
def test_running_out_of_descriptors_neither_ends_nor_spins_the_server() -> None:
    script = """
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(15)]
    server = Server(app)
    server.start()
    print(server.port, flush=True)
    sys.stdin.readline()
    """
    process = start_python(script)
    try:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())
        clients = [Client(port) for _ in range(60)]
        time.sleep(0.2)
        before, until = cpu_s(process.pid), time.monotonic() + WATCHED_S
        while time.monotonic() < until:
            time.sleep(0.05)
            assert cpu_s(process.pid) - before < 0.2

        for client in clients:
            client.close()
        with Client(port) as client:
            client.send(get())
            assert client.reply().status == 200
        _, errors = process.communicate("\n", timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()
