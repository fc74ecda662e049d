"""Forms of sign-in. They check shape and never save."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django import forms

from apps.users.models import login_token


class SignInForm(LoginForm):
    """allauth's form with an e-mail address; what goes on from here is its keyed token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.EmailField(
            label="Work e-mail",
            widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"].widget.attrs.update({"autocomplete": "current-password", "placeholder": ""})
        self.fields.pop("remember", None)

    def user_credentials(self) -> dict[str, Any]:
        address = self.cleaned_data["login"]
        return {"username": login_token(address), "password": self.cleaned_data["password"]}

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean() or {}
        except forms.ValidationError:
            if getattr(self.request, "sign_in_locked", False):
                raise forms.ValidationError(
                    "Too many wrong tries. Your sign-in is locked for 15 minutes; an administrator can unlock it.",
                    code="locked",
                ) from None
            raise forms.ValidationError(
                "That address and password do not go together. After five wrong tries the sign-in is locked.",
                code="wrong",
            ) from None
