"""Forms of delivery: they check shape, never save."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.compliance.selectors import vendor_choices
from apps.core.levels import Level
from apps.delivery.settings.setup import Setup
from apps.mail.tls import TlsClass
from apps.ui.forms import ChoiceCards, Switch, UploadZone

_PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)\s+(?P<pin>[0-9a-f]{64})$")


class SettingsForm(forms.Form):
    """How mail leaves, under which names, and what it needs on the way."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    mode = forms.ChoiceField(
        label="How mail leaves",
        choices=[("direct", "Directly"), ("relay", "Through a relay")],
        widget=ChoiceCards(
            about={
                "direct": ("To each recipient's own mail server. Its certificate is verified here.", "route"),
                "relay": ("Everything goes to one server that passes it on. Its vendor needs a BAA.", "server"),
            },
            columns="two",
        ),
    )
    helo = forms.CharField(
        label="Name of this server", max_length=253, help_text="Must resolve to this server's address, both ways."
    )
    sending_domain = forms.CharField(
        label="Sending domain",
        max_length=253,
        required=False,
        help_text="The domain in From. Signatures are made for it.",
    )
    bounce_domain = forms.CharField(
        label="Domain for returned mail",
        max_length=253,
        required=False,
        help_text="A name below the sending domain whose MX is this server. Left empty: “bounce.” and that domain.",
    )
    relay_host = forms.CharField(label="Server of the relay", max_length=253, required=False)
    relay_port = forms.IntegerField(label="Port", min_value=1, max_value=65535, initial=587, required=False)
    relay_username = forms.CharField(label="User name", max_length=200, required=False)
    relay_password = forms.CharField(
        label="Password",
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Kept sealed. Leave empty to keep the one that is there.",
    )
    relay_implicit = forms.BooleanField(label="TLS from the first byte (port 465)", required=False, widget=Switch())
    relay_vendor = forms.TypedChoiceField(
        label="Vendor in the register",
        required=False,
        choices=vendor_choices,
        coerce=int,
        empty_value=None,
        help_text="Compliance holds its agreement. Without one in force the relay gets no health information.",
    )
    relay_beyond = forms.TypedChoiceField(
        label="What the relay enforces after itself",
        required=False,
        choices=[("", "Nothing that is recorded"), ("2", "Verified TLS"), ("3", "Authenticated TLS")],
        coerce=int,
        empty_value=None,
    )
    health = forms.TypedChoiceField(
        label="What health information needs",
        choices=[("2", "Verified TLS"), ("3", "Pinned certificates only")],
        coerce=int,
        widget=ChoiceCards(
            about={
                "2": ("TLS 1.2 or later, a valid certificate that names the mail server.", "lock"),
                "3": ("Only servers whose certificate you pinned below; all others get the portal.", "certificate"),
            },
            columns="two",
        ),
    )
    note = forms.CharField(
        label="Why",
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept with the decision, its date and who made it (45 CFR 164.306(d)(3)).",
    )
    identifier = forms.TypedChoiceField(
        label="What other messages need",
        choices=[("0", "Nothing: TLS wherever it is offered"), ("1", "Any TLS"), ("2", "Verified TLS")],
        coerce=int,
    )
    pins = forms.CharField(
        label="Pinned certificates",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: the MX name, a blank, and the SHA-256 of its certificate or public key (64 hex digits).",
    )
    lanes = forms.IntegerField(
        label="Connections at once", min_value=1, max_value=256, help_text="Of one sending worker, over all providers."
    )
    lanes_per_domain = forms.IntegerField(label="To one domain", min_value=1, max_value=64)

    def __init__(self, *args: Any, decided: int = 2, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.decided = decided

    @staticmethod
    def initial_of(setup: Setup, version: int) -> dict[str, Any]:
        """What the form shows for a stored setup; the password never comes back."""
        table = setup.table(baa_in_force=False)
        relay = setup.relay
        return {
            "version": version,
            "mode": setup.mode,
            "helo": setup.helo,
            "sending_domain": setup.sending_domain,
            "bounce_domain": setup.bounce_domain,
            "relay_host": relay.host if relay else "",
            "relay_port": relay.port if relay else 587,
            "relay_username": relay.username if relay else "",
            "relay_implicit": relay.implicit_tls if relay else False,
            "relay_vendor": relay.vendor if relay else None,
            "relay_beyond": "" if relay is None or relay.beyond is None else str(int(relay.beyond)),
            "health": str(int(table.minimum_for(Level.HEALTH) or TlsClass.WEBPKI)),
            "note": setup.decision.get("note", ""),
            "identifier": str(int(table.minimum_for(Level.IDENTIFIER) or 0)),
            "pins": "\n".join(f"{name} {pin}" for name, pins in sorted(setup.pins.items()) for pin in pins),
            "lanes": setup.lanes,
            "lanes_per_domain": setup.lanes_per_domain,
        }

    def clean_pins(self) -> dict[str, list[str]]:
        """Lines as MX name to fingerprints; colons and capitals of other tools are forgiven."""
        found: dict[str, list[str]] = {}
        for line in self.cleaned_data["pins"].splitlines():
            if not line.strip():
                continue
            match = _PIN.match(line.strip().lower().replace(":", ""))
            if match is None:
                raise forms.ValidationError(
                    "Each line needs an MX name, a blank and 64 hex digits, as the evidence of a message shows them."
                )
            found.setdefault(match["name"], []).append(match["pin"])
        return found

    def clean(self) -> dict[str, Any]:
        """A relay needs a host, and a changed decision needs its reason."""
        data = super().clean() or {}
        if data.get("mode") == "relay" and not data.get("relay_host"):
            self.add_error("relay_host", "Name the relay, or choose “Directly”.")
        if data.get("health") is not None and data["health"] != self.decided and not data.get("note"):
            self.add_error("note", "Say why this was decided; it is kept for the auditor.")
        return data


class TestForm(forms.Form):
    """A message to any address that shows how it travelled."""

    __test__ = False

    address = forms.EmailField(label="Send to", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    level = forms.TypedChoiceField(
        label="As if it held",
        coerce=int,
        choices=[("2", "Health information"), ("1", "Only who it is for"), ("0", "Nothing personal")],
        widget=ChoiceCards(
            about={
                "2": ("Held unless the connection is as well protected as health information needs.", "lock"),
                "1": ("As a notice from the portal: TLS wherever it is offered.", "mail"),
                "0": ("As a public newsletter.", "send"),
            }
        ),
    )


class DomainForm(forms.Form):
    """A mail domain to measure."""

    domain = forms.CharField(label="Domain", max_length=253)


class KeyForm(forms.Form):
    """A new signing key."""

    kind = forms.ChoiceField(
        label="Kind", choices=[("rsa", "RSA 2048, read by every provider"), ("ed25519", "Ed25519, besides")]
    )


class HygieneForm(forms.Form):
    """When optional mail to a silent mailbox rests."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    unengaged_days = forms.IntegerField(
        label="Without a sign of life for",
        min_value=30,
        max_value=1095,
        help_text="A click, a reading, an answer, an appointment or a visit is a sign of life.",
    )
    unengaged_messages = forms.IntegerField(
        label="And after at least", min_value=1, max_value=100, help_text="Optional messages in that time."
    )
    silent_months = forms.IntegerField(
        label="A mailbox may be somebody else’s after",
        min_value=0,
        max_value=120,
        required=False,
        help_text="Without a delivery or a sign of life. Then health information goes there by the portal alone until "
        "the person has signed in. 0: never for silence.",
    )

    def clean(self) -> dict[str, Any]:
        """What was left empty stays as it is."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("silent_months") is None:
            found.pop("silent_months", None)
        return found


class RecipientKeyForm(forms.Form):
    """A PGP key or S/MIME certificate as a file."""

    file = forms.FileField(
        label="Key file",
        max_length=200,
        widget=UploadZone(words="Choose a public key (.asc) or a certificate (.cer, .crt, .pem)"),
    )

    def clean_file(self) -> Any:
        """A key is small; anything larger was chosen by mistake."""
        file = self.cleaned_data["file"]
        if file.size > 256 * 1024:
            raise forms.ValidationError("This file is too large for a key. Export only this one public key.")
        return file
