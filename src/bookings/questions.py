"""The questions of a service, as a form and as the answers that a booking keeps.

A service declares them in its attribute ``questions``, or the adapter's ``questions()`` does::

    [
        {"name": "allergies", "label": "Do you have allergies?", "type": "long_text"},
        {"name": "size", "label": "Your size", "type": "choice", "choices": ["S", "M", "L"],
         "required": True},
        {"name": "seen", "label": "Identity card seen", "type": "boolean", "for": "staff"},
    ]

Pages, the admin and APIs ask them with the same form; the services validate by its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter, is_overridden
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.rules.questions import Audience, Question, QuestionType, parse_questions
from bookings.rules.validation import Readable, check_characters

__all__ = [
    "AnswersForm",
    "Audience",
    "Question",
    "QuestionType",
    "answers_form",
    "given_answers",
    "merge_answers",
    "questions_of",
    "stored_answers",
    "values_of",
]

MAX_TEXT: Final = 1_000
MAX_LONG_TEXT: Final = 20_000
MAX_DIGITS: Final = 15
"""As many as a number of JSON keeps exactly."""

MAX_ERRORS: Final = 20
MAX_SHOWN: Final = 80

ERROR_PREFIX: Final = "answers."
"""What the names of questions begin with as fields of an error."""

Answer = dict[str, Any]


class _DateInput(forms.DateInput):
    input_type = "date"


class _NumberField(forms.DecimalField):
    """A number that JSON keeps exactly: an ``int``, or a ``float``."""

    def clean(self, value: Any) -> Any:
        try:
            number: Decimal | None = super().clean(value)
        except ValueError:
            # Python refuses to write an integer of thousands of digits.
            raise ValidationError(self.error_messages["invalid"], "invalid") from None
        if number is None:
            return None
        return int(number) if number == number.to_integral_value() else float(number)


class _DateField(forms.DateField):
    """A date as text of ISO 8601, whatever the language."""

    def __init__(self, **options: Any) -> None:
        widget = _DateInput(format="%Y-%m-%d")
        super().__init__(input_formats=["%Y-%m-%d"], widget=widget, **options)

    def clean(self, value: Any) -> Any:
        day: date | None = super().clean(value)
        return None if day is None else day.isoformat()


def _text_field(**options: Any) -> forms.Field:
    return forms.CharField(max_length=MAX_TEXT, **options)


def _long_text_field(**options: Any) -> forms.Field:
    return forms.CharField(
        max_length=MAX_LONG_TEXT, widget=forms.Textarea(attrs={"rows": 4}), **options
    )


def _choice_field(*, choices: Any, required: bool, **options: Any) -> forms.Field:
    empty = [] if required else [("", "–")]
    return forms.ChoiceField(choices=[*empty, *choices], required=required, **options)


def _choices_field(**options: Any) -> forms.Field:
    return forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple, **options)


def _phone_field(**options: Any) -> forms.Field:
    validator = RegexValidator(
        r"^\+?(?:[\s()./-]*\d){3,20}[\s()./-]*$",
        _("Write a phone number: digits, with a plus before the country's code."),
        "invalid_phone",
    )
    return forms.CharField(
        max_length=64,
        validators=[validator],
        widget=forms.TextInput(attrs={"type": "tel"}),
        **options,
    )


def _url_field(**options: Any) -> forms.Field:
    return forms.CharField(
        max_length=2_000,
        validators=[URLValidator(["http", "https"])],
        widget=forms.URLInput,
        **options,
    )


FIELDS: Final[dict[QuestionType, Callable[..., forms.Field]]] = {
    QuestionType.TEXT: _text_field,
    QuestionType.LONG_TEXT: _long_text_field,
    QuestionType.CHOICE: _choice_field,
    QuestionType.CHOICES: _choices_field,
    QuestionType.BOOLEAN: forms.BooleanField,
    QuestionType.NUMBER: lambda **options: _NumberField(max_digits=MAX_DIGITS, **options),
    QuestionType.DATE: _DateField,
    QuestionType.EMAIL: lambda **options: forms.EmailField(max_length=254, **options),
    QuestionType.PHONE: _phone_field,
    QuestionType.URL: _url_field,
}

TYPES: Final[dict[QuestionType, tuple[type, ...]]] = {
    QuestionType.CHOICES: (list, tuple),
    QuestionType.BOOLEAN: (bool,),
    QuestionType.NUMBER: (int, float, Decimal, str),
    QuestionType.DATE: (date, str),
}
"""What an answer may be in Python, if not text alone."""


def field_of(question: Question) -> forms.Field:
    """Return the form field of a question."""
    options: dict[str, Any] = {
        "label": question.label,
        "required": question.required,
        "help_text": question.help_text,
    }
    if question.choices:
        options["choices"] = question.choices
    return FIELDS[question.type](**options)


class AnswersForm(forms.Form):
    """A form of questions, one field for each, by its name. :func:`answers_form` makes them.

    Give it a ``prefix`` where it is shown beside another form.
    """

    questions: ClassVar[tuple[Question, ...]] = ()

    @property
    def answers(self) -> dict[str, Any]:
        """The answers of the valid form, as the services take them: all, also the empty ones."""
        return {question.name: self.cleaned_data[question.name] for question in self.questions}


def answers_form(
    questions: Iterable[Question], *, audience: str | None = None
) -> type[AnswersForm]:
    """Return the form class that asks these questions; ``None`` asks those of both audiences."""
    asked = tuple(
        question for question in questions if audience is None or question.audience == audience
    )
    fields = {question.name: field_of(question) for question in asked}
    return type("AnswersForm", (AnswersForm,), {**fields, "questions": asked})


def questions_of(service: Any) -> tuple[Question, ...]:
    """Return the questions of a service, as the adapter says; none for most services.

    Raises ``InvalidBooking`` (code ``invalid_questions``) for a declaration that is not right.
    """
    declared = get_adapter().questions(service)
    if not declared:
        return ()
    source = "adapter.questions()" if is_overridden("questions") else "service.questions"
    return parse_questions(declared, source)


def values_of(booking: Booking) -> dict[str, Any]:
    """Return the answers of a booking, by the names of the questions."""
    return {answer["name"]: answer["value"] for answer in booking.answers}


def given_answers(answers: Any) -> dict[str, Any]:
    """Return the argument ``answers`` of a service; an empty ``dict`` for ``None``.

    Raises ``InvalidBooking`` for what is no ``dict``.
    """
    if answers is None:
        return {}
    if not isinstance(answers, dict):
        raise InvalidBooking(
            _("%(name)s must be a dict, not %(type)s."),
            params={"name": "answers", "type": type(answers).__name__},
        )
    return answers


def stored_answers(
    service: Any, given: Mapping[str, Any], *, is_complete: bool = True
) -> list[Answer]:
    """Return the given answers as a new booking keeps them, in the order of the questions.

    With ``is_complete``, the client's required questions have to be answered. Raises
    ``InvalidBooking`` by question.
    """
    questions = questions_of(service)
    if not questions and not given:
        return []
    return _merge(questions, [], given, is_complete=is_complete)


def merge_answers(
    service: Any, stored: list[Answer], given: Mapping[str, Any], *, is_complete: bool = False
) -> list[Answer]:
    """Return the stored answers with those that are given; an empty one removes what is stored.

    What is not given stays as it was asked then, also if the service does not ask it any more. A
    required answer can be replaced, not removed. Raises ``InvalidBooking`` by question.
    """
    if not given and not is_complete:
        return stored
    return _merge(questions_of(service), stored, given, is_complete=is_complete)


def _merge(
    questions: tuple[Question, ...],
    stored: list[Answer],
    given: Mapping[str, Any],
    *,
    is_complete: bool,
) -> list[Answer]:
    by_name = {question.name: question for question in questions}
    kept = {answer["name"]: answer for answer in stored}
    errors: dict[str, Any] = {}
    for name, value in given.items():
        if len(errors) == MAX_ERRORS:
            break
        if name in by_name:
            try:
                answer = _answer(by_name[name], value)
            except (ValidationError, InvalidBooking) as error:
                errors[f"{ERROR_PREFIX}{name}"] = getattr(error, "error_list", [error])
                continue
            kept.pop(name, None)
            if answer is not None:
                kept[name] = answer
        elif name in kept and value in (None, ""):
            del kept[name]
        else:
            shown = name[:MAX_SHOWN] if isinstance(name, str) else Readable(name)
            errors[f"{ERROR_PREFIX}{shown}"] = [
                ValidationError(_("The service does not ask this."), "unknown_question")
            ]
    if is_complete:
        for question in questions:
            is_missing = question.required and question.audience == Audience.CLIENT
            if is_missing and question.name not in kept:
                errors.setdefault(f"{ERROR_PREFIX}{question.name}", [_required(question)])
    if errors:
        raise InvalidBooking(errors, "invalid_answers")
    asked = [kept.pop(name) for name in by_name if name in kept]
    return [*asked, *kept.values()]


def _required(question: Question) -> ValidationError:
    return ValidationError(field_of(question).error_messages["required"], "required")


def _answer(question: Question, value: Any) -> Answer | None:
    """Return what is stored of an answer; ``None`` for an empty one. Raises ``ValidationError``."""
    field = field_of(question)
    if value is not None:
        _check_type(question, value)
    cleaned = field.clean(value)
    if isinstance(cleaned, list):
        cleaned = list(dict.fromkeys(cleaned))
    if value is None or cleaned in field.empty_values:
        return None
    answer: Answer = {
        "name": question.name,
        "label": str(question.label),
        "type": str(question.type),
        "value": cleaned,
    }
    labels = dict(question.choices)
    if labels:
        chosen = cleaned if isinstance(cleaned, list) else [cleaned]
        answer["value_labels"] = [str(labels[each]) for each in chosen]
    return answer


def _check_type(question: Question, value: Any) -> None:
    """Refuse what a form would turn into something else, such as ``"no"`` into yes."""
    types = TYPES.get(question.type, (str,))
    is_wrong = not isinstance(value, types) or isinstance(value, datetime)
    # To Python, True is a number.
    if is_wrong or (isinstance(value, bool) and bool not in types):
        raise ValidationError(
            _("%(value)s is no answer of the type %(type)s."),
            "invalid_type",
            {"value": Readable(value), "type": str(question.type)},
        )
    for text in value if isinstance(value, list | tuple) else (value,):
        if isinstance(text, str):
            check_characters(question.name, text)
