"""The register: entered, signed, in force, ended, kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction

from apps.audit.models import AuditEntry
from apps.compliance import selectors, services
from apps.compliance.agreements import CLAUSES
from apps.compliance.models import Agreement, Document, Vendor
from apps.core import actors, clock
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
PDF = b"%PDF-1.7 signed by Relay Example Inc."
BIG = b"%PDF-" + b"x" * 27_000_000
ALL = {clause.code: f"§{number}" for number, clause in enumerate(CLAUSES, 1)}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """A file store of this test alone."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    return tmp_path


@pytest.fixture
def relay(noon) -> Vendor:
    return services.vendor_create(actor=CLI, facts={"name": "Relay Example", "service": "Mail relay"}, kind="relay")


def agree(vendor, **more) -> Agreement:
    facts = {"party": "Relay Example Inc.", "scope": "Passing on mail", "clauses": ALL, **more.pop("facts", {})}
    return services.agreement_create(
        actor=CLI, vendor_id=vendor.pk, facts=facts, effective=more.pop("effective", date(2026, 1, 1)), **more
    )


def sign(agreement) -> Document:
    return services.document_add(actor=CLI, agreement_id=agreement.pk, name="BAA relay.pdf", content=PDF)


def test_a_vendor_counts_only_with_a_complete_signed_agreement(relay):
    assert not selectors.baa_in_force(relay)
    agreement = agree(relay)
    assert not selectors.baa_in_force(relay)
    sign(agreement)
    assert selectors.baa_in_force(relay)
    assert selectors.baa_in_force(relay.pk, date(2026, 1, 1))
    assert not selectors.baa_in_force(relay.pk, date(2025, 12, 31))


def test_an_incomplete_checklist_does_not_count(relay):
    agreement = agree(relay, facts={"clauses": {"uses": "§1"}})
    sign(agreement)
    assert not selectors.baa_in_force(relay)
    services.agreement_change(
        actor=CLI,
        agreement_id=agreement.pk,
        facts={"party": "Relay Example Inc.", "scope": "Mail", "clauses": ALL},
        effective=agreement.effective,
        expires=None,
    )
    assert selectors.baa_in_force(relay)


def test_nobody_has_one_by_an_unknown_number():
    assert not selectors.baa_in_force(999_999)


def test_it_ends_on_its_day(relay):
    sign(agree(relay, expires=date(2026, 12, 1)))
    assert selectors.baa_in_force(relay, date(2026, 11, 30))
    assert not selectors.baa_in_force(relay, date(2026, 12, 1))


def test_terminating_says_what_became_of_the_data(relay):
    agreement = agree(relay)
    sign(agreement)
    given = {"actor": CLI, "agreement_id": agreement.pk, "on": date(2026, 11, 20)}
    with refused("agreement.without_disposal"):
        services.agreement_terminate(**given, reason="moved", data="")
    with refused("agreement.without_reason"):
        services.agreement_terminate(**given, reason=" ", data="destroyed")
    services.agreement_terminate(**given, reason="moved away", data="destroyed")
    assert not selectors.baa_in_force(relay)
    agreement = Agreement.objects.get(pk=agreement.pk)
    assert agreement.opened["ending"] == {"reason": "moved away", "data": "destroyed"}
    with refused("agreement.terminated"):
        services.agreement_terminate(**given, reason="again", data="destroyed")
    with refused("agreement.terminated"):
        services.agreement_change(
            actor=CLI, agreement_id=agreement.pk, facts=agreement.opened, effective=date(2026, 1, 1), expires=None
        )


def test_the_paper_is_sealed_before_it_is_stored(relay, folder):
    document = sign(agree(relay))
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert PDF not in files[0].read_bytes()
    assert b"Relay" not in files[0].read_bytes()
    assert "BAA relay" not in files[0].name
    assert selectors.document_open(actor=CLI, document=document) == PDF
    assert document.name == "BAA relay.pdf"
    assert AuditEntry.objects.filter(action="baa.open").count() == 1


def test_a_paper_moved_to_another_row_does_not_open(relay):
    one, other = sign(agree(relay)), sign(agree(relay))
    one.stored, other.stored = other.stored, one.stored
    with refused("agreement.file_damaged"):
        selectors.document_open(actor=CLI, document=one)


def test_a_paper_whose_row_fails_leaves_no_file_behind(relay, folder, monkeypatch):
    agreement = agree(relay)

    def fail(**given):
        raise IntegrityError

    monkeypatch.setattr(services, "record", fail)
    with pytest.raises(IntegrityError), transaction.atomic():
        sign(agreement)
    assert not [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "agreement.file_empty"),
        (b"MZ\x90 program", "agreement.file_kind_wrong"),
        (b"<html>", "agreement.file_kind_wrong"),
        (b"%PDF-" + b"x" * 27_000_000, "agreement.file_too_large"),
    ],
)
def test_other_files_are_refused(relay, content, code):
    agreement = agree(relay)
    with refused(code):
        services.document_add(actor=CLI, agreement_id=agreement.pk, name="x.pdf", content=content)


def test_the_name_of_a_paper_cannot_lead_anywhere(relay):
    document = services.document_add(
        actor=CLI, agreement_id=agree(relay).pk, name="..\\..\\etc/passwd\r\nX: y.exe", content=PDF
    )
    assert "/" not in document.name
    assert "\\" not in document.name
    assert document.name.endswith(".pdf")


def test_it_is_kept_six_years_and_then_may_go(relay, django_capture_on_commit_callbacks):
    agreement = agree(relay, expires=date(2027, 1, 1))
    document = sign(agreement)
    with refused("agreement.kept", "kept until 2033-01-01"):
        services.agreement_destroy(actor=CLI, agreement_id=agreement.pk, reason="tidy")
    with clock.frozen(datetime(2033, 1, 2, 12, tzinfo=UTC)), django_capture_on_commit_callbacks(execute=True):
        services.agreement_destroy(actor=CLI, agreement_id=agreement.pk, reason="retention over")
    assert not Agreement.objects.exists()
    assert not default_storage.exists(document.stored)


def test_an_open_ended_agreement_is_never_destroyed(relay):
    agreement = agree(relay)
    with refused("agreement.without_end"):
        services.agreement_destroy(actor=CLI, agreement_id=agreement.pk, reason="tidy")


def test_a_vendor_is_archived_only_without_an_agreement_in_force(relay):
    agreement = agree(relay)
    sign(agreement)
    with refused("vendor.agreement_in_force"):
        services.vendor_archive(actor=CLI, vendor_id=relay.pk)
    services.agreement_terminate(
        actor=CLI, agreement_id=agreement.pk, on=date(2026, 11, 20), reason="moved", data="returned"
    )
    services.vendor_archive(actor=CLI, vendor_id=relay.pk)
    assert not selectors.baa_in_force(relay.pk, date(2026, 6, 1))
    assert selectors.vendor_rows() == []
    assert len(selectors.vendor_rows(archived=True)) == 1


def test_reminders_worst_first(relay, noon):
    services.vendor_create(actor=CLI, facts={"name": "Print shop"}, kind="other", handles_health_information=False)
    assert [one.words for one in selectors.reminders()] == [
        "Relay Example has no business associate agreement: no health information may go there."
    ]
    sign(agree(relay, expires=date(2026, 12, 24)))
    assert [one.tone for one in selectors.reminders()] == ["caution"]
    assert "ends on Dec 24, 2026" in selectors.reminders()[0].words
    later = selectors.reminders(noon.date() + timedelta(days=366))
    assert [one.tone for one in later] == ["bad", "caution", "caution"]
    assert "expired" in later[0].words


def test_wrong_entries_are_refused(relay):
    for more, code in [
        ({"expires": date(2025, 1, 1)}, "agreement.ends_too_early"),
        ({"facts": {"scope": " "}}, "agreement.incomplete"),
        ({"facts": {"clauses": {"nonsense": "1"}}}, "agreement.clauses_changed"),
    ]:
        with refused(code):
            agree(relay, **more)
    with refused("vendor.without_name"):
        services.vendor_create(actor=CLI, facts={"name": ""}, kind="relay")
    with refused("vendor.without_kind"):
        services.vendor_create(actor=CLI, facts={"name": "x"}, kind="spaceship")


def test_the_database_refuses_an_agreement_that_ends_before_it_begins(relay):
    agreement = agree(relay)
    with pytest.raises(IntegrityError), transaction.atomic():
        Agreement.objects.filter(pk=agreement.pk).update(expires=date(2020, 1, 1))


def test_the_tables_hold_no_readable_word(relay):
    sign(agree(relay))
    with connection.cursor() as cursor:
        for model in (Vendor, Agreement, Document):
            cursor.execute(f"SELECT t::text, encode(t.sealed, 'escape') FROM {model._meta.db_table} t")
            assert "Relay" not in str(cursor.fetchall())


def test_every_write_is_on_the_trail(relay):
    agreement = agree(relay)
    sign(agreement)
    services.agreement_terminate(
        actor=CLI, agreement_id=agreement.pk, on=date(2026, 11, 20), reason="moved", data="returned"
    )
    trail = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert [one for one in trail if one.startswith(("vendor", "baa"))] == [
        "vendor.create",
        "baa.create",
        "baa.upload",
        "baa.terminate",
    ]


def test_delivery_chooses_a_vendor_by_name(relay):
    assert selectors.vendor_choices() == [
        ("", "Choose a vendor"),
        (str(relay.pk), "Relay Example (no agreement)"),
    ]
    sign(agree(relay))
    assert selectors.vendor_choices()[1][1] == "Relay Example (in force)"
