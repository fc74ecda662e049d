"""The demo's vendors: one agreement in force, one that ends soon, one vendor without any."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from apps.compliance import services
from apps.compliance.agreements import CLAUSES
from apps.compliance.models import Vendor
from apps.core import actors, clock

ACTOR = actors.system("demo")


def load(*, now: datetime) -> int:
    """Enter the vendors if there is none yet; returns how many."""
    if Vendor.objects.exists():
        return 0
    today = clock.clinic_day(now)
    hosting = _vendor("Harborlight Hosting", "hosting", "Servers and encrypted backups", "Ohio, United States")
    _agreement(hosting, "Harborlight Hosting LLC", "Keep encrypted servers and backups", today - timedelta(days=400))
    relay = _vendor("Bluepost Relay", "relay", "Passes mail on", "Virginia, United States")
    ends = today + timedelta(days=45)
    _agreement(relay, "Bluepost Mail Inc.", "Pass messages on to patients", ends - timedelta(days=730), expires=ends)
    _vendor("Clearprint Letters", "service", "Prints and mails letters", "Maine, United States")
    services.vendor_create(
        actor=ACTOR,
        facts={"name": "Brightside Photos", "service": "Pictures for templates", "location": "United States"},
        kind="other",
        handles_health_information=False,
    )
    return 4


def _vendor(name: str, kind: str, service: str, location: str) -> Vendor:
    contact = f"privacy@{name.split()[0].lower()}.test"
    facts = {"name": name, "service": service, "location": location, "contact": contact}
    facts["certifications"] = "SOC 2 Type II report seen"
    return services.vendor_create(actor=ACTOR, facts=facts, kind=kind)


def _agreement(vendor: Vendor, party: str, scope: str, effective: date, expires: date | None = None) -> None:
    facts = {
        "party": party,
        "scope": scope,
        "clauses": {clause.code: f"§ {number}" for number, clause in enumerate(CLAUSES, 1)},
        "options": {"own_management": "§ 3.2"},
        "note": "",
    }
    made = services.agreement_create(
        actor=ACTOR, vendor_id=vendor.pk, facts=facts, effective=effective, expires=expires
    )
    services.document_add(actor=ACTOR, agreement_id=made.pk, name="Signed agreement.pdf", content=paper(party))


def paper(party: str) -> bytes:
    """A one-page PDF that says what it is, so that the demo's download opens."""
    words = f"BT /F1 18 Tf 72 720 Td (Business associate agreement with {party}) Tj 0 -28 Td (Demo document) Tj ET"
    parts = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(words)}>>\nstream\n{words}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{part}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    out += f"xref\n0 6\n0000000000 65535 f \n{table}trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return out.encode("ascii")
