"""Property-based tests on the fake: no health check, no bleeding from example to example."""

import pytest

from tests.plugin.outside import Project, Run

PROPERTIES = """
    import http.client, json
    from urllib.parse import quote
    from hypothesis import given, settings, strategies as st
    import pytest

    examples = []

    def call(fake, authorization, method="GET", target="/v3/jwt/history"):
        connection = http.client.HTTPConnection(fake.url.split("/")[2], timeout=10)
        try:
            connection.request(method, target, headers={"Authorization": authorization})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, body
        finally:
            connection.close()

    def is_as_new(fake):
        return not (fake.users or fake.journal.exchanges or fake.journal.violations or fake.faults.unspent
                    or fake.clock.frozen)

    def use(fake, jti):
        ada = fake.add_user(email="ada@example.com", password="secret", id="5e0000000000000000000001")
        fake.issue_token(ada, jti=jti)
        fake.clock.freeze()
        fake.faults.add("listTokens", status=503)
        assert call(fake, ada.authorization)[0] == 503
        assert call(fake, ada.authorization, "DELETE", f"/v3/jwt/history/{quote(jti, safe='')}")[0] == 200

    JTIS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)

    @given(JTIS)
    @settings(max_examples=100, deadline=None)
    def test_a_fake_for_each_example(fake_tiledesk_factory, jti):
        with fake_tiledesk_factory() as fake:
            assert is_as_new(fake)
            use(fake, jti)
        examples.append(jti)

    def test_there_were_a_hundred():
        assert len(examples) >= 100

    @given(JTIS)
    @settings(max_examples=100, deadline=None)
    def test_one_fake_reset_for_each_example(fake_tiledesk_server, jti):
        fake_tiledesk_server.reset()
        assert is_as_new(fake_tiledesk_server)
        use(fake_tiledesk_server, jti)

    @given(st.integers(0, 99))
    @settings(deadline=None)
    def test_one_bad_example(fake_tiledesk_factory, number):
        with fake_tiledesk_factory() as fake:
            call(fake, "JWT e30.e30.e30", target=f"/v3/jwt/history?{'Page' if number == 0 else 'page'}=1")

    @given(st.integers(0, 99))
    @settings(deadline=None)
    def test_one_bad_example_before_a_reset(fake_tiledesk_server, number):
        call(fake_tiledesk_server, "Bearer abc" if number == 0 else "JWT e30.e30.e30")
        fake_tiledesk_server.reset()

    @given(st.integers(0, 99))
    @settings(deadline=None)
    def test_fails_by_itself(fake_tiledesk_factory, number):
        with fake_tiledesk_factory() as fake:
            call(fake, "Bearer abc")
            assert number < 50, "on purpose"

    def test_leaves_nothing_to_the_next(fake_tiledesk):
        assert is_as_new(fake_tiledesk)

    @given(st.integers())
    def test_not_so(fake_tiledesk, number):
        pass
"""
OUTCOMES = {
    "test_a_fake_for_each_example": "passed",
    "test_there_were_a_hundred": "passed",
    "test_one_fake_reset_for_each_example": "passed",
    "test_one_bad_example": "failed",
    "test_one_bad_example_before_a_reset": "failed",
    "test_fails_by_itself": "failed",
    "test_leaves_nothing_to_the_next": "passed",
    "test_not_so": "failed",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    project = Project(tmp_path_factory.mktemp("properties"))
    project.write("test_properties.py", PROPERTIES)
    # Without a database, and so without a folder in it.
    return project.run("-rA", "-W", "error", plugins=("tiledesk_fake", "hypothesispytest"))


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_property_has_this_outcome(run: Run, name: str) -> None:
    assert run.outcomes[name] == [OUTCOMES[name]], run.text


def test_a_mistake_in_one_example_is_told(run: Run) -> None:
    assert "unknown-parameter: Correct or leave out 'Page'" in run.told("test_one_bad_example")
    assert "got       Authorization: Bearer <redacted>" in run.told("test_one_bad_example_before_a_reset")


def test_a_property_that_fails_keeps_its_failure(run: Run) -> None:
    told = run.told("test_fails_by_itself")

    assert "on purpose" in told
    assert "the client under test sent" not in told
    assert "GET /v3/jwt/history -> 401  broke auth-scheme" in told.partition("tiledesk-fake heard")[2]


def test_who_takes_the_other_way_is_told_the_documented_one(run: Run) -> None:
    told = run.told("test_not_so")

    assert "FailedHealthCheck" in told
    assert "'fake_tiledesk'" in told
