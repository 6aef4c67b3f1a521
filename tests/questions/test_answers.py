"""The answers of a booking: validated by the questions, stored as they were asked."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy

from bookings import questions
from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.services import (
    confirm_booking,
    hold_booking,
    submit_hold,
    update_booking,
)
from tests.questions.conftest import ANSWERS, REQUIRED, TEN
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import history, last_event, nothing_written, stored

pytestmark = pytest.mark.django_db

Errors = dict[str, list[str]]


def refusals(refused: pytest.ExceptionInfo[InvalidBooking]) -> Errors:
    assert refused.value.code == "invalid_answers"
    return refused.value.message_dict


def test_every_type_is_stored_with_its_question_as_it_was_asked(book: Book, curious: Any) -> None:
    booking = stored(book(service=curious, answers=ANSWERS))

    assert questions.values_of(booking) == ANSWERS
    assert [answer["label"] for answer in booking.answers] == [item["label"] for item in TEN]
    assert booking.answers[2] == {
        "name": "size",
        "label": "Your size",
        "type": "choice",
        "value": "l",
        "value_labels": ["Large"],
    }
    assert booking.answers[0].keys() == {"name", "label", "type", "value"}


def test_a_choice_that_is_given_twice_counts_once(book: Book, curious: Any) -> None:
    booking = stored(book(service=curious, answers=REQUIRED | {"days": ["Tue", "Mon", "Tue"]}))

    assert questions.values_of(booking)["days"] == ["Tue", "Mon"]


def test_they_keep_the_order_and_the_words_of_when_they_were_asked(
    book: Book, curious: Any
) -> None:
    backwards = dict(reversed(ANSWERS.items()))
    booking = book(service=curious, answers=backwards)
    before = stored(booking).answers
    curious.questions = [{"name": "size", "label": "Another question"}]
    curious.save()

    assert stored(booking).answers == before
    assert [answer["name"] for answer in before] == [item["name"] for item in TEN]


def test_what_is_not_answered_is_not_stored(book: Book, curious: Any) -> None:
    empty = {"nickname": "", "story": None, "days": [], "height": None, "born": ""}
    booking = book(service=curious, answers=REQUIRED | empty)

    assert questions.values_of(stored(booking)) == REQUIRED


def test_no_is_an_answer(book: Book, make_service: Make) -> None:
    service = make_service(questions=[{"name": "diabetic", "label": "?", "type": "boolean"}])

    assert questions.values_of(book(service=service, answers={"diabetic": False})) == {
        "diabetic": False
    }


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("height", 2, 2),
        ("height", 0, 0),
        ("height", "1.50", 1.5),
        ("height", Decimal("0.1"), 0.1),
        ("height", -3.0, -3),
        ("born", date(2000, 2, 29), "2000-02-29"),
        ("nickname", "  Mo ", "Mo"),
        ("days", ("Mon",), ["Mon"]),
        ("rings", "123", "123"),
        ("site", "http://localhost:8000/a?b=c", "http://localhost:8000/a?b=c"),
    ],
)
def test_a_value_is_stored_as_json_has_it(
    book: Book, curious: Any, name: str, given: Any, kept: Any
) -> None:
    booking = stored(book(service=curious, answers=REQUIRED | {name: given}))

    value = questions.values_of(booking)[name]
    assert (value, type(value)) == (kept, type(kept))


WRONG: dict[str, list[Any]] = {
    "nickname": [1, True, ["Mo"], {"a": 1}, "x" * 1_001, "a\x00b", "\ud800", b"Mo"],
    "story": ["x" * 20_001, 5],
    "size": ["xl", "Large", ["s"], 1, ""],
    "days": ["Mon", ["Sun"], [1], {"Mon": 1}, [["Mon"]]],
    "terms": [False, "yes", 1, None],
    "height": ["tall", True, float("nan"), float("inf"), [1], "1e400", 10**5_000, 10**15],
    "born": ["28.02.2001", "2001-02-30", 2001, datetime(2001, 2, 28, tzinfo=UTC), "yesterday"],
    "parent": ["nobody", "a@b", 1, "x" * 250 + "@example.com"],
    "rings": ["call me", "12", "+" * 65, 12345, "0" * 40],
    "site": [
        "javascript:alert(1)",
        "ftp://example.com",
        "example.com",
        "data:text/html,x",
        "//example.com",
        "https://example.com/" + "x" * 2_000,
        1,
    ],
}


@pytest.mark.parametrize(
    ("name", "given"),
    [
        pytest.param(name, value, id=f"{name} {number}")
        for name, values in WRONG.items()
        for number, value in enumerate(values)
    ],
)
def test_a_wrong_answer_is_refused_by_its_name(
    book: Book, curious: Any, name: str, given: Any
) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=curious, answers=REQUIRED | {name: given})

    assert refusals(refused).keys() == {f"answers.{name}"}


def test_all_that_is_wrong_is_said_at_once(book: Book, curious: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=curious, answers={"colour": "red", "height": "tall"})

    assert refusals(refused) == {
        "answers.colour": ["The service does not ask this."],
        "answers.height": ["Enter a number."],
        "answers.size": ["This field is required."],
        "answers.terms": ["This field is required."],
    }


@pytest.mark.parametrize("answers", [[], "", 0, ["size"], "size", 5, [("size", "l")]])
def test_what_is_no_dict_is_refused(book: Book, curious: Any, answers: Any) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=curious, answers=answers)
    assert refused.value.field == "answers"


def test_a_service_without_questions_takes_no_answers(book: Book) -> None:
    assert book(answers={}).answers == []
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(answers={"size": "l"}, start_at=START + DAY)
    assert refusals(refused) == {"answers.size": ["The service does not ask this."]}


def test_thousands_of_unknown_names_are_not_repeated(book: Book, curious: Any) -> None:
    many: dict[Any, Any] = {f"{number}{'x' * 10_000}": 1 for number in range(2_000)}
    with pytest.raises(InvalidBooking) as refused:
        book(service=curious, answers=many | {5: 1})
    assert len(str(refused.value)) < 5_000
    assert len(refused.value.message_dict) < 30


def test_a_name_that_is_no_text_is_unknown(book: Book, curious: Any) -> None:
    with pytest.raises(InvalidBooking) as refused:
        book(service=curious, answers=REQUIRED | {5: 1})
    assert refusals(refused).keys() == {"answers.5"}


def test_required_questions_of_staff_are_not_asked_of_clients(
    book: Book, make_service: Make
) -> None:
    seen = {"name": "seen", "label": "Seen", "type": "boolean", "for": "staff", "required": True}
    booking = book(service=make_service(questions=[seen]))

    assert booking.answers == []
    with nothing_written(), pytest.raises(InvalidBooking):
        update_booking(booking, answers={"seen": False})
    assert questions.values_of(update_booking(booking, answers={"seen": True})) == {"seen": True}


def test_staff_may_book_without_answers_and_not_with_wrong_ones(book: Book, curious: Any) -> None:
    assert book(service=curious, override_policy=True).answers == []
    with nothing_written(), pytest.raises(InvalidBooking):
        book(
            service=curious,
            answers={"size": "xl"},
            override_policy=True,
            start_at=START + DAY,
        )


class TestHold:
    def test_it_may_leave_answers_out_until_it_is_submitted(
        self, curious: Any, provider: Any
    ) -> None:
        hold = hold_booking(
            service=curious,
            provider=provider,
            start_at=START,
            answers={"nickname": "Mo"},
            now_dt=NOW,
        )
        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            submit_hold(hold, client_name="Mary", answers={"size": "s"}, now_dt=NOW)
        assert refusals(refused).keys() == {"answers.terms"}

        submit_hold(hold, client_name="Mary", answers=REQUIRED, now_dt=NOW)

        assert questions.values_of(stored(hold)) == {"nickname": "Mo"} | REQUIRED
        data = last_event(hold).data
        assert [answer["name"] for answer in data["old_answers"]] == ["nickname"]
        assert [answer["name"] for answer in data["new_answers"]] == ["nickname", "size", "terms"]

    @pytest.mark.parametrize("verb", [submit_hold, confirm_booking])
    def test_staff_may_complete_it_without(self, book: Book, curious: Any, verb: Any) -> None:
        hold = book(service=curious, expires_at=NOW + minutes(15))
        with nothing_written(), pytest.raises(InvalidBooking):
            verb(hold, now_dt=NOW)

        assert verb(hold, override_policy=True, now_dt=NOW).status == "CONFIRMED"

    @pytest.mark.parametrize("verb", [submit_hold, confirm_booking])
    @pytest.mark.parametrize("answers", [[], "x", {"size": "xl"}, {"colour": "red"}])
    def test_wrong_answers_are_refused(
        self, book: Book, curious: Any, verb: Any, answers: Any
    ) -> None:
        hold = book(service=curious, expires_at=NOW + minutes(15))
        with nothing_written(), pytest.raises(InvalidBooking):
            verb(hold, answers=answers, now_dt=NOW)


def test_a_request_that_was_complete_is_confirmed_although_more_is_asked_now(
    book: Book, make_service: Make
) -> None:
    service = make_service(requires_approval=True)
    request = book(service=service)
    service.questions = TEN
    service.save()

    assert confirm_booking(request, now_dt=NOW).status == "CONFIRMED"


class TestUpdate:
    def test_answers_are_added_replaced_and_removed(self, book: Book, curious: Any) -> None:
        booking = book(service=curious, answers=REQUIRED | {"nickname": "Mo", "height": 2})

        update_booking(booking, answers={"size": "s", "nickname": "", "story": "None"})

        kept = {"story": "None", "size": "s", "terms": True, "height": 2}
        assert questions.values_of(stored(booking)) == kept
        event = last_event(booking)
        assert event.event_type == "UPDATED"
        assert set(event.data) == {"old_answers", "new_answers"}
        assert event.data["new_answers"] == booking.answers

    def test_equal_answers_change_nothing(self, book: Book, curious: Any) -> None:
        booking = book(service=curious, answers=ANSWERS)

        update_booking(booking, answers=ANSWERS)
        update_booking(booking, answers={})
        update_booking(booking, answers=None)

        assert history(booking) == ["CREATED"]

    def test_a_required_answer_stays(self, book: Book, curious: Any) -> None:
        booking = book(service=curious, answers=REQUIRED)
        for empty in ("", None):
            with nothing_written(), pytest.raises(InvalidBooking) as refused:
                update_booking(booking, answers={"size": empty})
            assert refusals(refused) == {"answers.size": ["This field is required."]}

    def test_what_is_not_asked_any_more_stays_and_can_be_removed(
        self, book: Book, curious: Any
    ) -> None:
        booking = book(service=curious, answers=REQUIRED | {"nickname": "Mo"})
        curious.questions = [{"name": "size", "label": "Waist", "type": "number"}]
        curious.save()
        booking = stored(booking)

        update_booking(booking, answers={"size": 80})
        assert questions.values_of(booking) == {"size": 80, "nickname": "Mo", "terms": True}
        assert booking.answers[0]["label"] == "Waist"
        update_booking(booking, answers={"nickname": None})
        assert questions.values_of(booking) == {"size": 80, "terms": True}
        with nothing_written(), pytest.raises(InvalidBooking):
            update_booking(booking, answers={"terms": True})

    def test_it_can_be_done_when_the_booking_is_over(self, book: Book, curious: Any) -> None:
        from bookings.services import cancel_booking

        booking = book(service=curious, answers=REQUIRED)
        cancel_booking(booking, now_dt=NOW)

        assert update_booking(booking, answers={"size": "s"}).status == "CANCELLED"


class TestIdempotency:
    def test_the_same_answers_are_the_same_request(self, book: Book, curious: Any) -> None:
        first = book(service=curious, answers=ANSWERS, idempotency_key="k")

        assert book(service=curious, answers=dict(ANSWERS), idempotency_key="k") == first

    @pytest.mark.parametrize("others", [None, {}, REQUIRED, ANSWERS | {"nickname": "Maria"}])
    def test_other_answers_are_another_request(self, book: Book, curious: Any, others: Any) -> None:
        book(service=curious, answers=ANSWERS, idempotency_key="k")

        with nothing_written(), pytest.raises(IdempotencyKeyReused):
            book(service=curious, answers=others, idempotency_key="k")

    def test_answers_that_json_cannot_hold_are_invalid(self, book: Book, curious: Any) -> None:
        with nothing_written(), pytest.raises(InvalidBooking):
            book(service=curious, answers=REQUIRED | {"story": {1}}, idempotency_key="k")


class TestAdapter:
    def test_it_may_ask_in_the_language_of_who_answers(
        self, book: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = [{"name": "note", "label": gettext_lazy("Notes"), "type": "text"}]
        monkeypatch.setattr(DefaultBookingAdapter, "questions", lambda self, service: asked)

        with translation.override("de"):
            booking = book(answers={"note": "Ja"})

        with translation.override("de"):
            assert booking.answers[0]["label"] == str(asked[0]["label"])
        assert booking.answers[0]["label"] != str(asked[0]["label"])

    def test_its_declaration_is_named(self, book: Book, settings: Any) -> None:
        settings.BOOKINGS_ADAPTER = f"{__name__}.Careless"

        with nothing_written(), pytest.raises(InvalidBooking) as refused:
            book()
        assert refused.value.messages[0].startswith("adapter.questions()[0]: ")


class Careless(DefaultBookingAdapter):
    def questions(self, service: Any) -> Any:
        return [{"name": "A B"}]


def test_a_service_without_the_attribute_asks_nothing(service: Any) -> None:
    assert questions.questions_of(object()) == ()
    service.questions = None
    assert questions.questions_of(service) == ()


class TestSave:
    def test_answers_can_be_saved(self, book: Book) -> None:
        booking = book()
        booking.answers = [{"name": "a", "label": "A", "type": "text", "value": "b"}]
        booking.save()

        assert stored(booking).answers == booking.answers
        assert history(booking) == ["CREATED", "UPDATED"]

    @pytest.mark.parametrize("answers", [{}, "a", 5, None, [{1: 2}], ["\x00"], [float("nan")]])
    def test_but_no_other_document(self, book: Book, answers: Any) -> None:
        booking = book()
        booking.answers = answers
        with nothing_written(), pytest.raises(InvalidBooking):
            booking.save()

    def test_a_new_booking_has_none(self, service: Any, provider: Any) -> None:
        booking = Booking(
            service=service,
            provider=provider,
            start_at=START,
            end_at=START + minutes(60),
            client_name="Mary",
        )
        booking.save()
        assert stored(booking).answers == []
