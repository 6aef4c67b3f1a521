"""Django's admin and form classes with their type parameters, which do not exist at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet

from bookings.models import Booking

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyModelForm = forms.ModelForm[Any]
    AnyInline = admin.TabularInline[Any, Any]
    AnyInlineFormSet = BaseInlineFormSet[Any, Any, Any]
    BookingModelAdmin = admin.ModelAdmin[Booking]
    Inline = admin.TabularInline[Any, Booking]
    InlineFormSet = BaseInlineFormSet[Any, Booking, Any]
    ChoiceField = forms.ModelMultipleChoiceField[Any]
else:
    AnyModelAdmin = BookingModelAdmin = admin.ModelAdmin
    AnyModelForm = forms.ModelForm
    AnyInline = admin.TabularInline
    AnyInlineFormSet = BaseInlineFormSet
    Inline = admin.TabularInline
    InlineFormSet = BaseInlineFormSet
    ChoiceField = forms.ModelMultipleChoiceField

__all__ = [
    "AnyInline",
    "AnyInlineFormSet",
    "AnyModelAdmin",
    "AnyModelForm",
    "BookingModelAdmin",
    "ChoiceField",
    "Inline",
    "InlineFormSet",
]
