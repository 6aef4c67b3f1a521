"""Django's admin and form classes with their type parameters, which do not exist at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet

from bookings.models import Booking

if TYPE_CHECKING:
    BookingModelAdmin = admin.ModelAdmin[Booking]
    BookingModelForm = forms.ModelForm[Booking]
    Inline = admin.TabularInline[Any, Booking]
    InlineFormSet = BaseInlineFormSet[Any, Booking, Any]
    ChoiceField = forms.ModelMultipleChoiceField[Any]
else:
    BookingModelAdmin = admin.ModelAdmin
    BookingModelForm = forms.ModelForm
    Inline = admin.TabularInline
    InlineFormSet = BaseInlineFormSet
    ChoiceField = forms.ModelMultipleChoiceField

__all__ = ["BookingModelAdmin", "BookingModelForm", "ChoiceField", "Inline", "InlineFormSet"]
