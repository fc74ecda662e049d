"""The brand's form. Checks shape; `services.brand_save` decides."""

from __future__ import annotations

from django import forms

from apps.content.models import Asset
from apps.ui.forms import Switch, offer


class ColorInput(forms.TextInput):
    """The browser's color field."""

    input_type = "color"


class BrandForm(forms.Form):
    """Sender and look."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(max_length=80, help_text="As patients know you. It stands at the top of every mail.")
    from_name = forms.CharField(
        max_length=80,
        required=False,
        help_text="Shown in the list of mails. Choose a neutral one: “Lexington Clinic”, not “Dialysis Center”.",
    )
    from_address = forms.CharField(max_length=254, label="From address", help_text="On one of your own domains.")
    reply_to = forms.CharField(max_length=254, required=False, label="Reply-to address")
    postal_address = forms.CharField(
        max_length=200, required=False, help_text="In every footer. Empty: the organization's own."
    )
    phone = forms.CharField(max_length=40, required=False, help_text="Empty: the organization's own.")
    primary = forms.CharField(initial="#0b5cad", label="Brand color", widget=ColorInput())
    page = forms.CharField(initial="#f4f6f9", label="Page color", widget=ColorInput())
    logo = forms.ChoiceField(required=False)
    is_default = forms.BooleanField(required=False, label="Use for new templates", widget=Switch())

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = [("", "No logo: the name in the brand color")]
        choices += [(a.name, a.opened["file_name"] or a.name) for a in Asset.objects.order_by("-pk")[:60]]
        offer(self, "logo", choices)
