"""The marker is checked for every test that uses one of the fixtures, and never does nothing."""

import pytest

from tests.plugin.outside import Project

TEST = """
    import pytest


    @pytest.mark.tiledesk({marker})
    def test_it({fixture}):
        pass
"""


@pytest.mark.parametrize("fixture", ["fake_tiledesk_factory", "fake_tiledesk_server"])
@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ('allow=["auth-schem"]', "there is no rule 'auth-schem'; did you mean 'auth-scheme'?"),
        ("profil={}", "there is no 'profil'; did you mean 'profile'?"),
        ('profile={"page-base": "1"}', "profile would do nothing, because this test does not use fake_tiledesk"),
        ('now="2026-01-01T00:00:00Z"', "now would do nothing, because this test does not use fake_tiledesk"),
    ],
    ids=["rule", "keyword", "profile", "now"],
)
def test_a_marker_that_cannot_be_obeyed_is_an_error(project: Project, fixture: str, marker: str, told: str) -> None:
    project.write("test_it.py", TEST.format(marker=marker, fixture=fixture))

    run = project.run("-W", "error")

    assert "1 error" in run.text
    assert told in " ".join(run.text.split())


def test_rules_are_allowed_for_a_fake_of_the_factory(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest
        import requests


        @pytest.mark.tiledesk(allow=["auth-scheme"])
        def test_it(fake_tiledesk_factory):
            with fake_tiledesk_factory() as fake:
                requests.get(f"{fake.url}/jwt/history", headers={"Authorization": "Bearer x"}, timeout=5)
        """,
    )

    assert "1 passed" in project.run("-W", "error").text
