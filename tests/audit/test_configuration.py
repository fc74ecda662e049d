"""Changes of the environment: on the trail as evidence, in django-auditlog's table for reading along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from celery.signals import worker_ready
from django.apps import apps
from django.conf import settings as conf
from django.db import ProgrammingError, connection, connections, models, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit import changes
from apps.audit.models import AuditEntry
from apps.core import actors
from apps.core.classification import Kind, kinds_of
from apps.organizations.models import EnvironmentSetting
from apps.organizations.services import environment_note

REPOSITORY = Path(__file__).resolve().parents[2]
WORKER = actors.system("worker")


def clean(model: type[models.Model]) -> bool:
    """Whether every field of a model is sorted as plain."""
    kinds = kinds_of(model)
    return bool(kinds) and set(kinds.values()) == {Kind.PLAIN}


def test_auditlog_records_configuration_without_anything_sealed_or_personal() -> None:
    """It keeps values in clear: one such field in a model, and the model may not be registered at all."""
    assert [model._meta.label for model in auditlog.get_models()] == ["organizations.EnvironmentSetting"]
    assert all(clean(model) for model in auditlog.get_models())
    assert not clean(apps.get_model("organizations.Organization")), "one sealed field is enough"
    for model in auditlog.get_models():
        relations = [field for field in model._meta.get_fields() if field.is_relation]
        assert relations == [], "nobody's row is named"


def test_nothing_registers_itself_and_its_middleware_is_left_out() -> None:
    """The middleware would copy network addresses, and the addresses of staff, into a table in clear."""
    assert conf.AUDITLOG_INCLUDE_ALL_MODELS is False
    assert conf.AUDITLOG_DISABLE_REMOTE_ADDR is True
    assert not [name for name in conf.MIDDLEWARE if name.startswith("auditlog.")]
    source = "".join(path.read_text() for path in (REPOSITORY / "apps").rglob("*.py"))
    assert "auditlog.register" not in source, "in settings, by name"


def test_only_variables_that_hold_no_credential_are_noted() -> None:
    product, _, _ = (REPOSITORY / "docs" / "settings.md").read_text().partition("## Containers")
    described = set(re.findall(r"^\| `([A-Z_]+)`", product, re.MULTILINE))
    noted = set(conf.ENVIRONMENT) - {"VERSION"}
    assert noted <= described
    assert described - noted == {
        "CARELANE_DEMO_MAIL_PORT",
        "CARELANE_KEEP_SERVERS",
        "CARELANE_STORAGE_OPTIONS",
        "DATABASE_AUDIT_URL",
        "DATABASE_OWNER_URL",
        "DATABASE_READER_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
    }


@pytest.mark.django_db
def test_a_worker_that_starts_with_other_settings_leaves_before_and_after_in_both_places() -> None:
    assert environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1", "ALLOWED_HOSTS": "a.test"}) == [
        "ALLOWED_HOSTS",
        "CARELANE_PROXIES",
    ]
    assert environment_note(actor=WORKER, found={"CARELANE_PROXIES": "2", "ALLOWED_HOSTS": "a.test"}) == [
        "CARELANE_PROXIES"
    ]
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert (entry.action, str(entry.actor_id), entry.fields) == ("environment.change", "worker", ["CARELANE_PROXIES"])
    assert changes.open_change(entry.change) == [("CARELANE_PROXIES", "1", "2")]

    recorded = LogEntry.objects.order_by("-pk")[0]
    assert recorded.changes == {"value": ["1", "2"]}
    assert recorded.additional_data == {"name": "CARELANE_PROXIES", "actor": "system:worker"}
    assert (recorded.actor, recorded.actor_email, recorded.remote_addr) == (None, None, None)
    assert re.fullmatch(r"EnvironmentSetting \d+", recorded.object_repr)


@pytest.mark.django_db
def test_a_second_worker_with_the_same_settings_leaves_nothing() -> None:
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1"})
    before = (AuditEntry.objects.count(), LogEntry.objects.count())
    assert environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1"}) == []
    assert (AuditEntry.objects.count(), LogEntry.objects.count()) == before


@pytest.mark.django_db
def test_a_setting_that_a_version_does_not_have_any_more_goes_with_its_last_value() -> None:
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1", "CARELANE_OLD": "x"})
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1"})
    assert not EnvironmentSetting.objects.filter(name="CARELANE_OLD").exists()
    recorded = LogEntry.objects.order_by("-pk")[0]
    assert (recorded.action, recorded.changes["value"][0]) == (LogEntry.Action.DELETE, "x")


@pytest.mark.django_db
def test_a_value_longer_than_the_column_is_cut_and_stays_equal_to_itself() -> None:
    environment_note(actor=WORKER, found={"CARELANE_TRANSPORT_MAP": "x" * 900})
    assert environment_note(actor=WORKER, found={"CARELANE_TRANSPORT_MAP": "x" * 900}) == []


@pytest.mark.django_db
def test_a_worker_says_at_its_start_what_it_was_given(monkeypatch) -> None:
    monkeypatch.setattr(connections, "close_all", lambda: None)  # this test's transaction lies on one of them
    worker_ready.send(sender=None)
    assert dict(EnvironmentSetting.objects.values_list("name", "value")) == conf.ENVIRONMENT


@pytest.mark.django_db
def test_the_application_neither_alters_nor_deletes_what_was_recorded() -> None:
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1"})
    for statement in ("UPDATE auditlog_logentry SET changes = NULL", "DELETE FROM auditlog_logentry"):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "status"), [("ada", 200), ("otto", 200), ("max", 403), ("rita", 403), ("nora", 403)])
def test_only_administrators_and_auditors_read_it(signed_in, who, status) -> None:
    assert signed_in(who).get("/audit/configuration/").status_code == status


@pytest.mark.django_db
def test_the_page_says_who_what_before_and_after_newest_first(signed_in) -> None:
    client = signed_in("otto")
    assert "Nothing noted yet" in client.get("/audit/configuration/").content.decode()
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "1"})
    environment_note(actor=WORKER, found={"CARELANE_PROXIES": "2"})
    text = re.sub(r"<[^>]+>|\s+", " ", client.get("/audit/configuration/").content.decode())
    rows = re.findall(r"The product \(a worker that started\)\s+CARELANE_PROXIES\s+(\S+)\s+(\S+)", text)
    assert rows == [("1", "2"), ("—", "1")]


@pytest.mark.django_db
def test_a_long_list_comes_in_pages_with_as_many_questions_as_a_short_one(signed_in) -> None:
    client = signed_in("otto")

    def note(count: int) -> None:
        environment_note(actor=WORKER, found={f"CARELANE_{number:03}": "x" for number in range(count)})

    def questions() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/audit/configuration/")
        return len(asked)

    note(1)
    questions()  # the first page of a process fills caches
    one = questions()
    note(60)
    assert questions() == one
    first = client.get("/audit/configuration/")
    assert len(first.context["changes"]) == 50
    second = client.get("/audit/configuration/", {"after": first.context["page"].next})
    assert len(second.context["changes"]) == 10
