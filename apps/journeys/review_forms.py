"""The form of whoever decides about a journey."""

from __future__ import annotations

from django import forms


class CommentForm(forms.Form):
    """What has to change, or why it is good."""

    comment = forms.CharField(label="Comment", max_length=2000, required=False, widget=forms.Textarea({"rows": 3}))
