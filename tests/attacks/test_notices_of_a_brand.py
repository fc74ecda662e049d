"""A marketer has patients call another number: portal notices take the brand as it is, and nobody approves them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content import blocks, selectors
from apps.content import services as content
from apps.content.models import Brand, Template
from apps.content.presets import all_presets
from apps.core import actors
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
FORM = {
    "name": "Lakeside", "from_name": "Lakeside Clinic", "from_address": "care@clinic.test", "reply_to": "",
    "postal_address": "1 Main Street, Lexington, KY 40507", "phone": "859-555-0100", "primary": "#0b5cad",
    "page": "#f4f6f9", "logo": "",
}  # fmt: skip


@pytest.fixture
def brand(db: None) -> Brand:
    return content.brand_save(actor=CLI, data=FORM)


def save(client: Any, brand: Brand, **changed: str) -> Any:
    brand.refresh_from_db()
    return client.post(f"/templates/brands/{brand.pk}/", {**FORM, "version": brand.version, **changed})


STEERS = [
    {"phone": "900-555-0199"},
    {"reply_to": "max@elsewhere.test"},
    {"from_address": "care@elsewhere.test"},
    {"from_name": "Pay now"},
    {"name": "Another clinic"},
    {"postal_address": "9 Oak Street"},
]


@pytest.mark.parametrize("changed", STEERS, ids=lambda changed: next(iter(changed)))
def test_a_marketer_does_not_steer_the_default_brand(brand: Brand, signed_in: Any, changed: dict[str, str]) -> None:
    answer = save(signed_in("max"), brand, **changed)
    assert answer.status_code == 422
    assert "an administrator decides" in answer.content.decode()
    assert next(iter(changed.values())) in answer.content.decode()
    assert Brand.objects.get(pk=brand.pk).version == 1
    assert save(signed_in("ada"), brand, **changed).status_code == 302


def test_the_page_says_so_before_anybody_types(brand: Brand, signed_in: Any) -> None:
    mine = content.brand_save(actor=CLI, data={**FORM, "name": "Mine"})
    pages = [("max", brand, True), ("max", mine, False), ("ada", brand, False)]
    for who, shown, told in pages:
        page = signed_in(who).get(f"/templates/brands/{shown.pk}/").content.decode()
        assert ("an administrator decides" in page) == told


def test_its_colors_are_a_marketers_business(brand: Brand, signed_in: Any) -> None:
    assert save(signed_in("max"), brand, primary="#0e6b3a").status_code == 302
    assert selectors.brand_facts().primary == "#0e6b3a"


def test_nor_makes_a_marketer_another_one_the_default(brand: Brand, signed_in: Any) -> None:
    mine = {**FORM, "name": "Mine", "phone": "900-555-0199"}
    max_ = signed_in("max")
    assert max_.post("/templates/brands/new/", {**mine, "is_default": "on"}).status_code == 422
    assert max_.post("/templates/brands/new/", mine).status_code == 302
    made = Brand.objects.get(is_default=False)
    assert save(max_, made, **mine, is_default="on").status_code == 422
    assert save(max_, made, **{**mine, "phone": "900-555-0198"}).status_code == 302, "a brand of campaigns"
    assert selectors.brand_facts().phone == "859-555-0100"


def test_the_first_brand_is_not_the_default_because_a_marketer_makes_it(signed_in: Any, cast: Any) -> None:
    signed_in("max").post("/templates/brands/new/", {**FORM, "phone": "900-555-0199"})
    assert not Brand.objects.get().is_default
    assert selectors.brand_facts().phone != "900-555-0199"
    signed_in("ada").post("/templates/brands/new/", {**FORM, "name": "Lakeside Clinic"})
    assert selectors.brand_facts().phone == "859-555-0100"


def test_a_published_notice_keeps_its_brand(brand: Brand, cast: Any) -> None:
    max_ = actors.staff(cast.max.pk, "marketer")
    mine = content.brand_save(actor=max_, data={**FORM, "name": "Mine", "phone": "900-555-0199"})
    data = blocks.dump(all_presets()["portal_notice"].design)
    notice = content.template_create(actor=CLI, name="Our notice", data=data, kind=Template.Kinds.NOTICE)
    content.template_brand(actor=max_, template_id=notice.pk, brand=mine)
    content.template_publish(actor=actors.staff(cast.rita.pk, "reviewer"), template_id=notice.pk)
    with refused("notice.brand_not_allowed"):
        content.template_brand(actor=max_, template_id=notice.pk, brand=None)
    with refused("brand.in_notices"):
        content.brand_save(actor=max_, brand=mine, data={**mine.opened, "phone": "900-555-0198"})
