"""Every test starts with a fake as new, whatever the one before has done."""

import pytest

from tests.plugin.outside import Project, Run

# Each test looks whether its fake is as new, makes a mess of it, and ends in its own way.
MESSY = """
    import os, socket, sys, time
    from datetime import UTC, datetime, timedelta
    import pytest
    from tiledesk_fake import TiledeskFake

    def note(what):
        with open("notes.txt", "a") as file:
            file.write(f"{what}\\n")

    def look(fake):
        before = datetime.now(UTC)
        now = fake.clock.now()
        problems = [name for name, problem in {
            "users": len(fake.users) > 0,
            "clock": fake.clock.frozen or not timedelta(seconds=-1) < now - before < timedelta(minutes=1),
            "faults": fake.faults.unspent,
            "exchanges": fake.journal.exchanges,
            "violations": fake.journal.violations,
            "profile": fake.profile != TiledeskFake().profile,
        }.items() if problem]
        note("dirty: " + ", ".join(problems) if problems else "as new")

    def call(fake, path="/jwt/history", authorization="Bearer abc"):
        port = int(fake.url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            lines = [f"GET /v3{path} HTTP/1.1", "Host: x", "Connection: close", f"Authorization: {authorization}"]
            connection.sendall("\\r\\n".join([*lines, "", ""]).encode())
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def mess_up(fake):
        ada = fake.add_user(email="ada@example.com", password="secret", id="5e0000000000000000000001")
        fake.issue_token(ada, jti="phone", id="6000000000000000000000a1")
        call(fake)
        call(fake, "/nowhere", ada.authorization)
        fake.clock.freeze(datetime(2020, 1, 1, tzinfo=UTC))
        fake.faults.add("*", status=503, times=5)

    @pytest.fixture
    def fake(fake_tiledesk):
        look(fake_tiledesk)
        return fake_tiledesk

    @pytest.fixture
    def crashing_before(fake):
        mess_up(fake)
        raise RuntimeError("on purpose")

    @pytest.fixture
    def crashing_after(fake):
        yield
        mess_up(fake)
        raise RuntimeError("on purpose")

    def test_passes(fake):
        ada = fake.add_user(email="ada@example.com", password="secret")
        assert call(fake, authorization=ada.authorization).startswith(b"HTTP/1.1 200")

    @pytest.mark.tiledesk(strict=False, profile={"page-base": "1", "list-envelope": "bare"})
    def test_passes_otherwise(fake_tiledesk):
        mess_up(fake_tiledesk)

    def test_violates(fake):
        mess_up(fake)

    def test_fails(fake):
        mess_up(fake)
        raise AssertionError("on purpose")

    def test_crashes_before(crashing_before):
        pass

    def test_crashes_after(crashing_after):
        pass

    @pytest.mark.timeout(0.3, method="signal", func_only=True)
    def test_is_interrupted(fake):
        mess_up(fake)
        time.sleep(30)

    @pytest.mark.timeout(0.3, method="signal", func_only=True)
    def test_is_interrupted_while_it_waits_for_an_answer(fake):
        mess_up(fake)
        fake.clock.resume()
        fake.faults.clear()
        fake.faults.add("*", drop="silence")
        call(fake)

    @pytest.mark.flaky(reruns=3)
    def test_is_rerun(fake, tries=[]):
        tries.append(1)
        mess_up(fake)
        assert len(tries) == 3, "on purpose"
        fake.journal.take_violations()
        fake.faults.clear()

    def test_skips(fake):
        mess_up(fake)
        pytest.skip("on purpose")

    @pytest.mark.xfail(reason="on purpose")
    def test_is_expected_to_fail(fake):
        mess_up(fake)
        raise AssertionError("on purpose")

    def test_never_asks_for_a_fake():
        pass
"""
OUTCOMES = {
    "test_passes": ["passed"],
    "test_passes_otherwise": ["passed"],
    "test_violates": ["failed"],
    "test_fails": ["failed"],
    "test_crashes_before": ["error"],
    "test_crashes_after": ["error", "passed"],
    "test_is_interrupted": ["failed"],
    "test_is_interrupted_while_it_waits_for_an_answer": ["failed"],
    "test_is_rerun": ["passed"],
    "test_is_expected_to_fail": ["xfail"],
    "test_never_asks_for_a_fake": ["passed"],
}


def outcomes(run: Run) -> dict[str, list[str]]:
    return {name: sorted(words) for name, words in run.outcomes.items()}


@pytest.mark.parametrize(
    ("plugins", "arguments"),
    [
        ((), ()),
        (("randomly",), ("--randomly-seed=1",)),
        (("xdist", "randomly"), ("--randomly-seed=2", "-n", "2")),
    ],
    ids=["in order", "in random order", "in two processes"],
)
def test_a_fake_is_as_new_whatever_happened_before(
    project: Project, plugins: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    project.write("test_messy.py", MESSY)

    run = project.run("-rA", "-W", "error", *arguments, plugins=(*plugins, "tiledesk_fake", "timeout", "rerunfailures"))

    assert outcomes(run) == OUTCOMES, run.text + run.errors
    assert (run.counts["skipped"], run.counts["rerun"]) == (1, 2)
    # Ten tests look at their fake, and one of them does so three times.
    assert project.read("notes.txt").splitlines() == ["as new"] * 12


def test_two_fakes_of_a_run_never_listen_at_the_same_place(project: Project) -> None:
    project.write(
        "test_urls.py",
        """
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_url(fake_tiledesk, number):
            with open("urls.txt", "a") as file:
                file.write(f"{fake_tiledesk.url}\\n")
        """,
    )

    project.run()

    urls = project.read("urls.txt").splitlines()
    assert len(urls) == 20
    # At least the last 16 go on listening, to notice who calls too late.
    assert all(len(set(urls[start : start + 17])) == 17 for start in range(len(urls) - 16))


SESSION = """
    import pytest, requests

    def history(fake, user):
        headers = {"Authorization": user.authorization}
        return requests.get(f"{fake.url}/jwt/history", headers=headers, timeout=10).json()

    @pytest.fixture(scope="session")
    def application(fake_tiledesk_server):
        # Configured once, as applications are.
        return lambda user: history(fake_tiledesk_server, user)

    def test_the_test_has_the_fake(application, fake_tiledesk, fake_tiledesk_server):
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        phone = fake_tiledesk.issue_token(ada)

        assert application(ada)["jwts"][0]["jti"] == phone.jti
        fake_tiledesk.journal.assert_called("listTokens", user=ada, times=1)
        assert not fake_tiledesk_server.users
        assert not fake_tiledesk_server.journal.exchanges

    def test_the_test_has_another_fake(application, fake_tiledesk):
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        assert application(ada)["count"] == 0
        fake_tiledesk.journal.assert_called("listTokens", times=1)

    def test_the_test_has_none(application, fake_tiledesk_server):
        bob = fake_tiledesk_server.add_user(email="bob@example.com", password="secret")
        assert application(bob)["count"] == 0
        fake_tiledesk_server.journal.assert_called("listTokens", times=1)

    def test_its_users_stay(application, fake_tiledesk_server):
        assert application(fake_tiledesk_server.users["bob@example.com"])["count"] == 0

    def test_its_faults_are_met_by_the_test_that_plans_them(application, fake_tiledesk_server):
        fake_tiledesk_server.faults.add("listTokens", status=503)
        assert application(fake_tiledesk_server.users["bob@example.com"]) == {"err": "error"}

    def test_its_faults_do_not_stay(fake_tiledesk_server):
        assert not fake_tiledesk_server.faults.unspent
        fake_tiledesk_server.faults.add("listTokens", status=503)

    def test_after_a_fault_that_nobody_met(application, fake_tiledesk_server):
        assert application(fake_tiledesk_server.users["bob@example.com"])["count"] == 0

    def test_reset_does_not_hide_what_was_heard(application, fake_tiledesk_server):
        bob = fake_tiledesk_server.users["bob@example.com"]
        requests.get(f"{fake_tiledesk_server.url}/before", timeout=10)
        fake_tiledesk_server.reset()
        requests.get(f"{fake_tiledesk_server.url}/after", timeout=10)
"""


def test_the_fake_of_the_session_hands_its_calls_to_the_fake_of_the_test(project: Project) -> None:
    project.write("test_session.py", SESSION)

    run = project.run("-rA", "-W", "error")

    failed = {name for name, words in run.outcomes.items() if words != ["passed"]}
    assert failed == {"test_its_faults_do_not_stay", "test_reset_does_not_hide_what_was_heard"}, run.text
    assert "unspent-fault: " in run.summary("test_its_faults_do_not_stay")
    assert "tiledesk-fake heard" not in run.told("test_its_faults_do_not_stay")
    told = run.told("test_reset_does_not_hide_what_was_heard")
    assert "    got       GET /v3/before" in told
    assert "    got       GET /v3/after" in told
    heard = told.partition("tiledesk-fake heard")[2]
    assert "/before" not in heard
    assert "GET /v3/after -> 404  broke unknown-path" in heard


def test_a_fake_that_a_test_stops_or_restarts_does_no_harm(project: Project) -> None:
    project.write(
        "test_stops.py",
        """
        import pytest, requests

        def test_stops(fake_tiledesk):
            fake_tiledesk.stop()

        def test_restarts(fake_tiledesk):
            before = fake_tiledesk.url
            fake_tiledesk.stop()
            fake_tiledesk.start()
            assert requests.get(f"{fake_tiledesk.url}/jwt/history", timeout=10).status_code == 401

        def test_is_fine(fake_tiledesk):
            assert requests.get(f"{fake_tiledesk.url}/jwt/history", timeout=10).status_code == 401
        """,
    )

    run = project.run("-W", "error")

    assert run.counts == {"passed": 3}, run.text


def test_the_fake_of_a_test_goes_without_the_garbage_collector(project: Project) -> None:
    project.write(
        "test_gone.py",
        """
        import gc, weakref
        import requests

        left = []

        def test_calls(fake_tiledesk):
            gc.disable()
            phone = fake_tiledesk.issue_token(fake_tiledesk.add_user(email="ada@example.com"))
            headers = {"Authorization": phone.authorization}
            assert requests.get(f"{fake_tiledesk.url}/jwt/history", headers=headers, timeout=10).ok
            left.append(weakref.ref(fake_tiledesk))

        def test_it_is_gone():
            assert left[0]() is None
        """,
    )

    run = project.run("-W", "error")

    assert run.counts == {"passed": 2}, run.text


@pytest.mark.parametrize("fixture", ["fake_tiledesk", "fake_tiledesk_server"])
def test_a_body_that_nobody_reads_may_have_any_size_at_each_address(project: Project, fixture: str) -> None:
    project.write(
        "test_body.py",
        f"""
        import pytest, requests

        @pytest.mark.tiledesk(allow=["unexpected-body"])
        def test_large({fixture}):
            answer = requests.get(f"{{{fixture}.url}}/jwt/history", data=b"x" * 600_000, timeout=10)
            assert answer.status_code == 401
        """,
    )

    run = project.run("-W", "error")

    assert run.counts == {"passed": 1}, run.text
