"""Whatever a person can read is there in every language that is shipped, and is up to date."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Final

import pytest
from django.utils.translation import to_locale
from django.utils.translation.trans_real import get_languages

from bookings import exceptions
from tests.translations.catalogues import LANGUAGES, as_compiled, compiled, entries, translations
from tests.translations.sources import PACKAGE, in_python, in_template, python_files, texts

PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\))?[#0\- +]*(?:\d+)?(?:\.\d+)?([a-zA-Z])")

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def test_german_spanish_and_french_are_shipped() -> None:
    assert {"de", "es", "fr"} <= set(LANGUAGES)
    assert set(LANGUAGES) <= {to_locale(code) for code in get_languages()}


def test_texts_are_found_in_code_and_in_templates() -> None:
    source = (
        "from django.utils.translation import gettext_lazy as _, ngettext, pgettext\n"
        "_('one ' 'text'); ngettext('%(n)d seat', '%(n)d seats', n); pgettext('verb', 'book')\n"
        "for _ in rows: print('not this')\n"
    )
    assert [*in_python(source)] == [
        ("one text", None, None),
        ("%(n)d seat", "%(n)d seats", None),
        ("book", None, "verb"),
    ]
    template = (
        '{% load i18n %}it\'s {% translate "Days" %}{% translate "All" context "tenants" %}'
        "{% blocktranslate count n=rows|length %}a row"
        "{% plural %}{{ n }} rows{% endblocktranslate %}"
    )
    assert [*in_template(template)] == [
        ("Days", None, None),
        ("All", None, "tenants"),
        ("a row", "%(n)s rows", None),
    ]


def test_a_text_that_no_tool_can_find_is_an_error() -> None:
    source = "from django.utils.translation import gettext as _\n_(f'{name} is gone')\n"
    with pytest.raises(AssertionError, match="must be written out"):
        list(in_python(source))


@in_every_language
def test_every_text_is_translated_and_nothing_else(language: str) -> None:
    translated = translations(language)
    assert texts() - translated.keys() == set()
    assert translated.keys() - texts() == set()
    assert [text for text, forms in translated.items() if not all(map(str.strip, forms))] == []


@in_every_language
def test_there_are_as_many_plural_forms_as_the_language_has(language: str) -> None:
    (header,) = entries(language)[0].forms
    found = re.search(r"nplurals=(\d);", header)
    assert found is not None
    expected = {True: int(found[1]), False: 1}
    wrong = [
        text
        for text, forms in translations(language).items()
        if len(forms) != expected[text.plural is not None]
    ]
    assert wrong == []


@in_every_language
def test_placeholders_are_those_of_the_original(language: str) -> None:
    wrong = [
        (original, form)
        for text, forms in translations(language).items()
        for original, form in zip_longest((text.text,), forms, fillvalue=text.plural)
        if sorted(PLACEHOLDER.findall(form or "")) != sorted(PLACEHOLDER.findall(original or ""))
    ]
    assert wrong == []


@in_every_language
def test_a_sentence_stays_a_sentence(language: str) -> None:
    wrong = [
        (text.text, form)
        for text, forms in translations(language).items()
        for form in forms
        if (text.text[-1] in ".…)") != (form[-1] in ".…)") or form != form.strip()
    ]
    assert wrong == []


@in_every_language
def test_nothing_is_left_to_review(language: str) -> None:
    flags = [line for entry in entries(language) for line in entry.comments if line[:2] == "#,"]
    assert [line for line in flags if "fuzzy" in line] == []
    assert [entry for entry in entries(language) if entry.comments[0].startswith("#~")] == []


@in_every_language
def test_a_catalogue_does_not_change_when_it_is_made_again(language: str) -> None:
    header, *rest = entries(language)
    assert "POT-Creation-Date" not in header.forms[0]
    assert "PO-Revision-Date" not in header.forms[0]
    places = {
        place
        for entry in rest
        for line in entry.comments
        if line.startswith("#:")
        for place in line.split()[1:]
    }
    assert [place for place in places if not (PACKAGE / place).is_file()] == []


@in_every_language
def test_what_django_reads_is_what_people_edit(language: str) -> None:
    assert compiled(language) == dict(map(as_compiled, entries(language)))


def bare_refusals(source: str) -> list[str]:
    """The calls in which the first argument of an error is a string that is not translated."""
    errors = "|".join(name for name in vars(exceptions) if name[0].isupper() and name != "Any")
    return re.findall(rf"\b(?:{errors})\(\s*\w{{0,2}}['\"].*", source)


def test_no_refusal_is_a_bare_string() -> None:
    found = {path: bare_refusals(path.read_text("utf-8")) for path in python_files()}
    assert {path: bare for path, bare in found.items() if bare} == {}


def test_a_bare_string_is_found() -> None:
    """The control."""
    translated = 'raise InvalidBooking(\n    _("No."), "no"\n)'
    assert bare_refusals(translated) == []
    bare = translated.replace('_("No.")', 'f"No."')
    assert bare_refusals(bare) == ['InvalidBooking(\n    f"No.", "no"']
