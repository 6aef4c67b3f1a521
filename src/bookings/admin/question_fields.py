"""The questions of a service as fields of a form of staff's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.generic_bases import ModelForm
from bookings.exceptions import InvalidBooking
from bookings.questions import ERROR_PREFIX, Question, field_of, questions_of, values_of

FIELD_PREFIX: Final = "question_"
"""What the names of the fields begin with, for a question may be called like another field."""


YES, NO = _("Yes"), _("No")


class QuestionsForm(ModelForm):
    """A form to which :func:`with_questions` may add fields.

    None of them has to be filled in: staff may save a form without the client's answers, and the
    service refuses what is missing of a new booking.
    """

    questions: ClassVar[tuple[Question, ...]] = ()

    def given_answers(self) -> dict[str, Any]:
        """Return the answers that differ from those that the form was opened with."""
        names = (question.name for question in self.questions)
        return {
            name: self.cleaned_data[field]
            for name in names
            if (field := f"{FIELD_PREFIX}{name}") in self.changed_data
        }


def with_questions(form: type[Any], questions: tuple[Question, ...]) -> type[Any]:
    """Return a subclass of a :class:`QuestionsForm` that asks these questions."""
    if not questions:
        return form
    fields: dict[str, Any] = {"questions": questions}
    for question in questions:
        fields[f"{FIELD_PREFIX}{question.name}"] = field_of(replace(question, required=False))
    return type(form.__name__, (form,), fields)


def field_names(questions: Iterable[Question]) -> list[str]:
    return [f"{FIELD_PREFIX}{question.name}" for question in questions]


def initial_answers(booking: Any) -> dict[str, Any]:
    """Return the stored answers as initial values of the fields."""
    return {f"{FIELD_PREFIX}{name}": value for name, value in values_of(booking).items()}


def questions_for_staff(service: Any) -> tuple[Question, ...]:
    """Return the questions of a service; none if their declaration is not right.

    Booking the service says what is wrong with it, and other pages have to work all the same.
    """
    try:
        return questions_of(service)
    except InvalidBooking:
        return ()


def field_of_error(name: str) -> str:
    """Return the name of the field for that of an error about an answer; any other as it is."""
    if name.startswith(ERROR_PREFIX):
        return FIELD_PREFIX + name.removeprefix(ERROR_PREFIX)
    return name


def answers_list(answers: Iterable[dict[str, Any]]) -> SafeString | str:
    """Return stored answers as a list of their labels and values."""
    return format_html(
        '<ul class="bookings-answers">{}</ul>',
        format_html_join("", "<li>{}: {}</li>", map(answer_texts, answers)),
    )


def answer_texts(answer: dict[str, Any]) -> tuple[str, str]:
    """Return the label and the value of a stored answer as text."""
    value = answer.get("value_labels", answer["value"])
    if isinstance(value, bool):
        return answer["label"], str(YES if value else NO)
    return answer["label"], ", ".join(map(str, value)) if isinstance(value, list) else str(value)
