"""Forms about people. They check shapes; services save."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, cast

from django import forms

from apps.contacts import fields, own_fields, search_values, values
from apps.contacts.attributes import Attribute
from apps.contacts.consent.given import NO_END
from apps.contacts.masking import IDENTIFIERS, masked_value
from apps.contacts.models import PersonIdentity
from apps.contacts.person.life_dates import life_problem
from apps.contacts.records import PersonRecord
from apps.contacts.services import attributes as attribute_services
from apps.core import clock
from apps.core.purposes import Purpose
from apps.ui.forms import ChoiceCards, DateInput, Switch, ZonedDateTimeField

CONSENT_PURPOSES = [purpose for purpose in Purpose if purpose is not Purpose.ACCOUNT]
KEEP = "Leave empty to keep it."


class SearchForm(forms.Form):
    """The filter bar of the contact list."""

    q = forms.CharField(required=False, max_length=200)
    relation = forms.ChoiceField(required=False, choices=[("", "All"), *fields.RELATIONS], label="Relationship")
    consent = forms.ChoiceField(
        required=False,
        choices=[("", "All")]
        + [
            (f"{purpose}:{state}", f"{purpose.word.partition(' with')[0]}: {word}")
            for purpose in (Purpose.MARKETING, Purpose.FUNDRAISING, Purpose.B2B)
            for state, word in (("granted", "granted"), ("denied", "denied"), ("none", "not recorded"))
        ],
    )
    mail = forms.ChoiceField(
        required=False,
        label="Mailbox",
        choices=[
            ("", "All"),
            ("address", "Has an address"),
            ("no_address", "No address"),
            ("suppressed", "Suppressed"),
        ],
    )
    life = forms.ChoiceField(
        required=False, label="Status", choices=[("", "All"), ("living", "Living"), ("deceased", "Deceased")]
    )


def _text(longest: int = 200, **given: Any) -> forms.CharField:
    return forms.CharField(required=False, max_length=longest, **given)


class PersonForm(forms.Form):
    """All facts of a person. Without the right to reveal, identifiers come empty and empty ones are kept.

    Nearly every field may stay empty: the page says so once, instead of "(optional)" at each.
    """

    unmarked = True

    first_name = _text(label="First name")
    middle_name = _text(label="Middle name")
    last_name = _text(label="Last name")
    prefix = _text(40, label="Title")  # type: ignore[assignment]
    suffix = _text(40, label="Suffix")
    birth_date = forms.DateField(required=False, widget=DateInput())
    death_date = forms.DateField(required=False, widget=DateInput(), label="Date of death")
    sex = forms.ChoiceField(required=False, choices=[("", "Not recorded"), *fields.SEXES])
    language = forms.ChoiceField(
        required=False, choices=[("", "Not recorded"), *fields.LANGUAGES], help_text="Notices are sent in it."
    )
    relation = forms.ChoiceField(choices=fields.RELATIONS, label="Relationship")
    email = _text(254, label="E-mail")
    phone = _text(40)
    mrn = _text(60, label="Medical record number")
    address_line = _text(label="Street")
    city = _text()
    county = _text()
    state = _text()
    zip = _text(20, label="ZIP code")
    country = _text(60)
    guardian = _text(60, label="Guardian’s record number", help_text="For minors: mail goes to the guardian.")
    organization = _text()
    job_title = _text(label="Job title")
    version = forms.IntegerField(required=False, widget=forms.HiddenInput())

    def __init__(
        self,
        *args: Any,
        record: PersonRecord | None = None,
        reveal: bool = True,
        own: Sequence[Attribute] = (),
        **given: Any,
    ) -> None:
        self.record, self.reveal, self.own = record, reveal, own
        self.held: dict[str, Any] = dict((record.profile.get("attributes") or {}) if record is not None else {})
        if record is not None:
            initial = {name: fields.value_of(record.profile, name) for name in fields.FIELDS}
            if not reveal:
                initial.update(dict.fromkeys(IDENTIFIERS))
            given["initial"] = {**initial, "relation": record.relation, "version": record.version}
        super().__init__(*args, **given)
        self.fields.update(own_fields.build(own, self.held, reveal=reveal))
        if record is not None and not reveal:
            for name in IDENTIFIERS:
                if recorded := fields.value_of(record.profile, name):
                    self.fields[name].help_text = f"On record: {masked_value(name, str(recorded))}. {KEEP}"
            if record.profile.get("birth_date"):
                # With the mailbox it opens the portal: whoever may not see it does not replace it.
                self.fields["birth_date"].disabled = True
                self.fields["birth_date"].help_text = "On record. Care staff can correct it."
        if record is not None and record.profile.get("guardian_id"):
            self.fields["guardian"].help_text = f"A guardian is on record. {KEEP}"

    @property
    def own_bound(self) -> list[forms.BoundField]:
        """The fields of the organization's own attributes, for the template."""
        return [self[own_fields.PREFIX + each.name] for each in self.own]

    def clean_email(self) -> str:
        return _cleaned(values.email, self.cleaned_data["email"], "This {} (it looks like name@example.com).")

    def clean_phone(self) -> str:
        return _cleaned(values.phone, self.cleaned_data["phone"], "This {}.")

    def clean_guardian(self) -> int | None:
        typed = self.cleaned_data["guardian"].strip()
        if not typed:
            return None
        token = search_values.identity("mrn", typed)
        found = PersonIdentity.objects.filter(kind=search_values.MRN, token=token).first()
        if found is None:
            raise forms.ValidationError("Nobody has this record number. Add the guardian first.")
        if self.record is not None and found.person_id == self.record.id:
            raise forms.ValidationError("This is the person’s own record number.")
        return int(found.person_id)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("first_name") and not data.get("last_name"):
            self.add_error("last_name", "Give at least one name.")
        for each in self.own:
            name = own_fields.PREFIX + each.name
            if name in data:
                try:
                    data[name] = own_fields.cleaned(each, data[name])
                except forms.ValidationError as error:
                    self.add_error(name, error)
        problem = life_problem(data.get("birth_date"), data.get("death_date"), clock.now().date())
        if problem:
            self.add_error("birth_date" if problem.startswith("The birth") else "death_date", f"{problem}.")
        return data

    def profile(self) -> dict[str, Any]:
        """The new profile: the old one with what the form says."""
        profile = dict(self.record.profile) if self.record else {}
        profile["address"] = dict(profile.get("address") or {})
        for name in fields.FIELDS:
            if name not in self.fields or name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if self.record is not None and not self.reveal and name in IDENTIFIERS and not value:
                continue
            fields.put(profile, name, value.isoformat() if isinstance(value, date) else value)
        if not profile["address"]:
            profile.pop("address")
        attributes = dict(self.held)
        for each in self.own:
            # A form that was opened before there was such a field says nothing about it.
            if self.add_prefix(own_fields.PREFIX + each.name) not in self.data:
                continue
            value = self.cleaned_data.get(own_fields.PREFIX + each.name)
            if value is not None:
                attributes[each.name] = value
            elif not own_fields.keeps(each, self.held.get(each.name), reveal=self.reveal):
                attributes.pop(each.name, None)
        profile["attributes"] = attributes
        if not attributes:
            profile.pop("attributes")
        if guardian := self.cleaned_data.get("guardian"):
            profile["guardian_id"] = guardian
        return profile


def _cleaned(reader: Any, value: str, sentence: str) -> str:
    try:
        return str(reader(value))
    except values.BadValue as error:
        raise forms.ValidationError(sentence.format(error)) from None


class ConsentForm(forms.Form):
    """A consent as it was given: what for, how, when, in which words, by whom."""

    # Nothing is chosen beforehand: one careless press must not put a consent on record that nobody gave.
    purpose = forms.ChoiceField(
        choices=[("", "Choose…"), *((purpose.value, purpose.word) for purpose in CONSENT_PURPOSES)],
        error_messages={"required": "Choose what it is about."},
    )
    state = forms.ChoiceField(
        label="What did they say?",
        choices=[("", "Choose…"), ("granted", "Granted"), ("denied", "Denied or withdrawn")],
        error_messages={"required": "Choose what they said."},
    )
    on = forms.DateField(widget=DateInput(), label="On")
    method = forms.ChoiceField(
        label="How",
        choices=[
            (word, word.capitalize())
            for word in ("paper form", "front desk", "telephone", "web form", "e-mail", "portal", "other")
        ],
    )
    ends = forms.DateField(
        required=False,
        widget=DateInput(),
        label="Holds until",
        help_text="The last day, if the form names one. From the next day on it counts no more.",
    )
    wording = _text(40, label="Wording version", help_text="Which text they agreed to, as 2025-2.")
    given_by = _text(120, label="Who said so", help_text="The person, or a representative and their authority.")
    note = _text(500, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_ends(self) -> date | None:
        """The last day; None for the year 9999, which stands for "no end" here as in lists."""
        ends: date | None = self.cleaned_data["ends"]
        return None if ends is not None and ends.year >= NO_END else ends


class AppointmentForm(forms.Form):
    """A new appointment, in the clinic's time zone."""

    start = ZonedDateTimeField(label="Starts")
    kind = forms.CharField(max_length=120, label="What for")
    location = _text()
    provider = _text(label="With")
    minutes = forms.IntegerField(min_value=5, max_value=24 * 60, initial=30, label="Length")


class MoveForm(forms.Form):
    """Another time for an appointment."""

    start = ZonedDateTimeField(label="New time")


class ReasonForm(forms.Form):
    """Why an identifier is revealed."""

    REASONS = (
        "Talking with the person",
        "Checking who this is",
        "Correcting the record",
        "Looking into a delivery",
        "Answering a rights request",
    )
    reason = forms.ChoiceField(choices=[(word, word) for word in REASONS])


class EraseForm(forms.Form):
    """Erasure cannot be undone: a reason, and a word typed."""

    reason = forms.CharField(
        max_length=500, widget=forms.Textarea(attrs={"rows": 2}), help_text="Kept in the audit trail, sealed."
    )
    word = forms.CharField(label="Type ERASE", max_length=20, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def clean_word(self) -> str:
        if self.cleaned_data["word"].strip().upper() != "ERASE":
            raise forms.ValidationError("Type the word ERASE to go on.")
        return "ERASE"


class AttributeForm(forms.Form):
    """An own attribute. Of one that exists, only its label, its choices and whether it can be searched can change."""

    TYPES = (("text", "Text"), ("number", "Number"), ("date", "Date"), ("yes_no", "Yes or no"), ("choice", "Choice"))
    LEVELS = ((0, "Public"), (1, "Identifier"), (2, "Health information"))
    HEALTH_ALONE = LEVELS[2:]

    label = forms.CharField(
        max_length=attribute_services.LONGEST_LABEL, label="Name", help_text="As staff read it, such as Last A1c."
    )
    type = forms.ChoiceField(
        choices=TYPES,
        initial="text",
        widget=ChoiceCards(
            about={
                "text": ("Anything, found as a whole.", "letter-case"),
                "number": ("Found by at least, at most, between.", "hash"),
                "date": ("Found by before, after, the last or next days.", "calendar-event"),
                "yes_no": ("One of the two.", "toggle-left"),
                "choice": ("One of a list that you give.", "list-check"),
            },
            columns="two",
        ),
    )
    choices = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="Choices", help_text="One a line."
    )
    level = forms.TypedChoiceField(
        coerce=int,
        choices=LEVELS,
        initial=2,
        widget=ChoiceCards(
            about={
                "0": ("Tells nothing about a person.", "world"),
                "1": ("Tells who somebody is.", "id"),
                "2": ("Tells something about health or care.", "heartbeat"),
            },
        ),
        help_text="What merges or looks at it is protected accordingly. It cannot be changed later.",
    )
    searchable = forms.BooleanField(
        required=False,
        initial=True,
        widget=Switch(),
        label="Can be searched",
        help_text="Segments can ask for it. Whoever steals the database then sees which people share a value, "
        "but not the value.",
    )
    low = forms.CharField(max_length=14, label="Lowest", initial="0")
    high = forms.CharField(max_length=14, label="Highest", initial="1000")
    step = forms.CharField(max_length=14, label="Step", initial="1")

    def __init__(self, *args: Any, attribute: Attribute | None = None, may_lower: bool = False, **given: Any) -> None:
        self.attribute = attribute
        if attribute is not None:
            initial: dict[str, Any] = {
                "label": attribute.label,
                "choices": "\n".join(attribute.choices),
                "searchable": attribute.searchable,
            }
            if (numbers := attribute.numbers) is not None:
                bounds = (numbers.low, numbers.high, numbers.step)
                initial |= dict(zip(("low", "high", "step"), map(numbers.spoken, bounds), strict=True))
            given["initial"] = initial
        super().__init__(*args, **given)
        if attribute is not None:
            unwanted = {"type", "level"}
            if attribute.type != "choice":
                unwanted.add("choices")
            if attribute.type != "number":
                unwanted |= {"low", "high", "step"}
            for name in unwanted:
                del self.fields[name]
        elif not may_lower:
            level = cast(forms.TypedChoiceField, self.fields["level"])
            level.choices = self.HEALTH_ALONE
            level.help_text = "What merges or looks at it is protected accordingly. Only an administrator adds others."
        type_ = attribute.type if attribute is not None else self.data.get("type")
        if self.is_bound and not (type_ == "number" and self.data.get("searchable")):
            for name in {"low", "high", "step"} & self.fields.keys():
                self.fields[name].required = False

    def wanted(self) -> attribute_services.Wanted:
        """What was asked for. Raises ``Refused`` for bounds that will not do."""
        data = self.cleaned_data
        type_ = self.attribute.type if self.attribute else data["type"]
        level = self.attribute.level if self.attribute else data["level"]
        lines = [" ".join(line.split()) for line in data.get("choices", "").splitlines()] if type_ == "choice" else []
        numbers = None
        if type_ == "number" and data["searchable"]:
            numbers = attribute_services.range_for(data["low"], data["high"], data["step"])
        return attribute_services.Wanted(
            label=data["label"],
            type=type_,
            level=level,
            searchable=data["searchable"],
            choices=tuple(line for line in lines if line),
            numbers=numbers,
        )
