"""The fake's clock in a test, and beside tools that stop the time of the whole process."""

import pytest

from tests.plugin.outside import Project, Run

CLOCKS = """
    import http.client, json
    from datetime import UTC, datetime, timedelta
    import freezegun, pytest, requests, time_machine

    NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)

    class Client:
        def __init__(self, fake):
            self.fake = fake
            self.connection = http.client.HTTPConnection(fake.url.split("/")[2], timeout=10)

        def __call__(self, authorization, method="GET", target="/v3/jwt/history"):
            self.connection.request(method, target, headers={"Authorization": authorization})
            if not hasattr(self, "wire"):
                self.wire = self.connection.sock
            answer = self.connection.getresponse()
            body = answer.read()
            return answer.status, json.loads(body) if answer.status == 200 else body

        def kept_its_connection(self):
            return self.connection.sock is self.wire

    @pytest.fixture
    def client(fake_tiledesk):
        client = Client(fake_tiledesk)
        yield client
        client.connection.close()

    @pytest.fixture
    def ada(fake_tiledesk):
        return fake_tiledesk.add_user(email="ada@example.com", password="secret")

    # The first test of all: nothing of the fake may read the stopped time when it is imported.

    @pytest.fixture
    def stopped():
        with freezegun.freeze_time("2020-01-01"):
            yield

    def test_first_in_stopped_time(stopped, fake_tiledesk, ada, client):
        assert datetime.now(UTC).year == 2020
        assert client(ada.authorization)[0] == 200
        assert fake_tiledesk.clock.now().year > 2020
        fake_tiledesk.faults.add("listTokens", delay_s=0.2)
        assert client(ada.authorization)[0] == 200

    def test_second_in_running_time(fake_tiledesk, ada, client):
        before = datetime.now(UTC)
        assert before - timedelta(seconds=1) < fake_tiledesk.clock.now() < before + timedelta(minutes=1)
        fake_tiledesk.faults.add("listTokens", delay_s=0.2)
        assert client(ada.authorization)[0] == 200

    # The fake's own clock

    def test_expiry_follows_the_clock(fake_tiledesk, ada, client):
        fake_tiledesk.clock.freeze(NEW_YEAR)
        phone = fake_tiledesk.issue_token(ada, expires_in=timedelta(hours=1))
        assert client(phone.authorization)[0] == 200
        fake_tiledesk.clock.advance(minutes=59, seconds=59)
        assert client(phone.authorization)[0] == 200
        fake_tiledesk.clock.advance(seconds=1)
        assert client(phone.authorization)[0] == 401
        assert client(ada.authorization)[0] == 200
        fake_tiledesk.clock.advance(hours=-1)
        assert client(phone.authorization)[0] == 200

    def test_records_tell_the_clock(fake_tiledesk, ada, client):
        fake_tiledesk.clock.freeze(NEW_YEAR)
        phone = fake_tiledesk.issue_token(ada, jti="phone", expires_in=timedelta(days=1))
        fake_tiledesk.clock.advance(timedelta(hours=2, milliseconds=5))
        _, revoked = client(ada.authorization, "DELETE", "/v3/jwt/history/phone")
        fake_tiledesk.clock.advance(hours=1)
        (listed,) = client(ada.authorization)[1]["jwts"]

        assert listed == revoked
        assert listed["createdAt"] == "2026-01-01T00:00:00.000Z"
        assert listed["updatedAt"] == "2026-01-01T02:00:00.005Z"
        assert listed["expiresAt"] == "2026-01-02T00:00:00.000Z"
        assert [exchange.at - NEW_YEAR for exchange in fake_tiledesk.journal.exchanges] == [
            timedelta(hours=2, milliseconds=5), timedelta(hours=3, milliseconds=5)
        ]

    def test_resume_shows_the_real_time(fake_tiledesk, ada, client):
        before = datetime.now(UTC)
        fake_tiledesk.clock.freeze(NEW_YEAR)
        fake_tiledesk.clock.resume()
        phone = fake_tiledesk.issue_token(ada)
        assert before - timedelta(seconds=1) < phone.created_at < before + timedelta(minutes=1)
        assert not fake_tiledesk.clock.frozen

    # Beside tools that stop the time of the process

    @pytest.mark.parametrize(
        "stop",
        [
            lambda: freezegun.freeze_time("2020-01-01"),
            lambda: freezegun.freeze_time("2020-01-01", tick=True),
            lambda: time_machine.travel("2020-01-01", tick=False),
            lambda: time_machine.travel("2020-01-01", tick=True),
        ],
        ids=["freezegun", "freezegun ticking", "time-machine", "time-machine ticking"],
    )
    def test_the_server_answers_before_within_and_after(fake_tiledesk, ada, client, stop):
        with requests.Session() as session:
            def ask():
                headers = {"Authorization": ada.authorization}
                return session.get(f"{fake_tiledesk.url}/jwt/history", headers=headers, timeout=10).status_code

            assert (client(ada.authorization)[0], ask()) == (200, 200)
            with stop():
                assert datetime.now(UTC).year == 2020
                assert (client(ada.authorization)[0], ask()) == (200, 200)
                fake_tiledesk.faults.add("listTokens", delay_s=0.2)
                assert client(ada.authorization)[0] == 200
                fake_tiledesk.faults.add("listTokens", status=429, retry_after_s=1)
                assert (client(ada.authorization)[0], ask()) == (429, 429)
                fake_tiledesk.clock.advance(seconds=1)
                assert (client(ada.authorization)[0], ask()) == (200, 200)
            assert (client(ada.authorization)[0], ask()) == (200, 200)
        assert client.kept_its_connection()

    def test_freezegun_leaves_the_clock_alone(fake_tiledesk):
        with freezegun.freeze_time("2020-01-01"):
            assert fake_tiledesk.clock.now().year > 2020

    def test_time_machine_takes_the_clock_along(fake_tiledesk, ada, client):
        phone = fake_tiledesk.issue_token(ada, expires_in=timedelta(hours=1))
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
            assert client(phone.authorization)[0] == 401
        assert client(phone.authorization)[0] == 200

    @pytest.mark.parametrize("travel", [freezegun.freeze_time, time_machine.travel])
    def test_a_clock_that_is_frozen_stays_where_it_is(fake_tiledesk, travel):
        fake_tiledesk.clock.freeze(NEW_YEAR)
        with travel("2020-01-01"):
            assert fake_tiledesk.clock.now() == NEW_YEAR

    @freezegun.freeze_time("2020-01-01")
    def test_a_fake_may_be_made_and_started_in_stopped_time(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            ada = fake.add_user(email="ada@example.com", password="secret")
            client = Client(fake)
            assert client(ada.authorization)[0] == 200
            client.connection.close()
"""
TESTS = {
    "test_first_in_stopped_time",
    "test_second_in_running_time",
    "test_expiry_follows_the_clock",
    "test_records_tell_the_clock",
    "test_resume_shows_the_real_time",
    "test_the_server_answers_before_within_and_after[freezegun]",
    "test_the_server_answers_before_within_and_after[freezegun ticking]",
    "test_the_server_answers_before_within_and_after[time-machine]",
    "test_the_server_answers_before_within_and_after[time-machine ticking]",
    "test_freezegun_leaves_the_clock_alone",
    "test_time_machine_takes_the_clock_along",
    "test_a_clock_that_is_frozen_stays_where_it_is[freeze_time]",
    "test_a_clock_that_is_frozen_stays_where_it_is[travel]",
    "test_a_fake_may_be_made_and_started_in_stopped_time",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    project = Project(tmp_path_factory.mktemp("clocks"))
    project.write("test_clocks.py", CLOCKS)
    return project.run("-rA", "-W", "error")


@pytest.mark.parametrize("name", sorted(TESTS))
def test_the_clock_holds(run: Run, name: str) -> None:
    assert run.outcomes[name] == ["passed"], run.text


def test_no_other_was_run(run: Run) -> None:
    assert set(run.outcomes) == TESTS
