"""A marketer maps the list that an administrator uploaded so that every row is rejected, and asks for the rows."""

from __future__ import annotations

import io
from typing import Any

import pytest

from apps.core import actors
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from tests.refusals import refused

pytestmark = pytest.mark.django_db
FILE = b"Record,Surname,Mailbox,Town\nMRN-77,Quist,dana.quist@goodmail.test,Lexington\n"
SECRETS = (b"Quist", b"dana.quist", b"Lexington")
ALL_WRONG = {
    "match_on": "phone", "column-0": "mrn", "column-1": "phone", "column-2": "", "column-3": "",
    "date_format": "%Y-%m-%d", "relation": "patient", "mode": "update",
}  # fmt: skip


def uploaded_by(user: Any) -> ImportJob:
    actor = actors.staff(user.pk, user.role)
    return jobs.import_create(
        actor=actor, kind=ImportJob.JobKind.LIST, uploads=[jobs.Upload("list.csv", io.BytesIO(FILE))]
    )


def all_rejected(client: Any, job: ImportJob) -> None:
    assert client.post(f"/contacts/imports/{job.pk}/columns/", ALL_WRONG).status_code == 302
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.rejected == 1


def test_a_colleague_who_may_not_reveal_sees_no_row_of_it(cast: Any, signed_in: Any, noon: Any) -> None:
    job = uploaded_by(cast.ada)
    max_ = signed_in("max")
    base = f"/contacts/imports/{job.pk}/"
    pages = [max_.get(f"{base}columns/")]
    assert b"a colleague" in pages[0].content
    all_rejected(max_, job)
    pages += [max_.get(base), max_.post(f"{base}rejected/", follow=True)]
    for page in pages:
        assert page["Content-Type"].startswith("text/html")
        assert not [secret for secret in SECRETS if secret in page.content]
    assert b"only whoever uploaded the file" in pages[1].content
    assert b"only whoever uploaded the file" in pages[2].content
    with refused("import.rows_not_allowed"):
        jobs.rejected_csv(actor=actors.staff(cast.max.pk, "marketer"), job_id=job.pk)


@pytest.mark.parametrize(("uploads", "reads"), [("max", "max"), ("max", "ada")])
def test_whoever_uploaded_it_and_an_administrator_do(
    cast: Any, signed_in: Any, noon: Any, uploads: str, reads: str
) -> None:
    job = uploaded_by(getattr(cast, uploads))
    client = signed_in(reads)
    assert b"Lexington" in client.get(f"/contacts/imports/{job.pk}/columns/").content
    all_rejected(client, job)
    answer = client.post(f"/contacts/imports/{job.pk}/rejected/")
    assert answer["Content-Type"].startswith("text/csv")
    assert b"dana.quist@goodmail.test" in b"".join(answer.streaming_content)
