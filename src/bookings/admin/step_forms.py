"""What is asked on the page of a step, before it is taken."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings


class OverrideForm(forms.Form):
    """Asked only when a rule is in the way that staff may lift."""

    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_("Do it all the same, against the rule above."),
    )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Kept in the booking's history."),
    )


class CancelForm(ReasonForm):
    override_policy = forms.BooleanField(
        label=_("Override the policy"),
        required=False,
        help_text=_("Cancel also within the notice, and what may not be cancelled."),
    )


class DisputeForm(ReasonForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = True


class DeliverForm(forms.Form):
    message = forms.CharField(
        label=_("Message"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("For the client; kept in the booking's history."),
    )


class ExtendForm(forms.Form):
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=1,
        initial=lambda: app_settings.HOLD_MINUTES,
        help_text=_("From now on."),
    )


class NoteForm(forms.Form):
    message = forms.CharField(
        label=_("Note"),
        widget=forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
        help_text=_("Kept in the booking's history."),
    )
    for_client = forms.BooleanField(
        label=_("The client may read it"),
        required=False,
    )
