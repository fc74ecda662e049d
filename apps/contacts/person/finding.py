"""Finding people for the audit trail: by what staff know of them, shown as far as the reader may see."""

from __future__ import annotations

from apps.audit.actions import Action
from apps.audit.people import Finder, Found
from apps.audit.services import record_read
from apps.contacts.models import Person
from apps.contacts.person import searching, selectors
from apps.contacts.person.masking import Eyes
from apps.contacts.person.records import PersonRecord
from apps.core import clock
from apps.core.actors import Actor
from apps.ui import datewords
from apps.vault.sealing import SealBroken

SHOWN = 20
_RELATIONS = {"patient": "Patient", "b2b": "Business contact", "subscriber": "Subscriber"}


def search(actor: Actor, text: str) -> tuple[list[Found], int]:
    """The first people whose name, address, telephone or record number is ``text``, and how many there are.

    A number is also taken as the number of a person, as the trail shows it. Raises nothing; on the trail first.
    """
    text = text.strip()
    if not text:
        return [], 0
    found = searching.people(text=text)
    ids = list(found.order_by("-pk").values_list("pk", flat=True)[:SHOWN])
    total = searching.counted(found)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
    if number and number not in ids and Person.objects.filter(pk=number, erased_at__isnull=True).exists():
        ids = [number, *ids[: SHOWN - 1]]
        total = None if total is None else total + 1
    if not ids:
        # "Nobody" is an answer too: who asks for one address after the other learns who is no patient here.
        record_read(actor=actor, action=Action.CONTACT_SEARCH, kind="person", purpose="audit trail")
    records = selectors.open_people(
        actor=actor, purpose="audit trail", ids=ids, action=Action.CONTACT_SEARCH, with_consents=False
    )
    eyes = Eyes(actor.role)
    shown = [Found(pk, eyes.name(records[pk]), _facts(records[pk], eyes)) for pk in ids if pk in records]
    return shown, searching.COUNT_UP_TO if total is None else total


def name(actor: Actor, person_id: int) -> str:
    """The name as ``actor`` may see it; "" for somebody erased or never there. The caller has recorded the look."""
    row = Person.objects.filter(pk=person_id, erased_at__isnull=True).first() if 0 < person_id < 2**63 else None
    if row is None:
        return ""
    try:
        return Eyes(actor.role).name(selectors.opened(row))
    except SealBroken:
        return ""


def _facts(record: PersonRecord, eyes: Eyes) -> str:
    relation = _RELATIONS.get(record.relation, record.relation.capitalize())
    city = str(record.get("city") or "") if eyes.names else ""
    at = record.created_at
    added = f"added {datewords.day(at.astimezone(clock.clinic_zone()))}" if at else ""
    return ", ".join(each for each in (relation, city, added) if each)


def records(person_id: int) -> list[int]:
    """The number of a person, and of the records that were merged into it."""
    return [person_id, *selectors.former_records(person_id)] if 0 < person_id < 2**63 else [person_id]


FINDER = Finder(search=search, name=name, records=records)
