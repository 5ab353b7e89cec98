"""What must work wherever the wheel is installed; run from there, with nothing of the checkout in reach."""

import json
import urllib.request
from pathlib import Path

import pytest

import tiledesk_fake
from tiledesk_fake import TiledeskFake, contract


def ask(url: str, authorization: str, method: str = "GET") -> object:
    request = urllib.request.Request(url, method=method, headers={"Authorization": authorization})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)


def test_the_package_is_the_installed_one() -> None:
    assert "site-packages" in Path(tiledesk_fake.__file__).parts


def test_the_contract_lies_in_the_package() -> None:
    assert Path(tiledesk_fake.__file__).parent / "openapi" / "jwt.yaml" == contract.FILE


def test_the_fixture_serves(fake_tiledesk: TiledeskFake) -> None:
    ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
    phone = fake_tiledesk.issue_token(ada)

    assert ask(f"{fake_tiledesk.url}/jwt/history", phone.authorization)["count"] == 1  # type: ignore[index]
    ask(f"{fake_tiledesk.url}/jwt/history/{phone.jti}", ada.authorization, "DELETE")
    assert phone.revoked


@pytest.mark.tiledesk(profile={"list-envelope": "bare"})
def test_a_profile_is_applied(fake_tiledesk: TiledeskFake) -> None:
    ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")

    assert ask(f"{fake_tiledesk.url}/jwt/history", ada.authorization) == []


def test_a_violation_names_a_line_that_the_reader_can_open() -> None:
    fake = TiledeskFake()
    fake.app.test_client().get("/v3/jwt/history", headers={"Authorization": "Bearer x"})

    file, _, number = fake.journal.violations[0].where.rpartition(":")
    assert "jwtAuth:" in Path(file).read_text(encoding="utf-8").splitlines()[int(number) - 1]
