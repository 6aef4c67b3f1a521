from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bookings.ledger import resource_claims
from tests.stateful.resource_machine import ResourceMachine

pytestmark = pytest.mark.django_db


def test_any_sequence_leaves_resources_sound(sequence_settings: settings) -> None:
    run_state_machine_as_test(ResourceMachine, settings=sequence_settings)


@pytest.mark.parametrize(
    ("owner", "name", "instead"),
    [
        (resource_claims, "release", lambda *_args, **_kwargs: {}),
        (resource_claims, "replace_all", lambda *_args, **_kwargs: None),
    ],
    ids=["leak", "stay behind"],
)
def test_the_sequences_find_what_is_broken(
    sequence_settings: settings,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    instead: Any,
) -> None:
    monkeypatch.setattr(owner, name, instead)
    hasty = settings(sequence_settings, max_examples=200, phases=[Phase.generate], derandomize=True)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(ResourceMachine, settings=hasty)
