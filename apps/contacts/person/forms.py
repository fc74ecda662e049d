"""Forms about a person. They check shapes; services save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

from django import forms

from apps.contacts import values
from apps.contacts.attributes import form_fields
from apps.contacts.attributes.definitions import Attribute
from apps.contacts.cell_text import clean
from apps.contacts.models import PersonIdentity
from apps.contacts.notes.services import LONGEST
from apps.contacts.person import fields, search_values
from apps.contacts.person.life_dates import life_problem
from apps.contacts.person.masking import IDENTIFIERS, masked_value
from apps.contacts.person.reach import MOST, OTHERS, Way, put, token, ways
from apps.contacts.person.records import PersonRecord
from apps.contacts.tags.definitions import OpenedTag
from apps.core import clock
from apps.core.purposes import Purpose
from apps.ui.forms import DateInput, optional_text

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
    tag = forms.ChoiceField(required=False, choices=[("", "All")])

    FILTERS = ("relation", "consent", "mail", "life", "tag")

    def __init__(self, *args: Any, tags: Iterable[OpenedTag] = (), **given: Any) -> None:
        super().__init__(*args, **given)
        names = [(str(tag.id), tag.name) for tag in tags]
        if names:
            cast(forms.ChoiceField, self.fields["tag"]).choices = [("", "All"), *names]
        else:
            del self.fields["tag"]

    def search(self) -> tuple[str, dict[str, str]]:
        """What was typed and what was chosen; nothing for a form that nobody sent, or that does not fit."""
        if not self.is_bound or not self.is_valid():
            return "", {}
        data = self.cleaned_data
        return data["q"], {name: data[name] for name in self.FILTERS if data.get(name)}


class PersonForm(forms.Form):
    """All facts of a person. Without the right to reveal, identifiers come empty and empty ones are kept.

    Nearly every field may stay empty: the page says so once, instead of "(optional)" at each.
    """

    unmarked = True

    first_name = optional_text(label="First name")
    middle_name = optional_text(label="Middle name")
    last_name = optional_text(label="Last name")
    prefix = optional_text(40, label="Title")  # type: ignore[assignment]
    suffix = optional_text(40, label="Suffix")
    birth_date = forms.DateField(required=False, widget=DateInput())
    death_date = forms.DateField(required=False, widget=DateInput(), label="Date of death")
    sex = forms.ChoiceField(required=False, choices=[("", "Not recorded"), *fields.SEXES])
    language = forms.ChoiceField(
        required=False, choices=[("", "Not recorded"), *fields.LANGUAGES], help_text="Notices are sent in it."
    )
    relation = forms.ChoiceField(choices=fields.RELATIONS, label="Relationship")
    email = optional_text(254, label="E-mail")
    phone = optional_text(40)
    other_emails = forms.CharField(
        required=False,
        max_length=3000,
        label="Other e-mail addresses",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text="One a line. The person is found by them; messages go to the primary one.",
    )
    other_phones = forms.CharField(
        required=False,
        max_length=1000,
        label="Other telephones",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
        help_text="One a line.",
    )
    mrn = optional_text(60, label="Medical record number")
    address_line = optional_text(label="Street")
    city = optional_text()
    county = optional_text()
    state = optional_text()
    zip = optional_text(20, label="ZIP code")
    country = optional_text(60)
    guardian = optional_text(60, label="Guardian’s record number", help_text="For minors: mail goes to the guardian.")
    organization = optional_text()
    job_title = optional_text(label="Job title")
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
            for place in OTHERS.values():
                initial[place] = "\n".join(record.profile.get(place) or ())
            if not reveal:
                initial.update(dict.fromkeys((*IDENTIFIERS, *OTHERS.values())))
            given["initial"] = {**initial, "relation": record.relation, "version": record.version}
        super().__init__(*args, **given)
        self.fields.update(form_fields.build(own, self.held, reveal=reveal))
        spoken = record.profile.get("language") if record is not None else None
        if spoken and spoken not in dict(fields.LANGUAGES):
            # One of the 7,600 languages that the list does not offer: it stays when the rest is saved.
            choices = [("", "Not recorded"), *fields.LANGUAGES, (spoken, fields.FIELDS["language"].said(spoken))]
            self.fields["language"].choices = choices  # type: ignore[attr-defined]
        if record is not None and not reveal:
            for name in IDENTIFIERS:
                if recorded := fields.value_of(record.profile, name):
                    self.fields[name].help_text = f"On record: {masked_value(name, str(recorded))}. {KEEP}"
            for place in OTHERS.values():
                if count := len(record.profile.get(place) or ()):
                    self.fields[place].help_text = f"{count} on record, which stay. What you add is kept beside them."
            if record.profile.get("birth_date"):
                # With the mailbox it opens the portal: whoever may not see it does not replace it.
                self.fields["birth_date"].disabled = True
                self.fields["birth_date"].help_text = "On record. Care staff can correct it."
        if record is not None and record.profile.get("guardian_id"):
            self.fields["guardian"].help_text = f"A guardian is on record. {KEEP}"

    @property
    def own_bound(self) -> list[forms.BoundField]:
        """The fields of the organization's own attributes, for the template."""
        return [self[form_fields.PREFIX + each.name] for each in self.own]

    def clean_email(self) -> str:
        return _cleaned(values.email, self.cleaned_data["email"], "This {} (it looks like name@example.com).")

    def clean_phone(self) -> str:
        return _cleaned(values.phone, self.cleaned_data["phone"], "This {}.")

    def clean_other_emails(self) -> list[str]:
        return _lines(values.email, self.cleaned_data["other_emails"], "“{line}” {reason}.")

    def clean_other_phones(self) -> list[str]:
        return _lines(values.phone, self.cleaned_data["other_phones"], "“{line}” {reason}.")

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
            name = form_fields.PREFIX + each.name
            if name in data:
                try:
                    data[name] = form_fields.cleaned(each, data[name])
                except forms.ValidationError as error:
                    self.add_error(name, error)
        problem = life_problem(data.get("birth_date"), data.get("death_date"), clock.clinic_day())
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
        for kind, place in OTHERS.items():
            self._others(profile, kind, place)
        attributes = dict(self.held)
        for each in self.own:
            # A form that was opened before there was such a field says nothing about it.
            if self.add_prefix(form_fields.PREFIX + each.name) not in self.data:
                continue
            value = self.cleaned_data.get(form_fields.PREFIX + each.name)
            if value is not None:
                attributes[each.name] = value
            elif not form_fields.keeps(each, self.held.get(each.name), reveal=self.reveal):
                attributes.pop(each.name, None)
        profile["attributes"] = attributes
        if not attributes:
            profile.pop("attributes")
        if guardian := self.cleaned_data.get("guardian"):
            profile["guardian_id"] = guardian
        return profile

    def _others(self, profile: dict[str, Any], kind: str, place: str) -> None:
        """Put what stands in the lines beside the primary one; verified marks stay with their values."""
        known = {token(kind, way.value): way for way in ways(self.record.profile, kind)} if self.record else {}
        first = [way for way in ways(profile, kind) if way.primary]
        kept = [] if self.reveal else [way for way in known.values() if not way.primary]
        lines = [
            known.get(token(kind, value)) or Way(value, primary=False) for value in self.cleaned_data.get(place, ())
        ]
        more = [replace(way, primary=False) for way in [*kept, *lines]]
        if self.add_prefix(place) not in self.data:
            more = [way for way in known.values() if not way.primary]
        put(profile, kind, [*first, *more])


def _lines(reader: Any, text: str, sentence: str) -> list[str]:
    found = []
    for line in text.splitlines():
        try:
            found.append(str(reader(line)))
        except values.BadValue as error:
            raise forms.ValidationError(sentence.format(line=line.strip()[:80], reason=error)) from None
    found = [value for value in found if value]
    if len(found) > MOST:
        raise forms.ValidationError(f"Give up to {MOST}.")
    return found


def _cleaned(reader: Any, value: str, sentence: str) -> str:
    try:
        return str(reader(clean(value)))
    except values.BadValue as error:
        raise forms.ValidationError(sentence.format(error)) from None


class NoteForm(forms.Form):
    """A note about the person; ``once`` makes sending it twice one note."""

    text = forms.CharField(
        label="Note",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Care staff and administrators read it. It is sealed, and cannot be changed later.",
    )
    once = forms.RegexField(r"[0-9a-f]{16}", widget=forms.HiddenInput())


class ReachForm(forms.Form):
    """One act on one address or telephone; ``place`` counts ``reach.ways``."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in OTHERS])
    place = forms.IntegerField(min_value=0, max_value=MOST)
    act = forms.ChoiceField(choices=[(act, act) for act in ("primary", "verify", "unverify", "remove")])
    version = forms.IntegerField(min_value=1)


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
