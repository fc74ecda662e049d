"""Shapes of the wizard's pages; they check form, the services decide."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.campaigns import spec as specs
from apps.content.models import Brand, Template
from apps.segments import selectors as segments
from apps.ui.forms import ChoiceCards, Combobox, ZonedDateTimeField, offer
from apps.vault.tokens import normalize


class AudienceForm(forms.Form):
    """Who gets it: a segment or everybody, minus exclusions."""

    name = forms.CharField(label="Name", max_length=specs.LONGEST_NAME, help_text="For your team; people never see it.")
    who = forms.ChoiceField(
        label="Who gets it?",
        choices=[("segment", "A segment"), ("everybody", "Everybody")],
        widget=ChoiceCards(
            about={
                "segment": ("The people a rule finds, counted again when it is sent.", "filter"),
                "everybody": ("All people on record. To patients this is health information.", "users"),
            },
            columns="two",
        ),
    )
    segment = forms.ChoiceField(label="Segment", required=False, widget=Combobox())
    exclude = forms.MultipleChoiceField(
        label="Leave out people who are also in", required=False, widget=forms.CheckboxSelectMultiple()
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(each.name, each.name) for each in segments.everyone()]
        offer(self, "segment", [("", ""), *names])
        offer(self, "exclude", names)
        self.nothing_to_choose = not names
        if not names:
            del self.fields["exclude"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("who") == "segment" and not given.get("segment") and "segment" not in self.errors:
            self.add_error("segment", "Choose a segment.")
        return given


class MessageForm(forms.Form):
    """What they get and from whom."""

    template = forms.ChoiceField(label="Template", widget=Combobox())
    brand = forms.ChoiceField(label="Sender", required=False, help_text="Empty: the sender of the template.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        living = Template.objects.living().filter(kind=Template.Kinds.TEMPLATE)
        names = sorted((template.name for template in living), key=normalize)
        offer(self, "template", [("", ""), *((name, name) for name in names)])
        self.nothing_to_choose = not names
        brands = sorted(brand.name for brand in Brand.objects.all())
        offer(self, "brand", [("", "As in the template"), *((name, name) for name in brands)])


_PURPOSE_ICONS = {
    "treatment": "stethoscope",
    "operations": "building-hospital",
    "payment": "clipboard-check",
    "marketing": "certificate",
    "fundraising": "gift",
    "b2b": "building",
}


class PurposeForm(forms.Form):
    """Why: the legal purpose, and whether anybody pays (B-181)."""

    purpose = forms.ChoiceField(
        label="Why do you send this?",
        choices=[(purpose.value, purpose.word) for purpose in specs.PURPOSES],
        widget=ChoiceCards(
            about={purpose.value: (specs.ABOUT[purpose], _PURPOSE_ICONS[purpose.value]) for purpose in specs.PURPOSES},
            columns="two",
        ),
    )
    remuneration = forms.ChoiceField(
        label="Does anybody pay you for sending this?",
        choices=list(specs.REMUNERATION.items()),
        widget=forms.RadioSelect(),
        help_text="Payment from the maker or seller of what the message is about counts, also indirectly "
        "(45 CFR 164.501).",
    )
    drug = forms.CharField(
        label="Drug", required=False, max_length=120, help_text="Only for a refill reminder: the drug now prescribed."
    )
    cost_statement = forms.BooleanField(
        label="The payment covers no more than the cost of this message", required=False
    )


class ScheduleForm(forms.Form):
    """When: at a moment of the clinic's calendar."""

    send_at = ZonedDateTimeField(label="Send at")


class CommentForm(forms.Form):
    """What has to change."""

    comment = forms.CharField(label="Comment", max_length=2000, required=False, widget=forms.Textarea({"rows": 3}))
