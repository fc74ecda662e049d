"""Two people edit at once: a form that does not say what it was made from overwrites nothing, nor does an old one."""

from __future__ import annotations

from typing import Any

import pytest

from apps.campaigns import selectors as campaigns
from apps.campaigns import services as campaign_services
from apps.content import selectors as templates
from apps.content import services as content
from apps.content.models import Brand
from apps.core import actors
from apps.organizations import selectors as organizations
from apps.organizations.services import organization_change
from apps.segments import selectors as segments
from apps.segments import services as segment_services
from tests.campaigns.conftest import EVERYBODY, SPEC, template  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
MEANWHILE = "meanwhile"


@pytest.fixture
def flu(template: None) -> Any:  # noqa: F811
    segment_services.segment_save(actor=CLI, name="Everyone", rule=EVERYBODY)
    return campaign_services.campaign_save(actor=CLI, name="Flu", spec=SPEC)


def told(answer: Any, typed: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == 422
    assert MEANWHILE in page
    assert typed in page, "what was typed is still there"


AUDIENCE = {"name": "Flu, my way", "who": "everybody"}
PURPOSE = {"purpose": "operations", "remuneration": "none"}


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "x"}, {"version": "1"}])
@pytest.mark.parametrize(("step", "form"), [("audience", AUDIENCE), ("message", SPEC), ("purpose", PURPOSE)])
def test_a_campaign(flu: Any, signed_in: Any, step: str, form: dict[str, str], version: dict[str, str]) -> None:
    campaign_services.campaign_save(actor=CLI, name="Flu 2", spec=SPEC, campaign_id=flu.pk)
    client = signed_in("max")
    before = campaigns.by_id(flu.pk)
    answer = client.post(f"/campaigns/{flu.pk}/{step}/", {**form, **version})
    assert MEANWHILE in answer.content.decode()
    assert campaigns.by_id(flu.pk) == before
    assert answer.context["version"] == version.get("version", 2), "a second press overwrites nothing either"


def test_a_campaign_keeps_what_was_typed(flu: Any, signed_in: Any) -> None:
    told(signed_in("max").post(f"/campaigns/{flu.pk}/audience/", {**AUDIENCE, "version": "7"}), "Flu, my way")


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "7"}])
def test_a_segment(flu: Any, signed_in: Any, version: dict[str, str]) -> None:
    from tests.segments.test_views_segments import FORM

    everyone = segments.by_name("Everyone").id
    client = signed_in("max")
    told(client.post(f"/segments/{everyone}/edit/", {**FORM, "name": "My way", **version}), "My way")
    assert segments.by_name("Everyone").version == 1


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "7"}])
def test_a_brand(flu: Any, signed_in: Any, version: dict[str, str]) -> None:
    brand = Brand.objects.get()
    form = {**brand.opened, "primary": "#0b5cad", "page": "#f4f6f9", "from_name": "My way", **version}
    url = f"/templates/brands/{brand.pk}/"
    client = signed_in("ada")
    told(client.post(url, form), "My way")
    brand = Brand.objects.get()
    assert brand.version == 1
    content.brand_save(actor=CLI, brand=brand, data=brand.opened)
    told(client.post(url, {**form, "version": "1"}), "My way")
    assert client.post(url, {**form, "version": "2"}).status_code == 302
    assert Brand.objects.get().opened["from_name"] == "My way"


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "1"}])
def test_the_organization(flu: Any, signed_in: Any, version: dict[str, str]) -> None:
    organization_change(actor=CLI, web="https://clinic.test")
    now = organizations.current()
    form = {"name": "My way", "phone": "1", "postal_address": "9 Oak Street", "zone": "America/New_York"}
    client = signed_in("ada")
    told(client.post("/settings/organization/", {**form, **version}), "My way")
    assert organizations.current().name == "Lakeside Clinic"
    assert client.post("/settings/organization/", {**form, "version": now.version}).status_code == 302
    assert organizations.current().name == "My way"


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": "7"}])
@pytest.mark.parametrize(
    "change", [{"op": "brand", "brand": ""}, {"op": "message", "subject": "My way"}, {"op": "undo"}]
)
def test_a_template(flu: Any, signed_in: Any, change: dict[str, str], version: dict[str, str]) -> None:
    found = templates.template_named("Flu shot")
    assert found is not None
    answer = signed_in("max").post(f"/templates/{found.pk}/change/", {**change, **version})
    assert answer.status_code == 409
    found.refresh_from_db()
    assert found.version == 1


def test_a_brand_that_is_no_number_is_no_brand(flu: Any, signed_in: Any) -> None:
    found = templates.template_named("Flu shot")
    assert found is not None
    form = {"op": "brand", "brand": "x", "version": found.version}
    assert signed_in("max").post(f"/templates/{found.pk}/change/", form).status_code == 200
