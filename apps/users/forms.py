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


class CodeForm(forms.Form):
    """Six digits of the authenticator, or a recovery code."""

    code = forms.CharField(
        label="Code",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True, "spellcheck": "false"}
        ),
    )

    @property
    def is_recovery(self) -> bool:
        bare = "".join(self.cleaned_data["code"].split())
        return not (bare.isdecimal() and len(bare) == 6)


class InvitationForm(forms.Form):
    """A new password, typed twice. Its strength is judged by the password validators."""

    password = forms.CharField(
        label="New password",
        max_length=256,
        strip=False,
        help_text="At least 12 characters. A sentence of four or more words is strong and easy to keep.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )
    again = forms.CharField(
        label="The same again",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned and "again" in cleaned and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "The two passwords differ. Type them again.")
        return cleaned
