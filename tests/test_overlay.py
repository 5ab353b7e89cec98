"""A profile as an overlay: a tool that others wrote makes of the published contract what `spec` prints."""

from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from oas_patch.overlay import apply_overlay

from tests.test_contract import PROFILES, every_turn
from tiledesk_fake import ProfileError
from tiledesk_fake.contract import FILE, load
from tiledesk_fake.contract.overlay import overlay
from tiledesk_fake.contract.published import FORMS, published

# Neither has aliases, so a tool that changes what it was given changes one place.
AS_IT_IS_WRITTEN = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVER = "http://127.0.0.1:8000/v3"


def after(document: Any, actions: dict[str, Any]) -> Any:
    """The document after an overlay, by oas-patch."""
    return apply_overlay(deepcopy(document), deepcopy(actions))


@every_turn
def test_for_every_choice_it_makes_of_the_file_what_spec_prints(choices: dict[str, str]) -> None:
    assert after(AS_IT_IS_WRITTEN, overlay(choices)) == load(choices).document


@given(PROFILES, st.sampled_from([None, *FORMS]), st.sampled_from([None, SERVER]))
@settings(deadline=None, max_examples=20)
def test_for_any_profile_form_and_server_it_does_too(
    choices: dict[str, str], openapi: str | None, server: str | None
) -> None:
    expected = published(load(choices), openapi=openapi, server=server)

    assert after(AS_IT_IS_WRITTEN, overlay(choices, openapi=openapi, server=server)) == expected


@given(PROFILES)
@settings(deadline=None, max_examples=5)
def test_it_may_be_applied_to_what_spec_prints_too(choices: dict[str, str]) -> None:
    assert after(load().document, overlay(choices)) == load(choices).document


@every_turn
def test_it_is_an_overlay_whose_actions_say_why_they_are_there(choices: dict[str, str]) -> None:
    made = overlay(choices)

    assert made.keys() == {"overlay", "info", "actions"}
    assert made["overlay"] == "1.0.0"
    assert made["info"].keys() == {"title", "version"}
    for action in made["actions"]:
        assert action["target"].startswith("$")
        assert action["description"]
        assert ("update" in action) != ("remove" in action)
    turned = {f"{id}={choice}" for id, choice in choices.items() if load().choices[id] != choice}
    told = {action["description"].partition(":")[0] for action in made["actions"] if "=" in action["description"]}
    # What only the gate does is in no schema.
    assert told == turned - {"revocation-enforced=no"}
    assert all(each in made["info"]["title"] for each in turned)


def test_an_unknown_choice_is_a_profile_error() -> None:
    with pytest.raises(ProfileError, match="'page-bass'; did you mean 'page-base'"):
        overlay({"page-bass": "1"})
