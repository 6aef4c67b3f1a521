from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.stateful.machine import BookingMachine

pytestmark = pytest.mark.django_db


def test_any_sequence_of_verbs_does_what_the_rules_say(sequence_settings: settings) -> None:
    run_state_machine_as_test(BookingMachine, settings=sequence_settings)
