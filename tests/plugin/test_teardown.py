"""The end of a test: who still waits is let go, and faults may be met until its fake is gone."""

import pytest

from tests.plugin.outside import Project, Run

HELD = """
    import http.client, time
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path
    import pytest

    def ask(url):
        # Without a time-out, as clients are.
        connection = http.client.HTTPConnection(url.split("/")[2])
        try:
            connection.request("GET", "/v3/jwt/history", headers={"Authorization": "JWT e30.e30.e30"})
            return connection.getresponse().status
        except (http.client.HTTPException, OSError) as problem:
            return problem
        finally:
            connection.close()

    @pytest.fixture
    def pool():
        # Begins before the fake and ends after it, and then waits for its threads.
        with ThreadPoolExecutor() as pool:
            yield pool

    @pytest.fixture(autouse=True)
    def notes():
        notes = []
        yield notes
        for future in notes:
            assert isinstance(future.result(), (http.client.RemoteDisconnected, ConnectionResetError))

    def leave_a_client(fake, url, pool, notes, fault):
        heard = fake.journal.total
        fake.faults.add("listTokens", **fault)
        notes.append(pool.submit(ask, url))
        while fake.journal.total == heard:
            time.sleep(0.001)

    FAULTS = pytest.mark.parametrize("fault", [{"drop": "silence"}, {"delay_s": 300}], ids=["silence", "delay"])

    @FAULTS
    def test_holds(notes, pool, fake_tiledesk, fault):
        leave_a_client(fake_tiledesk, fake_tiledesk.url, pool, notes, fault)

    @FAULTS
    def test_holds_by_the_server(notes, pool, fake_tiledesk_server, fault):
        leave_a_client(fake_tiledesk_server, fake_tiledesk_server.url, pool, notes, fault)

    @FAULTS
    def test_holds_through_the_server(notes, fake_tiledesk_server, pool, fake_tiledesk, fault):
        leave_a_client(fake_tiledesk, fake_tiledesk_server.url, pool, notes, fault)

    @FAULTS
    def test_holds_by_the_factory(notes, pool, fake_tiledesk_factory, fault):
        fake = fake_tiledesk_factory()
        leave_a_client(fake, fake.url, pool, notes, fault)

    @FAULTS
    def test_fails_and_holds(notes, pool, fake_tiledesk, fault):
        leave_a_client(fake_tiledesk, fake_tiledesk.url, pool, notes, fault)
        raise AssertionError("on purpose")

    @pytest.fixture
    def finishes(fake_tiledesk):
        with ThreadPoolExecutor() as pool:
            yield pool

    @pytest.mark.tiledesk(strict=False)
    def test_what_ends_before_the_fake_still_gets_its_answer(finishes, fake_tiledesk):
        future = []
        leave_a_client(fake_tiledesk, fake_tiledesk.url, finishes, future, {"delay_s": 0.3})
        future[0].add_done_callback(lambda done: Path("answer.txt").write_text(str(done.result())))
"""


def test_who_is_held_back_is_let_go_when_the_test_is_over(project: Project) -> None:
    project.write("test_held.py", HELD)

    run = project.run("-W", "error")

    assert run.counts == {"passed": 9, "failed": 2}, run.text
    assert run.text.count("E       AssertionError: on purpose") == 2
    assert project.read("answer.txt") == "401"


FAULTS = """
    import pytest, requests

    def ask(fake):
        return requests.get(f"{fake.url}/jwt/history", timeout=10).status_code

    def log_out(fake, statuses):
        with open("statuses.txt", "a") as file:
            file.write(f"{ask(fake)}\\n")

    @pytest.fixture
    def logs_out(fake_tiledesk):
        yield
        log_out(fake_tiledesk, [])

    def test_is_met_in_teardown(logs_out, fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    def test_is_met_twice(logs_out, fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503, times=2)
        assert ask(fake_tiledesk) == 503

    def test_is_met_too_seldom(logs_out, fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503, times=2)

    def test_is_never_met(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    @pytest.mark.tiledesk(allow=["unspent-fault"])
    def test_may_be_met_in_teardown(logs_out, fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503, times=2)

    @pytest.mark.tiledesk(strict=False)
    def test_need_not_be_met(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    def test_fails_and_meets_nothing(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)
        raise AssertionError("on purpose")

    def test_is_planned_in_a_fixture(planned, fake_tiledesk):
        pass

    @pytest.fixture
    def planned(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    @pytest.fixture
    def logs_out_at_the_server(fake_tiledesk_server):
        yield
        log_out(fake_tiledesk_server, [])

    def test_server_is_met_in_teardown(logs_out_at_the_server, fake_tiledesk_server):
        fake_tiledesk_server.faults.add("listTokens", status=503)

    def test_server_is_never_met(fake_tiledesk_server):
        fake_tiledesk_server.faults.add("listTokens", status=503)

    @pytest.fixture
    def own(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            yield fake
            log_out(fake, [])

    def test_factory_is_met_in_teardown(own):
        own.faults.add("listTokens", status=503)

    def test_factory_is_never_met(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            fake.faults.add("listTokens", status=503)

    def test_as_new_after_all(fake_tiledesk, fake_tiledesk_server):
        assert not fake_tiledesk.faults.unspent
        assert not fake_tiledesk_server.faults.unspent
"""
UNMET = {
    "test_is_met_too_seldom",
    "test_is_never_met",
    "test_is_planned_in_a_fixture",
    "test_server_is_never_met",
    "test_factory_is_never_met",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Run]:
    project = Project(tmp_path_factory.mktemp("faulty"))
    project.write("test_faults.py", FAULTS)
    return project, project.run("-rA", "-W", "error")


def test_a_fault_may_be_met_until_the_fake_of_its_test_is_gone(faulty: tuple[Project, Run]) -> None:
    project, run = faulty

    assert {name for name, words in run.outcomes.items() if words != ["passed"]} == {
        *UNMET,
        "test_fails_and_meets_nothing",
    }
    assert set(project.read("statuses.txt").split()) == {"503"}


@pytest.mark.parametrize("name", sorted(UNMET))
def test_a_fault_that_is_never_met_is_an_error_of_the_teardown_that_names_the_test(
    faulty: tuple[Project, Run], name: str
) -> None:
    _, run = faulty

    assert sorted(run.outcomes[name]) == ["error", "passed"]
    told = run.told(f"ERROR at teardown of {name}")
    assert told.startswith("unspent-fault: no call met listTokens: status 503, 1 left\n")
    assert f"every fault that test_faults.py::{name} plans" in told
    assert '@pytest.mark.tiledesk(allow=["unspent-fault"])' in told


def test_who_fails_by_itself_is_not_told_of_its_faults(faulty: tuple[Project, Run]) -> None:
    _, run = faulty

    assert run.outcomes["test_fails_and_meets_nothing"] == ["failed"]
    assert "unspent" not in run.told("test_fails_and_meets_nothing")
