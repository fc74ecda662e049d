"""Forms of sign-in. They check shape and never save."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from django import forms

from apps.core.permissions import Role
from apps.ui.forms import ChoiceCards
from apps.users.models import login_token
from apps.users.selectors import ROLE_WORDS


class SignInForm(LoginForm):
    """allauth's form with an e-mail address; what goes on from here is its keyed token."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.EmailField(
            label="Work e-mail",
            widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"].widget.attrs.update({"autocomplete": "current-password", "placeholder": ""})
        self.fields["password"].help_text = ""  # the library's link to a reset that does not exist here
        self.fields.pop("remember", None)

    def user_credentials(self) -> dict[str, Any]:
        address = self.cleaned_data["login"]
        return {"username": login_token(address), "password": self.cleaned_data["password"]}

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean() or {}
        except forms.ValidationError:
            raise forms.ValidationError(
                "That address and password do not go together. After five wrong tries the sign-in is locked for "
                "15 minutes; an administrator can unlock it.",
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


def _role_cards() -> ChoiceCards:
    return ChoiceCards(about={role.value: words for role, words in ROLE_WORDS.items()})


class InviteForm(forms.Form):
    """A new member of staff."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label="Work e-mail",
        help_text="They sign in with it. One address, one person.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        choices=[(role.value, role.word) for role in Role], widget=_role_cards(), initial=Role.MARKETER.value
    )


class StaffForm(forms.Form):
    """Name and role of a member of staff."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=[(role.value, role.word) for role in Role], widget=_role_cards())


class AccountForm(forms.Form):
    """What people change about themselves."""

    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    theme = forms.ChoiceField(
        label="Appearance",
        choices=[("system", "As my system"), ("light", "Light"), ("dark", "Dark")],
        widget=ChoiceCards(
            about={"system": ("", "device-desktop"), "light": ("", "sun"), "dark": ("", "moon")}, columns="three"
        ),
    )


class PasswordForm(InvitationForm):
    """A new password for somebody who knows the old one."""

    current = forms.CharField(
        label="Current password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("current", "password", "again")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("autofocus", None)


class ConfirmPasswordForm(forms.Form):
    """The password again, before something that would help a thief at an open computer."""

    current = forms.CharField(
        label="Your password",
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
