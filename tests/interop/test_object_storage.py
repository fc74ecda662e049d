"""The sealed files of an installation in object storage: django-storages' S3 backend against moto's server."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from apps.audit.models import AuditEntry
from apps.compliance import selectors as register
from apps.compliance import services as compliance
from apps.compliance.models import Document
from apps.contacts import services
from apps.contacts.exports import services as exports
from apps.contacts.models import Person
from apps.content import selectors as content
from apps.content.services import asset_upload
from apps.core import actors, clock
from apps.core.errors import Refused
from apps.imports.services import jobs as imports
from apps.imports.services import passes
from apps.imports.services.jobs import Upload
from apps.installation import backup
from apps.organizations import selectors as organizations
from apps.organizations.services import logo_change
from apps.vault import streams
from config import settings as product
from tests.refusals import refused

pytestmark = [pytest.mark.peers, pytest.mark.django_db]
CLI = actors.COMMAND_LINE
BACKEND = "storages.backends.s3.S3Storage"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f00050001ff5601"
    "3d4f0000000049454e44ae426082"
)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """An S3 server on loopback, once for all tests."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def options(server: str) -> dict[str, Any]:
    """What an administrator writes into CARELANE_STORAGE_OPTIONS; the bucket is empty."""
    given = {
        "endpoint_url": server,
        "access_key": "carelane",
        "secret_key": "not-a-real-one",
        "region_name": "us-east-1",
    }
    bucket = whole(given)
    bucket.create()
    bucket.objects.all().delete()
    return {**given, "bucket_name": bucket.name, "location": "clinic"}


@pytest.fixture
def bucket(options: dict[str, Any], settings, monkeypatch) -> Any:
    """The product keeps its files there, by the variables of the environment."""
    monkeypatch.setenv("CARELANE_STORAGE", BACKEND)
    monkeypatch.setenv("CARELANE_STORAGE_OPTIONS", json.dumps(options))
    settings.STORAGES = {**settings.STORAGES, "default": product.file_storage()}
    return whole(options)


def whole(options: dict[str, Any]) -> Any:
    session = boto3.Session(options["access_key"], options["secret_key"], region_name=options["region_name"])
    return session.resource("s3", endpoint_url=options["endpoint_url"]).Bucket("carelane-files")


def kept(bucket: Any) -> dict[str, bytes]:
    return {each.key: each.get()["Body"].read() for each in bucket.objects.all()}


def signed_paper() -> Document:
    vendor = compliance.vendor_create(actor=CLI, facts={"name": "Relay Inc."}, kind="relay")
    agreement = compliance.agreement_create(
        actor=CLI,
        vendor_id=vendor.pk,
        facts={"party": "Relay Inc.", "scope": "Passing on mail"},
        effective=clock.now().astimezone(clock.clinic_zone()).date(),
    )
    return compliance.document_add(actor=CLI, agreement_id=agreement.pk, name="baa.pdf", content=b"%PDF-1.7 signed")


HEADER = "Record,Given name,Surname,Born,Gender,E-mail\n"


def test_an_uploaded_list_is_read_from_the_bucket_where_it_lies_sealed(bucket, noon) -> None:
    # Longer than what one request carries (8 MB): the transfer comes in parts.
    remark = "x" * 60_000
    rows = "".join(f"R-{number},Ana,Berg,1980-02-03,F,ana{number}@x.test,{remark}\n" for number in range(150))
    text = HEADER.replace("\n", ",Remark\n") + rows
    job = imports.import_create(actor=CLI, kind="list", uploads=[Upload("list.csv", io.BytesIO(text.encode()))])
    [(name, sealed)] = kept(bucket).items()
    assert name.startswith("clinic/imports/")
    assert len(sealed) > len(text)
    assert sealed.startswith(streams.MAGIC)
    assert b"Berg" not in sealed

    imports.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    imports.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.new) == ("done", 150)
    assert Person.objects.count() == 150


def test_an_upload_that_nobody_needs_any_more_leaves_the_bucket(
    bucket, noon, django_capture_on_commit_callbacks
) -> None:
    job = imports.import_create(actor=CLI, kind="list", uploads=[Upload("list.csv", io.BytesIO(HEADER.encode()))])
    assert len(kept(bucket)) == 1
    with clock.frozen(clock.now() + timedelta(days=8)), django_capture_on_commit_callbacks(execute=True):
        assert imports.uploads_clear(actor=CLI) == 1
    job.refresh_from_db()
    assert job.files_gone
    assert kept(bucket) == {}


def test_an_export_reads_people_while_it_is_written_and_comes_back_whole(bucket, noon) -> None:
    """Its rows come from this test's transaction: another thread's connection would not see them."""
    for name in ("Ana", "Bo"):
        profile = {
            "first_name": name,
            "last_name": "Dahl",
            "sex": "F",
            "relation": "patient",
            "email": f"{name}@x.test",
        }
        services.contact_create(actor=CLI, profile=profile)
    made = exports.export_create(actor=CLI, columns=["first_name", "last_name"], reason="Calls")
    assert exports.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.done) == ("done", 2)
    [sealed] = kept(bucket).values()
    assert b"Dahl" not in sealed
    plain = b"".join(exports.export_open(actor=CLI, export_id=made.pk)).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(plain)))[1:] == [["Ana", "Dahl"], ["Bo", "Dahl"]]


def test_an_export_that_breaks_off_leaves_nothing_in_the_bucket(bucket, noon, monkeypatch) -> None:
    services.contact_create(actor=CLI, profile={"first_name": "Ana", "last_name": "Dahl", "relation": "patient"})
    made = exports.export_create(actor=CLI, columns=["first_name"], reason="Calls")

    def refuse(*_args: object, **_given: object) -> None:
        raise Refused("agreement.file_damaged", "The vault is closed.")

    monkeypatch.setattr(exports.selectors, "open_people", refuse)
    exports.work(made.pk)
    made.refresh_from_db()
    assert (made.state, made.opened()["problem"]) == ("failed", "The vault is closed.")
    assert kept(bucket) == {}


def test_pictures_logo_and_signed_papers_come_back_as_they_went_in(bucket, noon) -> None:
    picture = asset_upload(actor=CLI, data=PIXEL, file_name="one.png", alt="A dot")
    logo_change(actor=CLI, content=PIXEL)
    paper = signed_paper()

    assert content.asset_bytes(picture) == PIXEL
    assert organizations.logo() == (PIXEL, "image/png")
    assert register.document_open(actor=CLI, document=paper) == b"%PDF-1.7 signed"
    files = kept(bucket)
    assert {name.split("/")[1] for name in files} == {"assets", "organization", "documents"}
    assert not any(b"PNG" in sealed or b"PDF" in sealed for sealed in files.values())


def test_a_paper_that_was_lost_from_the_bucket_is_refused_in_a_sentence(bucket, noon) -> None:
    paper = signed_paper()
    bucket.objects.all().delete()
    with refused("agreement.file_damaged"):
        register.document_open(actor=CLI, document=paper)
    assert AuditEntry.objects.filter(action="baa.open").exists()


def test_a_backup_holds_the_buckets_files_and_a_restore_brings_them_into_another(bucket, noon, tmp_path) -> None:
    picture = asset_upload(actor=CLI, data=PIXEL, file_name="one.png", alt="A dot")
    paper = signed_paper()
    before = kept(bucket)
    with tarfile.open(tmp_path / "files.tar", "w") as archive:
        backup.pack_files(archive)
    bucket.objects.all().delete()
    with tarfile.open(tmp_path / "files.tar") as archive:
        backup.unpack_files(archive)
    assert kept(bucket) == before
    assert content.asset_bytes(picture) == PIXEL
    assert register.document_open(actor=CLI, document=paper) == b"%PDF-1.7 signed"
