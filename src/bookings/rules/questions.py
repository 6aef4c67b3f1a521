"""The questions that a service asks: what a host declares, as values. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.rules.validation import Readable, check_characters

MAX_QUESTIONS: Final = 100
MAX_CHOICES: Final = 500
MAX_LABEL: Final = 1_000
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")


class QuestionType(StrEnum):
    """What an answer is, and how it is stored in JSON."""

    TEXT = "text"
    """A line of text."""
    LONG_TEXT = "long_text"
    """Text of several lines."""
    CHOICE = "choice"
    """One of the ``choices``: its value."""
    CHOICES = "choices"
    """Any of the ``choices``: a list of their values."""
    BOOLEAN = "boolean"
    """Yes or no; if it is required, it has to be yes."""
    NUMBER = "number"
    """A number of up to 15 digits."""
    DATE = "date"
    """A date: text such as ``2030-01-31``."""
    EMAIL = "email"
    """An e-mail address."""
    PHONE = "phone"
    """A phone number, as it was written."""
    URL = "url"
    """An ``http`` or ``https`` address."""


class Audience(StrEnum):
    """Who answers a question."""

    CLIENT = "client"
    STAFF = "staff"


WITH_CHOICES: Final = {QuestionType.CHOICE, QuestionType.CHOICES}

DECLARED: Final = {
    "name": "",
    "label": "",
    "type": QuestionType.TEXT,
    "required": False,
    "choices": (),
    "help_text": "",
    "for": Audience.CLIENT,
}
"""The keys of a declaration, with the defaults of those that may be left out."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a service."""

    name: str
    """What the answer is stored under: lower-case letters, digits and underscores."""
    label: Any
    """The question, as people read it; it may be a lazy translation."""
    type: QuestionType = QuestionType.TEXT
    required: bool = False
    choices: tuple[tuple[str, Any], ...] = ()
    """Pairs of a value and its label, of the types ``choice`` and ``choices``."""
    help_text: Any = ""
    audience: Audience = Audience.CLIENT
    """Who answers it; ``for`` in a declaration."""


def parse_questions(declared: Any, source: str) -> tuple[Question, ...]:
    """Return the questions that a host has declared; none for ``None``.

    Raises ``InvalidBooking`` with the code ``invalid_questions``, which says what is wrong with
    which question of the ``source``.
    """
    if declared is None:
        return ()
    if not isinstance(declared, list | tuple):
        raise _error(source, _("a list of questions is needed, not %(value)s."), declared)
    if len(declared) > MAX_QUESTIONS:
        raise _error(source, _("more than %(most)d questions."), most=MAX_QUESTIONS)
    questions: dict[str, Question] = {}
    for number, item in enumerate(declared):
        question = _parse(item, f"{source}[{number}]")
        if question.name in questions:
            raise _error(
                f"{source}[{number}]", _("the name %(value)s is taken already."), question.name
            )
        questions[question.name] = question
    return tuple(questions.values())


def _parse(item: Any, source: str) -> Question:
    if not isinstance(item, Mapping):
        raise _error(source, _("a dict is needed, not %(value)s."), item)
    for key in item:
        if key not in DECLARED:
            raise _error(
                source,
                _("%(value)s is unknown. The keys are %(known)s."),
                key,
                known=", ".join(DECLARED),
            )
    given = DECLARED | dict(item)
    name = given["name"]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _error(
            source,
            _(
                "the name is %(value)s. Write up to 63 lower-case letters, digits and underscores, "
                "a letter first."
            ),
            name,
        )
    kind = _member(QuestionType, given["type"], f"{source}.type")
    if not isinstance(given["required"], bool):
        raise _error(source, _("required is %(value)s. Write true or false."), given["required"])
    choices = _parse_choices(given["choices"], f"{source}.choices")
    if (kind in WITH_CHOICES) != bool(choices):
        raise _error(source, _("choices belong to the types choice and choices, which need some."))
    return Question(
        name=name,
        label=_text(given["label"], f"{source}.label", is_required=True),
        type=kind,
        required=given["required"],
        choices=choices,
        help_text=_text(given["help_text"], f"{source}.help_text"),
        audience=_member(Audience, given["for"], f"{source}.for"),
    )


def _parse_choices(given: Any, source: str) -> tuple[tuple[str, Any], ...]:
    if not isinstance(given, list | tuple):
        raise _error(source, _("a list is needed, not %(value)s."), given)
    if len(given) > MAX_CHOICES:
        raise _error(source, _("more than %(most)d choices."), most=MAX_CHOICES)
    choices: dict[str, Any] = {}
    for item in given:
        pair = item if isinstance(item, list | tuple) else (item, item)
        if len(pair) != 2 or not isinstance(pair[0], str) or not pair[0] or pair[0] in choices:
            raise _error(
                source,
                _(
                    "%(value)s is no choice. Write texts, or pairs of a value and its label, each "
                    "value once."
                ),
                item,
            )
        choices[_text(pair[0], source)] = _text(pair[1], source, is_required=True)
    return tuple(choices.items())


def _text(value: Any, source: str, *, is_required: bool = False) -> Any:
    """Return text, or a lazy translation as it is; raise an error for anything else."""
    if not isinstance(value, str | Promise):
        raise _error(source, _("text is needed, not %(value)s."), value)
    text = str(value)
    if is_required and not text.strip():
        raise _error(source, _("some text is needed."))
    if len(text) > MAX_LABEL:
        raise _error(source, _("more than %(most)d characters."), most=MAX_LABEL)
    check_characters(source, text)
    return value


def _member(kind: Any, value: Any, source: str) -> Any:
    if isinstance(value, str) and value in set(kind):
        return kind(value)
    raise _error(
        source, _("%(value)s is none of %(known)s."), value, known=", ".join(map(str, kind))
    )


def _error(source: str, problem: Any, value: Any = None, **params: Any) -> InvalidBooking:
    # Two sentences of which the second is formatted first would be two errors for a translator.
    detail = problem % {"value": Readable(value), **params}
    return InvalidBooking(
        _("%(name)s: %(problem)s"), "invalid_questions", {"name": source, "problem": detail}
    )
