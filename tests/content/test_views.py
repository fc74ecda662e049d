"""Who may open which page, and what the pages do when something is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.content import selectors, services
from apps.content.models import Template
from apps.core import actors
from tests.content.test_images import png

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture
def mail() -> Template:
    data = {"subject": "Hello {{ first_name|you }}", "blocks": [{"id": "a", "type": "text", "html": "<p>Hi</p>"}]}
    return services.template_create(actor=CLI, name="Winter", data=data)


@pytest.mark.parametrize(
    ("who", "looks", "edits", "brands"),
    [
        ("ada", 200, 200, 200),
        ("max", 200, 200, 200),
        ("rita", 200, 403, 403),
        ("otto", 200, 403, 403),
        ("nora", 403, 403, 403),
    ],
)
def test_roles(signed_in: Any, mail: Template, who: str, looks: int, edits: int, brands: int) -> None:
    client = signed_in(who)
    for path in ("/templates/", f"/templates/{mail.pk}/", f"/templates/{mail.pk}/preview/"):
        assert client.get(path).status_code == looks
    assert client.get("/templates/new/").status_code == edits
    change = {"op": "add", "kind": "text", "version": "1"}
    assert client.post(f"/templates/{mail.pk}/change/", change).status_code == edits
    assert client.get("/templates/brands/").status_code == brands


def test_looking_needs_no_editor(signed_in: Any, mail: Template) -> None:
    page = signed_in("rita").get(f"/templates/{mail.pk}/").content.decode()
    assert "editor.js" not in page
    assert "Winter" in page


def test_the_list_shows_a_subject_as_it_arrives(signed_in: Any) -> None:
    words = "{{ first_name|you }}, a note from {{ clinic.name }} for {{ nobody.knows }}"
    services.template_create(actor=CLI, name="Spring", data={"subject": words, "blocks": []})
    page = signed_in("max").get("/templates/").content.decode()
    assert "Maria, a note from " in page
    assert "for [nobody.knows]" in page
    assert "{{" not in page


def test_codes_and_links_to_accounts_are_offered_only_where_something_fills_them(
    signed_in: Any, mail: Template
) -> None:
    own = services.template_create(
        actor=CLI, name="Our notice", data={"subject": "For you", "blocks": []}, kind="notice"
    )
    client = signed_in("max")
    assert b'data-insert="first_name"' in client.get(f"/templates/{mail.pk}/").content
    assert b'data-insert="account.code"' not in client.get(f"/templates/{mail.pk}/").content
    assert b'data-insert="account.code"' in client.get(f"/templates/{own.pk}/").content


def test_the_preview_has_a_policy_of_its_own(signed_in: Any, mail: Template) -> None:
    client = signed_in("max")
    policy = client.get(f"/templates/{mail.pk}/preview/")["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "sandbox allow-same-origin" in policy
    editor = client.get(f"/templates/{mail.pk}/")["Content-Security-Policy"]
    assert "'nonce-" in editor.split("style-src")[1].split(";")[0]
    assert "nonce" not in client.get("/templates/")["Content-Security-Policy"]


def test_an_empty_column_is_seen_while_one_builds_and_never_sent(signed_in: Any, mail: Template) -> None:
    client = signed_in("max")
    client.post(f"/templates/{mail.pk}/change/", {"op": "add", "kind": "columns", "version": mail.version})
    building = client.get(f"/templates/{mail.pk}/preview/?mark=1").content.decode()
    assert building.count("Empty column") == 2
    assert "Empty column" not in client.get(f"/templates/{mail.pk}/preview/").content.decode()
    assert "A person without a value is held back" in client.get(f"/templates/{mail.pk}/").content.decode()


def test_stale_refused_and_gone(signed_in: Any, mail: Template) -> None:
    client = signed_in("max")
    url = f"/templates/{mail.pk}/change/"
    assert client.post(url, {"op": "add", "kind": "text", "version": "9"}).status_code == 409
    assert client.post(url, {"op": "add", "kind": "video", "version": "1"}).status_code == 422
    assert client.post(url, {"op": "nonsense", "version": "1"}).status_code == 422
    assert client.post(url, {"op": "delete", "block": "zz", "version": "1"}).status_code == 422
    assert client.post("/templates/999999/change/", {"op": "add"}).status_code == 404
    assert client.get(url).status_code == 405
    mail.refresh_from_db()
    assert mail.version == 1


def test_previewing_as_a_person_is_on_the_trail(signed_in: Any, mail: Template) -> None:
    (person,) = contacts.contacts_create(actor=CLI, profiles=[{"first_name": "Zoraida", "mrn": "Z1"}])
    client = signed_in("max")
    found = client.post(f"/templates/{mail.pk}/person/", {"q": "Z1"}).content.decode()
    assert "Zoraida" in found
    client.post(f"/templates/{mail.pk}/person/", {"person": str(person.id)})
    before = AuditEntry.objects.filter(action="template.preview").count()
    shown = client.get(f"/templates/{mail.pk}/preview/").content.decode()
    assert 'content="Hello Zoraida"' in shown
    assert AuditEntry.objects.filter(action="template.preview").count() == before + 1


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(
    signed_in: Any, mail: Template, questions: Any
) -> None:
    client = signed_in("max")
    one = questions(client, "/templates/")
    for _ in range(49):
        services.template_duplicate(actor=CLI, template_id=mail.pk)
    assert questions(client, "/templates/") == one


def test_deleting_asks_first(signed_in: Any, mail: Template) -> None:
    client = signed_in("max")
    assert client.get(f"/templates/{mail.pk}/delete/").status_code == 200
    assert Template.objects.living().count() == 1
    assert client.post(f"/templates/{mail.pk}/delete/").status_code == 302
    assert Template.objects.living().count() == 0
    assert selectors.template_named("Winter") is None


def test_images_have_a_page_of_their_own_and_the_editor_gets_the_list_alone(signed_in: Any) -> None:
    client = signed_in("max")
    assert b"No images yet" in client.get("/templates/images/").content
    given = {"file": SimpleUploadedFile("door.png", png(), "image/png"), "alt": "The door"}
    page = client.post("/templates/images/", given, follow=True).content
    assert b"Image added." in page
    assert b"<html" in page
    part = client.get("/templates/images/", headers={"HX-Request": "true"}).content
    assert b"door.png" in part
    assert b"<html" not in part
    refused = client.post("/templates/images/", {"file": SimpleUploadedFile("door.png", b"not a picture", "image/png")})
    assert refused.status_code == 422
    assert b"Not uploaded" in refused.content
