"""The questions of a service, as an API shows them, and the answers that a client may see."""

from __future__ import annotations

from typing import Any

from bookings.questions import Audience, questions_of


def client_questions(service: Any) -> list[dict[str, Any]]:
    """Return what a booking of the service asks of its client, in order."""
    return [
        {
            "name": question.name,
            "label": str(question.label),
            "type": str(question.type),
            "required": question.required,
            "help_text": str(question.help_text),
            "choices": [{"value": value, "label": str(label)} for value, label in question.choices],
        }
        for question in questions_of(service)
        if question.audience == Audience.CLIENT
    ]


def staff_question_names(service: Any) -> set[str]:
    """Return the names of the questions that staff answer."""
    return {
        question.name for question in questions_of(service) if question.audience == Audience.STAFF
    }


def client_answers(service: Any, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the stored answers to the questions that the service asks of clients."""
    if not answers:
        return answers
    asked = {question["name"] for question in client_questions(service)}
    return [answer for answer in answers if answer["name"] in asked]
