"""Forms of the register: they check shape, never save."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.compliance.agreements import CLAUSES, OPTIONS
from apps.compliance.models import Agreement, Vendor
from apps.compliance.services import ENDINGS
from apps.ui.forms import ChoiceCards, DateInput, Switch, UploadZone

VENDOR_FACTS = ("name", "service", "contact", "location", "certifications", "note")


class VendorForm(forms.Form):
    name = forms.CharField(label="Name", max_length=120, help_text="As it stands in the contract.")
    kind = forms.ChoiceField(label="What it is", choices=Vendor.VendorKind.choices)
    service = forms.CharField(label="What it does for us", max_length=200)
    handles_health_information = forms.BooleanField(
        label="Health information goes there",
        required=False,
        initial=True,
        widget=Switch,
        help_text="Then an agreement must be in force before anything is sent.",
    )
    contact = forms.CharField(
        label="Contact", required=False, max_length=200, help_text="Who answers questions and reports incidents."
    )
    location = forms.CharField(
        label="Where the data lies", required=False, max_length=200, help_text="Country or region of its data centers."
    )
    certifications = forms.CharField(
        label="What we checked",
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Reports and certificates seen, such as SOC 2 Type II or HITRUST, with their dates.",
    )
    next_review = forms.DateField(label="Next review", required=False, widget=DateInput)
    note = forms.CharField(label="Note", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    @classmethod
    def of(cls, vendor: Vendor) -> VendorForm:
        return cls(
            initial={
                **vendor.opened,
                "kind": vendor.kind,
                "handles_health_information": vendor.handles_health_information,
                "next_review": vendor.next_review,
            }
        )

    def given(self) -> dict[str, Any]:
        """Arguments of ``vendor_create`` and ``vendor_change``."""
        data = self.cleaned_data
        return {
            "facts": {name: data[name].strip() for name in VENDOR_FACTS},
            "kind": data["kind"],
            "handles_health_information": data["handles_health_information"],
            "next_review": data["next_review"],
        }


class AgreementForm(forms.Form):
    party = forms.CharField(
        label="Signed by", max_length=200, help_text="Legal name of the vendor, and who signed for it."
    )
    scope = forms.CharField(
        label="What it may do with health information",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    effective = forms.DateField(label="In force from", widget=DateInput)
    expires = forms.DateField(
        label="No longer in force from",
        required=False,
        widget=DateInput,
        help_text="Leave empty when it runs until somebody ends it.",
    )
    note = forms.CharField(label="Note", required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for clause in CLAUSES + OPTIONS:
            self.fields[f"has_{clause.code}"] = forms.BooleanField(label=clause.words, required=False)
            self.fields[f"where_{clause.code}"] = forms.CharField(
                label=f"Where: {clause.words}",
                required=False,
                max_length=40,
                widget=forms.TextInput(attrs={"placeholder": "Section", "aria-label": f"Section for: {clause.words}"}),
            )

    @classmethod
    def of(cls, agreement: Agreement) -> AgreementForm:
        facts = agreement.opened
        initial: dict[str, Any] = {
            "party": facts.get("party", ""),
            "scope": facts.get("scope", ""),
            "note": facts.get("note", ""),
            "effective": agreement.effective,
            "expires": agreement.expires,
        }
        for code, where in {**facts.get("clauses", {}), **facts.get("options", {})}.items():
            initial[f"has_{code}"] = True
            initial[f"where_{code}"] = where
        return cls(initial=initial)

    @property
    def clause_rows(self) -> list[dict[str, Any]]:
        return [self._row(clause) for clause in CLAUSES]

    @property
    def option_rows(self) -> list[dict[str, Any]]:
        return [self._row(clause) for clause in OPTIONS]

    def given(self) -> dict[str, Any]:
        """Arguments of ``agreement_create`` and ``agreement_change``."""
        data = self.cleaned_data
        facts = {name: data[name].strip() for name in ("party", "scope", "note")}
        for name, clauses in (("clauses", CLAUSES), ("options", OPTIONS)):
            facts[name] = {
                clause.code: data[f"where_{clause.code}"].strip() for clause in clauses if data[f"has_{clause.code}"]
            }
        return {"facts": facts, "effective": data["effective"], "expires": data["expires"]}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, end = data.get("effective"), data.get("expires")
        if first and end and end <= first:
            self.add_error("expires", "The agreement must end after it begins.")
        return data

    def _row(self, clause: Any) -> dict[str, Any]:
        return {"clause": clause, "has": self[f"has_{clause.code}"], "where": self[f"where_{clause.code}"]}


class DocumentForm(forms.Form):
    document = forms.FileField(
        label="Signed document",
        widget=UploadZone(words="PDF or image, up to 25 MB", attrs={"accept": ".pdf,.png,.jpg,.jpeg,.tif,.tiff"}),
    )


class TerminationForm(forms.Form):
    on = forms.DateField(label="No longer in force from", widget=DateInput)
    reason = forms.CharField(label="Why it ends", max_length=300)
    became = forms.ChoiceField(
        label="What became of the health information",
        choices=list(ENDINGS.items()),
        widget=ChoiceCards(
            about={
                "returned": ("Everything came back to us.", "arrow-back-up"),
                "destroyed": ("The vendor destroyed it and said so in writing.", "trash"),
                "protected": ("It stays there, under the same protection.", "shield-lock"),
            }
        ),
    )

    def given(self) -> dict[str, Any]:
        """Arguments of ``agreement_terminate``."""
        data = self.cleaned_data
        return {"on": data["on"], "reason": data["reason"], "data": data["became"]}


class BreachForm(forms.Form):
    """A material breach as it became known."""

    what = forms.CharField(
        label="What happened",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the vendor did or left undone against the agreement.",
    )
    steps = forms.CharField(
        label="Steps asked for", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )
    found = forms.DateField(label="Known since", widget=DateInput)


class BreachClosingForm(forms.Form):
    """How a breach ended."""

    ending = forms.ChoiceField(
        label="How it ended",
        choices=[("cured", "Cured"), ("terminated", "Agreement terminated")],
        widget=ChoiceCards(
            about={
                "cured": ("The vendor put it right, and we checked.", "circle-check"),
                "terminated": ("Every agreement with the vendor has ended.", "ban"),
            }
        ),
    )
    words = forms.CharField(
        label="What was done, and how you know it", max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    on = forms.DateField(label="Closed from", widget=DateInput)
