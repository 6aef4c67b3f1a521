"""Staff see and edit the answers to a service's questions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bookings import questions
from bookings.models import Booking
from bookings.services import cancel_booking, create_booking
from tests.admin.conftest import ADD, Make, page_of
from tests.admin.page import errors_of, form_values, text_of
from tests.questions.conftest import ANSWERS, REQUIRED, TEN

SENT = {f"question_{name}": value for name, value in ANSWERS.items()} | {"question_terms": "on"}


@pytest.fixture
def course(make_service: Make) -> Any:
    return make_service(name="Course", questions=TEN)


@pytest.fixture
def answered(course: Any, provider: Any, start: Any) -> Booking:
    return create_booking(
        service=course, provider=provider, start_at=start, client_name="Mary", answers=ANSWERS
    )


def values(booking: Booking) -> dict[str, Any]:
    return questions.values_of(Booking.objects.get(pk=booking.pk))


def test_ten_questions_of_every_type_are_shown_and_left_as_they_are(
    boss: Client,
    answered: Booking,
) -> None:
    page = boss.get(page_of(answered))
    sent = form_values(page)
    assert sent["question_days"] == ["Mon", "Tue"]
    for item in TEN:
        assert item["label"] in text_of(page).replace("&#x27;", "'")

    assert boss.post(page_of(answered), sent).status_code == 302

    answered.refresh_from_db()
    assert answered.version == 1


def test_each_of_them_is_edited(boss: Client, answered: Booking) -> None:
    new = {
        "nickname": "Mia",
        "story": "A\nB",
        "size": "s",
        "days": ["Wed"],
        "height": 2,
        "born": "2000-01-01",
        "parent": "ma@example.com",
        "rings": "123456",
        "site": "",
    }
    sent = form_values(boss.get(page_of(answered)))
    sent |= {f"question_{name}": value for name, value in new.items()}

    assert boss.post(page_of(answered), sent).status_code == 302

    del new["site"]
    assert values(answered) == new | {"terms": True}
    page = text_of(boss.get(page_of(answered)))
    assert "What do friends call you?: Mia" in page
    assert "Your size: Small" in page
    assert "I accept: Yes" in page


def test_a_wrong_answer_is_said_at_its_field(boss: Client, answered: Booking) -> None:
    sent = form_values(boss.get(page_of(answered)))
    wrong = {"question_site": "javascript:alert(1)", "question_height": "tall"}

    assert errors_of(boss.post(page_of(answered), sent | wrong)) == {
        "question_site": ["Enter a valid URL."],
        "question_height": ["Enter a number."],
    }


def test_a_required_answer_cannot_be_removed(boss: Client, answered: Booking) -> None:
    sent = form_values(boss.get(page_of(answered))) | {"question_size": ""}

    assert errors_of(boss.post(page_of(answered), sent)) == {
        "question_size": ["This field is required."]
    }
    assert values(answered) == ANSWERS | {"days": ["Tue", "Mon"]}


def test_a_booking_without_answers_can_be_edited(
    boss: Client,
    answered: Booking,
) -> None:
    Booking._base_manager.filter(pk=answered.pk).update(answers=[])
    sent = form_values(boss.get(page_of(answered)))

    assert boss.post(page_of(answered), sent | {"notes_internal": "VIP"}).status_code == 302
    assert values(answered) == {}


def test_answers_can_be_corrected_when_the_booking_is_over(
    boss: Client,
    answered: Booking,
) -> None:
    cancel_booking(answered)
    sent = form_values(boss.get(page_of(answered)))

    assert boss.post(page_of(answered), sent | {"question_nickname": "Mia"}).status_code == 302
    assert values(answered)["nickname"] == "Mia"


def test_who_may_only_look_sees_them_as_text(
    viewer: Client,
    answered: Booking,
) -> None:
    page = text_of(viewer.get(page_of(answered)))

    assert "Which days?: Tue, Mon" in page
    assert "question_nickname" not in page


def test_what_is_not_asked_any_more_is_shown_as_text(
    boss: Client,
    answered: Booking,
) -> None:
    answered.service.questions = TEN[:1]
    answered.service.save()
    page = boss.get(page_of(answered))

    assert "question_nickname" in form_values(page)
    assert "question_size" not in form_values(page)
    assert "Your size: Large" in text_of(page)


def test_a_service_without_questions_has_no_such_fields(
    boss: Client,
    service: Any,
    provider: Any,
    start: Any,
) -> None:
    booking = create_booking(service=service, provider=provider, start_at=start, client_name="Mary")
    assert "bookings-answers" not in text_of(boss.get(page_of(booking)))
    assert "Questions" not in text_of(boss.get(page_of(booking)))


def test_a_declaration_that_is_not_right_breaks_no_page(
    boss: Client,
    answered: Booking,
) -> None:
    type(answered.service).objects.update(questions=[{"name": "A B"}])
    page = boss.get(page_of(answered))

    assert page.status_code == 200
    assert "Your size: Large" in text_of(page)
    assert boss.post(page_of(answered), form_values(page)).status_code == 302


class TestAdd:
    def test_the_questions_are_asked_once_the_service_is_chosen(
        self,
        boss: Client,
        form: Any,
        course: Any,
    ) -> None:
        assert "question_size" not in text_of(boss.get(ADD))
        asked = boss.post(ADD, form(boss, service=course.pk))
        assert errors_of(asked) == {
            "question_size": ["This field is required."],
            "question_terms": ["This field is required."],
        }

        response = boss.post(ADD, form_values(asked) | SENT)

        assert response.status_code == 302
        assert values(Booking.objects.get()) == ANSWERS | {"days": ["Tue", "Mon"]}

    def test_a_link_may_choose_it(self, boss: Client, course: Any) -> None:
        assert "question_size" in text_of(boss.get(ADD, {"service": course.pk}))
        for wrong in ("x", "0", "9" * 40, "%00"):
            assert boss.get(ADD, {"service": wrong}).status_code == 200

    def test_staff_may_book_without_answers(
        self,
        boss: Client,
        form: Any,
        course: Any,
    ) -> None:
        sent = form(boss, service=course.pk, override_policy="on")

        assert boss.post(ADD, sent).status_code == 302
        assert values(Booking.objects.get()) == {}

    def test_a_declaration_that_is_not_right_is_said(
        self,
        boss: Client,
        form: Any,
        course: Any,
    ) -> None:
        type(course).objects.update(questions=[{"name": "A B"}])

        (errors,) = errors_of(boss.post(ADD, form(boss, service=course.pk))).values()

        assert "service.questions[0]" in errors[0]


def test_required_answers_of_a_link_are_those_of_its_service(
    boss: Client,
    course: Any,
) -> None:
    page = boss.get(ADD, {"service": course.pk})
    assert all(f"question_{name}" in text_of(page) for name in REQUIRED)
