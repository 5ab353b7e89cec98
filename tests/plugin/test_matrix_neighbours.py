"""`--tiledesk-assume-each` with all the ways in which tests are written: properties, subtests, other loops, reruns."""

import pytest

from tests.plugin.outside import Project, Run
from tests.plugin.test_matrix import SUITE, fallen, run

pytestmark = pytest.mark.slow

ASKING = SUITE.partition("    def test_first_page")[0]
PROPERTIES = (
    ASKING
    + """
    from hypothesis import example, given, settings, strategies as st

    def check(factory, number):
        with factory() as fake:
            assert ask(fake, path=f"?page={number}")[0] == 200

    few = settings(deadline=None, max_examples=20, database=None)

    @few
    @given(number=st.integers(0, 3))
    def test_function(fake_tiledesk_factory, number):
        check(fake_tiledesk_factory, number)

    class TestInClass:
        @few
        @given(number=st.integers(0, 3))
        def test_method(self, fake_tiledesk_factory, number):
            check(fake_tiledesk_factory, number)

        @pytest.mark.parametrize("more", [0, 1])
        @few
        @given(number=st.integers(0, 3))
        def test_parametrised(self, fake_tiledesk_factory, number, more):
            check(fake_tiledesk_factory, number + more)

    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def has_a_factory(self, fake_tiledesk_factory):
            self.factory = fake_tiledesk_factory

        @few
        @given(number=st.integers(0, 3))
        def test_case(self, number):
            check(self.factory, number)

    @example(number=0)
    @few
    @given(number=st.integers(1, 3))
    def test_by_example(fake_tiledesk_factory, number):
        check(fake_tiledesk_factory, number)

    @few
    @given(number=st.integers(1, 3))
    def test_robust(fake_tiledesk_factory, number):
        check(fake_tiledesk_factory, number)
"""
)


def test_properties_whose_fakes_the_factory_makes_are_varied_and_show_what_they_depend_on(project: Project) -> None:
    project.write("test_it.py", PROPERTIES)

    told, choices = run(project, "--tiledesk-assume-each", plugins=("hypothesispytest",))

    assert fallen(choices) == {
        "page-base=1": [
            "TestInClass::test_method",
            "TestInClass::test_parametrised[0]",
            "TestOfUnittest::test_case",
            "test_by_example",
            "test_function",
        ]
    }, told.text
    assert choices["page-base=1"]["ran"] == 7
    assert "HealthCheck" not in told.text


def test_a_failing_example_of_a_variant_is_kept_for_it_alone(project: Project) -> None:
    project.write(
        "test_it.py",
        ASKING
        + """
    from hypothesis import given, settings, strategies as st
    from hypothesis.database import DirectoryBasedExampleDatabase

    @settings(deadline=None, max_examples=100, database=DirectoryBasedExampleDatabase("examples"))
    @given(number=st.integers(0, 10**9))
    def test_it(fake_tiledesk_factory, number):
        with fake_tiledesk_factory() as fake:
            print("asked", number)
            # Drawn first is 0, and it is those that end with 7 that ask for page 0.
            assert ask(fake, path=f"?page={(number + 3) % 10}")[0] == 200
    """,
    )
    variant = ("--tiledesk-assume-each=", "test_it.py::test_it[page-base=1]", "-s")
    told, choices = run(project, "--tiledesk-assume-each", plugins=("hypothesispytest",))
    again = project.run(*variant, plugins=("tiledesk_fake", "hypothesispytest"))
    base = project.run("-s", plugins=("tiledesk_fake", "hypothesispytest"))

    assert fallen(choices) == {"page-base=1": ["test_it"]}, told.text
    assert first_of(again) % 10 == 7
    assert first_of(base) == 0


def first_of(run: Run) -> int:
    """The number that the first example has asked for."""
    return int(run.text.partition("asked ")[2].split()[0])


OTHER_WAYS = (
    ASKING
    + """
    import asyncio

    class TestLoop(unittest.IsolatedAsyncioTestCase):
        @pytest.fixture(autouse=True)
        def has_a_fake(self, fake_tiledesk):
            self.fake = fake_tiledesk

        async def asyncSetUp(self):
            self.runs = getattr(self, "runs", 0) + 1

        async def test_loop(self):
            assert self.runs == 1
            assert (await asyncio.to_thread(ask, self.fake, "DELETE", "/a"))[0] == 404

    class TestSubtests(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def has_a_fake(self, fake_tiledesk):
            self.fake = fake_tiledesk

        def test_one_falls(self):
            for number in (0, 1):
                with self.subTest(number=number):
                    assert ask(self.fake, path=f"?page={number}")[0] == 200

        def test_one_fails(self):
            for number in (0, 1):
                with self.subTest(number=number):
                    assert ask(self.fake, path=f"?page={number}")[0] == 200 + number

    @pytest.fixture(params=["a", "b"])
    def jti(request, fake_tiledesk):
        return request.param

    @pytest.mark.parametrize("number", [1, 2])
    def test_by_fixture(jti, number, fake_tiledesk):
        assert ask(fake_tiledesk, "DELETE", f"/{jti}{number}")[0] == 404

    def test_requested_factory(request):
        assert ask(request.getfixturevalue("fake_tiledesk_factory")(), "DELETE", "/a")[0] == 404

    def test_requested_server(request):
        assert ask(request.getfixturevalue("fake_tiledesk_server"), "DELETE", "/a")[0] == 404

    @pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
    @pytest.mark.anyio
    async def test_anyio(fake_tiledesk, anyio_backend):
        assert ask(fake_tiledesk, "DELETE", "/a")[0] == 404
"""
)
FALL_ALIKE = [
    "TestLoop::test_loop",
    "test_anyio[asyncio]",
    "test_anyio[trio]",
    *(f"test_by_fixture[{jti}-{number}]" for jti in "ab" for number in (1, 2)),
    "test_requested_factory",
    "test_requested_server",
]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_every_way_of_writing_a_test_is_varied(project: Project, workers: tuple[str, ...]) -> None:
    project.write("test_it.py", OTHER_WAYS)

    told, choices = run(project, "--tiledesk-assume-each", *workers, plugins=("xdist",) if workers else ())

    assert fallen(choices) == {
        "page-base=1": ["TestSubtests::test_one_falls"],
        "revoke-unknown=null": FALL_ALIKE,
        "revoke-unknown=phantom": FALL_ALIKE,
    }, told.text
    # Its subtest fails as it is configured.
    assert "1 test was not varied" in told.text


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["test_it.py::test_by_fixture[b-2][revoke-unknown=null]"], 1),
        (["test_it.py::TestLoop::test_loop[revoke-unknown=null]"], 1),
        (["test_it.py::test_anyio[trio][revoke-unknown=null]"], 1),
        (["-k", "revoke-unknown and anyio"], 4),
    ],
    ids=["parametrised", "case of unittest", "async", "by words"],
)
def test_those_that_are_named_are_run_alone(project: Project, arguments: list[str], ran: int) -> None:
    project.write("test_it.py", OTHER_WAYS)

    told, choices = run(project, "--tiledesk-assume-each=", *arguments)

    assert told.counts["failed"] == sum(found["ran"] for found in choices.values()) == ran


def test_what_failed_last_is_what_fell(project: Project) -> None:
    # pytest itself takes a test for passed whose subtests have failed, if that is one of unittest.
    project.write("test_it.py", OTHER_WAYS.replace("(0, 1)", "()"))
    cached = ("--tiledesk-assume-each=", "-p", "cacheprovider")
    first = project.run(*cached, plugins=("tiledesk_fake", "anyio"))
    again = project.run(*cached, "--lf", plugins=("tiledesk_fake", "anyio"))

    assert again.counts["failed"] == first.counts["failed"] == 2 * len(FALL_ALIKE)
    assert "passed" not in again.counts


def test_a_test_that_passes_once_it_is_run_again_is_varied(project: Project) -> None:
    project.write(
        "test_it.py",
        ASKING
        + """
    times = []

    def test_at_the_second(fake_tiledesk):
        times.append(1)
        assert len(times) > 1
        assert ask(fake_tiledesk, "DELETE", "/a")[0] == 404
    """,
    )

    told, choices = run(project, "--tiledesk-assume-each", "--reruns", "1", plugins=("rerunfailures",))

    assert fallen(choices) == {
        "revoke-unknown=null": ["test_at_the_second"],
        "revoke-unknown=phantom": ["test_at_the_second"],
    }, told.text
