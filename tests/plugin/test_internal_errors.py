"""A bug of the fake fails the test that met it; and what the test replaces in Python does not reach the fake."""

from tests.plugin.outside import Project

BROKEN = """
    import logging
    import pytest, requests
    from tiledesk_fake.core.journal import Journal

    TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJwaG9uZSJ9.c2lnbmF0dXJlLW9mLTMyLWJ5dGVz"

    @pytest.fixture
    def broken(monkeypatch):
        def add(*arguments, **keywords):
            raise RuntimeError("cannot add " + TOKEN)

        monkeypatch.setattr(Journal, "add", add)

    def ask(fake):
        return requests.get(f"{fake.url}/jwt/history", timeout=10).status_code

    def test_sees_a_bug(broken, fake_tiledesk):
        assert ask(fake_tiledesk) == 500

    def test_sees_a_bug_of_another(broken, fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            assert ask(fake) == 500

    @pytest.mark.tiledesk(strict=False)
    def test_is_lenient(broken, fake_tiledesk):
        assert ask(fake_tiledesk) == 500

    def test_has_no_log(broken, fake_tiledesk):
        logging.disable(logging.CRITICAL)
        try:
            assert ask(fake_tiledesk) == 500
        finally:
            logging.disable(logging.NOTSET)

    def test_fails_by_itself(broken, fake_tiledesk):
        assert ask(fake_tiledesk) == 200, "on purpose"

    @pytest.fixture
    def asks_at_the_end(fake_tiledesk, broken):
        yield
        ask(fake_tiledesk)

    def test_sees_a_bug_in_teardown(asks_at_the_end):
        pass

    def test_sees_none(fake_tiledesk):
        assert ask(fake_tiledesk) == 401
"""


def test_a_bug_of_the_fake_fails_the_test_that_met_it(project: Project) -> None:
    project.write("test_it.py", BROKEN)

    run = project.run("-rA", "-W", "error")

    assert {name: sorted(words) for name, words in run.outcomes.items()} == {
        "test_sees_a_bug": ["failed"],
        "test_sees_a_bug_of_another": ["failed"],
        "test_is_lenient": ["failed"],
        "test_has_no_log": ["failed"],
        "test_fails_by_itself": ["failed"],
        "test_sees_a_bug_in_teardown": ["error", "passed"],
        "test_sees_none": ["passed"],
    }, run.text
    told = run.told("test_sees_a_bug")
    assert told.startswith("internal-error: RuntimeError: cannot add <redacted>\n")
    assert "a bug of tiledesk-fake: report it with this traceback" in told
    assert "Traceback (most recent call last):" in told
    assert "in add\n" in told
    assert run.summary("test_sees_a_bug").startswith("Failed: internal-error: RuntimeError: cannot add")
    own = run.told("test_fails_by_itself")
    assert "on purpose" in own.partition("tiledesk-fake failed")[0]
    assert "RuntimeError: cannot add <redacted>" in own.partition("tiledesk-fake failed")[2]


REPLACED = """
    import builtins, io, os
    from pathlib import Path
    from unittest import mock
    import pytest, requests

    def refuse(*arguments, **keywords):
        raise OSError("no file is there")

    def ask(fake, path="/nowhere"):
        return requests.get(f"{fake.url}{path}", timeout=10).status_code

    @pytest.fixture
    def without_files():
        with mock.patch("io.open", refuse), mock.patch("builtins.open", refuse):
            yield

    @pytest.mark.tiledesk(allow=["unknown-path"])
    @pytest.mark.parametrize("number", range(2))
    def test_replaces_open(fake_tiledesk, number):
        with mock.patch("io.open", refuse), mock.patch("builtins.open", refuse):
            assert ask(fake_tiledesk) == 404
        assert [violation.rule for violation in fake_tiledesk.journal.violations] == ["unknown-path"]
        assert ask(fake_tiledesk, "/jwt/history") == 401

    @pytest.mark.tiledesk(profile={"page-base": "1"}, allow=["unknown-path"])
    def test_replaces_open_first(without_files, fake_tiledesk):
        assert ask(fake_tiledesk) == 404
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        token = fake_tiledesk.issue_token(ada)
        headers = {"Authorization": token.authorization}
        answer = requests.delete(f"{fake_tiledesk.url}/jwt/history/{token.jti}", headers=headers, timeout=10)
        assert answer.status_code == 200
"""


def test_a_fake_reads_nothing_while_it_serves(project: Project) -> None:
    project.write("test_it.py", REPLACED)

    run = project.run("-W", "error")

    assert run.counts == {"passed": 3}, run.text


def test_a_fake_works_under_pyfakefs(project: Project) -> None:
    project.write("beside.yaml", "profile: {page-base: '1'}\n")
    project.write(
        "test_it.py",
        """
        import pytest, requests
        from pathlib import Path

        def ask(fake, path="/jwt/history"):
            return requests.get(f"{fake.url}{path}", timeout=10).status_code

        @pytest.mark.tiledesk(allow=["unknown-path"])
        def test_files_first(fs, fake_tiledesk):
            fs.create_file("/etc/mine", contents="mine")
            assert Path("/etc/mine").read_text() == "mine"
            assert (ask(fake_tiledesk), ask(fake_tiledesk, "/nowhere")) == (401, 404)

        def test_fake_first(fake_tiledesk, fs):
            assert ask(fake_tiledesk) == 401

        @pytest.mark.tiledesk(profile={"revoke-answer": "success"}, now="2026-01-01T00:00:00Z")
        def test_other_profile(fs, fake_tiledesk):
            assert ask(fake_tiledesk) == 401

        @pytest.mark.tiledesk(profile="beside.yaml")
        def test_profile_of_a_real_file(fs, fake_tiledesk):
            assert fake_tiledesk.profile["page-base"] == "1"

        def test_factory(fs, fake_tiledesk_factory):
            with fake_tiledesk_factory(profile={"page-base": "1"}, seed=1) as fake:
                assert ask(fake) == 401
        """,
    )

    run = project.run("-W", "error", plugins=("fakefs", "tiledesk_fake"))

    assert run.counts == {"passed": 5}, run.text + run.errors
