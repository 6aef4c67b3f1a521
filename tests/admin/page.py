"""What a browser shows of a page, and what it would send back of a form."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

FormData = dict[str, Any]

QUESTION_FORM = "booking_question_form"


class FormReader(HTMLParser):
    """Collects the values of the ``<form>`` with this id."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.values: dict[str, list[str]] = {}
        self.select: str | None = None
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        if not self.inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") not in ("submit", "button"):
            is_box = given.get("type") == "checkbox"
            if not is_box or "checked" in given:
                self.values.setdefault(name, []).append(given.get("value", "on" if is_box else ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in given:
            self.values.setdefault(self.select, []).append(given.get("value", ""))
        elif tag == "textarea":
            self.textarea = name
            self.values[name] = [""]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.textarea is not None:
            # A browser drops the first line break.
            self.values[self.textarea] = [self.values[self.textarea][0].removeprefix("\n")]
            self.textarea = None

    def handle_data(self, data: str) -> None:
        if self.textarea is not None:
            self.values[self.textarea][0] += data


def form_values(response: Any, form_id: str = "booking_form") -> FormData:
    """Return the values of the page's form with this id."""
    reader = FormReader(form_id)
    reader.feed(response.content.decode())
    assert reader.values, "The page has no such form."
    return dict(reader.values)


def text_of(response: Any) -> str:
    return response.content.decode()


def messages_of(response: Any) -> list[str]:
    """Return the messages that the page shows."""
    return [str(message) for message in response.context["messages"]]


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return the form's errors by field; "__all__" stands for those of no field."""
    assert response.status_code == 200
    return {name: list(said) for name, said in response.context["adminform"].form.errors.items()}
