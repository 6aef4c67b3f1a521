"""What a service may declare, and what is said about a declaration that is not right."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy

from bookings import questions
from bookings.exceptions import InvalidBooking
from bookings.questions import Audience, Question, QuestionType
from bookings.rules.questions import parse_questions
from tests.questions.conftest import ANSWERS, TEN
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_written

OF_A_NAME = {"name": "a", "label": "A"}


def test_a_declaration_is_read_with_its_defaults() -> None:
    assert parse_questions([OF_A_NAME], "q") == (Question("a", "A"),)
    (question,) = parse_questions(
        (
            {
                "name": "a1",
                "label": gettext_lazy("Yes"),
                "type": QuestionType.CHOICE,
                "required": True,
                "choices": ("x", ("y", gettext_lazy("No"))),
                "help_text": "Help",
                "for": Audience.STAFF,
            },
        ),
        "q",
    )
    assert question.choices == (("x", "x"), ("y", "No"))
    assert (question.required, question.audience, question.help_text) == (True, "staff", "Help")


def test_none_is_no_question() -> None:
    assert parse_questions(None, "q") == parse_questions([], "q") == ()


WRONG: dict[str, Any] = {
    "no list": {"a": 1},
    "text": "size",
    "a number": 5,
    "no dict": ["size"],
    "no name": [{"label": "A"}],
    "an unknown key": [OF_A_NAME | {"lable": "A"}],
    "a key that is no text": [OF_A_NAME | {5: "A"}],
    "a name with capitals": [OF_A_NAME | {"name": "Size"}],
    "a name with a dash": [OF_A_NAME | {"name": "my-size"}],
    "a name that begins with a digit": [OF_A_NAME | {"name": "1a"}],
    "a name with a newline": [OF_A_NAME | {"name": "a\n"}],
    "a long name": [OF_A_NAME | {"name": "a" * 64}],
    "a name that is no text": [OF_A_NAME | {"name": 5}],
    "a name twice": [OF_A_NAME, OF_A_NAME],
    "no label": [{"name": "a"}],
    "a blank label": [OF_A_NAME | {"label": "  "}],
    "a label that is no text": [OF_A_NAME | {"label": 5}],
    "a long label": [OF_A_NAME | {"label": "a" * 1_001}],
    "a label that no database stores": [OF_A_NAME | {"label": "a\x00"}],
    "an unknown type": [OF_A_NAME | {"type": "colour"}],
    "a type that is no text": [OF_A_NAME | {"type": ["text"]}],
    "required as text": [OF_A_NAME | {"required": "yes"}],
    "an unknown audience": [OF_A_NAME | {"for": "everybody"}],
    "help that is no text": [OF_A_NAME | {"help_text": None}],
    "a choice without choices": [OF_A_NAME | {"type": "choice"}],
    "choices of a text": [OF_A_NAME | {"choices": ["a"]}],
    "choices that are no list": [OF_A_NAME | {"type": "choice", "choices": "abc"}],
    "a choice twice": [OF_A_NAME | {"type": "choice", "choices": ["a", "a"]}],
    "an empty choice": [OF_A_NAME | {"type": "choice", "choices": [""]}],
    "a choice that is no text": [OF_A_NAME | {"type": "choices", "choices": [1]}],
    "a choice of three": [OF_A_NAME | {"type": "choices", "choices": [["a", "b", "c"]]}],
    "a choice without a label": [OF_A_NAME | {"type": "choices", "choices": [["a", ""]]}],
    "too many choices": [OF_A_NAME | {"type": "choice", "choices": [str(n) for n in range(501)]}],
    "too many questions": [{"name": f"a{n}", "label": "A"} for n in range(101)],
    "nested without end": [OF_A_NAME | {"choices": [[[[[[]]]]]]}],
}


@pytest.mark.parametrize("declared", WRONG.values(), ids=WRONG)
def test_a_wrong_declaration_is_refused(declared: Any) -> None:
    with pytest.raises(InvalidBooking) as refused:
        parse_questions(declared, "service.questions")
    error = refused.value
    said = " ".join(error.messages)
    assert "service.questions" in said
    assert len(said) < 400


@pytest.mark.django_db
def test_nothing_is_booked_with_a_wrong_declaration(book: Book, make_service: Make) -> None:
    service = make_service()
    service.questions = [OF_A_NAME, OF_A_NAME | {"type": "colour", "name": "b"}]

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(service=service)

    assert refused.value.code == "invalid_questions"
    assert str(refused.value) == (
        "service.questions[1].type: 'colour' is none of text, long_text, choice, choices, "
        "boolean, number, date, email, phone, url."
    )
    assert refused.value.field == "service.questions[1].type"


@pytest.mark.django_db
def test_a_form_of_the_service_says_what_is_wrong(service: Any) -> None:
    service.questions = [{"name": "a"}]
    with pytest.raises(ValidationError) as refused:
        service.full_clean()
    assert refused.value.message_dict.keys() == {"questions"}
    service.questions = TEN
    service.full_clean()


class TestForm:
    def test_it_has_a_field_for_each_question_in_order(self) -> None:
        form = questions.answers_form(parse_questions(TEN, "q"))()

        assert list(form.fields) == [item["name"] for item in TEN]
        assert [field.label for field in form.fields.values()] == [item["label"] for item in TEN]
        assert form.fields["born"].help_text == "As in your passport."
        assert [name for name, field in form.fields.items() if field.required] == ["size", "terms"]
        html = form.as_p()
        for type_ in ("text", "checkbox", "number", "date", "email", "tel", "url"):
            assert f'type="{type_}"' in html, type_
        assert "<textarea" in html
        assert "<select" in html

    def test_it_is_for_clients_or_for_staff(self) -> None:
        asked = parse_questions(TEN, "q")

        assert list(questions.answers_form(asked, audience="staff")().fields) == ["site"]
        assert len(questions.answers_form(asked, audience="client")().fields) == 9

    def test_what_it_says_is_what_the_services_take(self) -> None:
        form = questions.answers_form(parse_questions(TEN, "q"))(
            {f"q-{name}": value for name, value in ANSWERS.items()} | {"q-terms": "on"},
            prefix="q",
        )

        assert form.is_valid(), form.errors
        assert form.answers == ANSWERS

    def test_it_shows_what_is_stored(self) -> None:
        form = questions.answers_form(parse_questions(TEN, "q"))(initial=ANSWERS)

        html = form.as_p()
        for shown in ("Mo", "2001-02-28", "1.75", "checked", "selected", "pa@example.com"):
            assert shown in html

    def test_it_refuses_what_the_services_refuse(self) -> None:
        form = questions.answers_form(parse_questions(TEN, "q"))(
            {"site": "javascript:alert(1)", "born": "28.02.2001", "days": ["Sun"], "rings": "no"}
        )

        assert form.errors.keys() == {"site", "born", "days", "rings", "size", "terms"}

    def test_an_optional_choice_can_be_left_open(self) -> None:
        declared = [{"name": "a", "label": "A", "type": "choice", "choices": ["x"]}]
        form = questions.answers_form(parse_questions(declared, "q"))({"a": ""})

        assert form.is_valid()
        assert form.answers == {"a": ""}
