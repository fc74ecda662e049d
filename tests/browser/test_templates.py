"""A marketer makes a mail: by keyboard alone, by dragging, in two tabs, as a person, in both themes, on a phone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.contacts import services as contacts
from apps.content import blocks, selectors, services
from apps.content.models import Template
from apps.content.presets import all_presets
from apps.core import actors
from tests import sizes

pytestmark = pytest.mark.django_db(transaction=True)
CLI = actors.COMMAND_LINE
PICTURES = os.environ.get("CARELANE_PICTURES", "")


def picture(page: Any, name: str) -> None:
    """A screenshot into the folder CARELANE_PICTURES, when someone wants to look."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


@pytest.fixture
def reminder() -> Template:
    design = all_presets()["appointment_reminder"].design
    return services.template_create(actor=CLI, name="Reminder", data=blocks.dump(design))


@pytest.fixture
def short() -> Template:
    data = {
        "subject": "A note",
        "preheader": "From us",
        "blocks": [
            {"id": "b1", "type": "heading", "text": "First"},
            {"id": "b2", "type": "text", "html": "<p>Second</p>"},
            {"id": "b3", "type": "columns", "columns": [[{"id": "b4", "type": "text", "html": "<p>Left</p>"}], []]},
            {"id": "b5", "type": "footer"},
        ],
    }
    return services.template_create(actor=CLI, name="Short", data=data)


def kinds(template: Template) -> list[str]:
    template.refresh_from_db()
    return [block["type"] for block in selectors.draft_data(template)["blocks"]]


def saved(page: Any) -> None:
    expect(page.locator("#save-state")).to_contain_text("Saved")


@pytest.mark.proof
@sizes.some("scheme", ["light", "dark"], sample=[1])
def test_list_choice_and_editor_are_open_to_everyone(
    enter: Callable[..., Any], axe: Callable[..., None], scheme: str, reminder: Template
) -> None:
    services.template_create(actor=CLI, name="News", data=blocks.dump(all_presets()["clinic_newsletter"].design))
    page = enter("max", scheme=scheme)
    page.open("/templates/")
    expect(page.get_by_role("link", name="Reminder")).to_be_visible()
    axe(page)
    picture(page, f"list-{scheme}")
    page.open("/templates/new/")
    axe(page)
    picture(page, f"new-{scheme}")
    page.open(f"/templates/{reminder.pk}/")
    expect(page.frame_locator("#preview").get_by_text("We will see you soon, Maria")).to_be_visible()
    axe(page)
    picture(page, f"editor-{scheme}")
    page.locator("[data-pick=b3]").first.click()
    expect(page.locator("trix-editor")).to_be_visible()
    page.get_by_text("Insert a merge field").click()
    axe(page)
    picture(page, f"editor-text-{scheme}")
    page.open("/templates/brands/new/")
    axe(page)
    picture(page, f"brand-{scheme}")


@pytest.mark.proof
@sizes.some(("scheme", "width"), [("light", 375), ("dark", 375), ("light", 320)], sample=[1, 2])
def test_everything_fits_on_a_phone(enter: Callable[..., Any], scheme: str, width: int, reminder: Template) -> None:
    page = enter("max", width=width, height=812, scheme=scheme)
    pages = {"list": "", "new": "new/", "brand": "brands/new/", "editor": f"{reminder.pk}/"}
    for name, path in pages.items():
        path = f"/templates/{path}"
        page.open(path)
        page.no_overflow()
        picture(page, f"phone-{name}-{scheme}")
    page.get_by_role("button", name="Blocks").click()
    picture(page, f"phone-blocks-{scheme}")
    page.locator("#structure [data-pick=b2]").click()
    expect(page.get_by_label("Text", exact=True)).to_be_visible()
    page.no_overflow()
    picture(page, f"phone-settings-{scheme}")


def test_social_links_are_added_by_keyboard_and_speak_spanish(
    enter: Callable[..., Any], axe: Callable[..., None], short: Template
) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    mail = page.frame_locator("#preview")
    page.locator("#structure [data-pick=b2]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#structure .is-chosen [data-pick=b2]")).to_be_visible()
    page.get_by_role("button", name="Social links").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#editor-live")).to_have_text("Added Social links to position 3 of 5.")
    expect(page.locator("#structure .is-chosen [data-pick]")).to_be_focused()
    page.get_by_label("Address of row 1").focus()
    page.keyboard.type("https://www.facebook.com/lexington.clinic")
    expect(mail.get_by_role("link", name="Facebook")).to_be_visible()
    # the second row becomes the website, which is called by its host
    page.get_by_label("Network of row 2").select_option("Website")
    page.get_by_label("Address of row 2").fill("https://lexington.clinic.test/")
    expect(mail.get_by_role("link", name="lexington.clinic.test")).to_be_visible()
    saved(page)
    axe(page)
    # an address that is not the network's own is noticed, and the mail shows no such link
    page.get_by_label("Address of row 1").fill("https://facebook.example.test/")
    expect(mail.get_by_role("link", name="Facebook")).to_have_count(0)
    expect(page.locator("#findings")).to_contain_text("The link says Facebook but leads to facebook.example.test.")
    # our own words are there in Spanish before anybody writes them
    page.get_by_role("link", name="Spanish").click()
    expect(mail.get_by_text("Síganos")).to_be_visible()
    page.get_by_role("button", name="Text part").click()
    expect(mail.get_by_text("https://lexington.clinic.test/")).to_be_visible()


def test_a_mail_is_built_by_keyboard_alone(enter: Callable[..., Any], short: Template) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    status = page.locator("#editor-live")
    # choose the heading in the structure list, then add a button below it
    page.locator("#structure [data-pick=b1]").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Text", exact=True)).to_have_value("First")
    page.get_by_role("button", name="Button", exact=True).focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Added Button to position 2 of 5.")
    assert kinds(short) == ["heading", "button", "text", "columns", "footer"]
    # the new block is chosen and has the focus; its form is filled and saves itself
    expect(page.locator("#structure .is-chosen [data-pick]")).to_be_focused()
    page.get_by_label("Label").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Call us")
    page.get_by_label("Link", exact=True).focus()
    page.keyboard.type("tel:+15550100")
    expect(page.frame_locator("#preview").get_by_role("link", name="Call us")).to_be_visible()
    saved(page)
    # down, up, delete: spoken, and the focus stays where the work is
    page.get_by_role("button", name="Move Button 2 down").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Moved Button to position 3 of 5.")
    assert kinds(short) == ["heading", "text", "button", "columns", "footer"]
    expect(page.locator("#structure .is-chosen [data-pick]")).to_be_focused()
    page.get_by_role("button", name="Move Button 3 down").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Moved Button to position 4 of 5.")
    page.get_by_role("button", name="Delete Button 4").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Button deleted.")
    assert kinds(short) == ["heading", "text", "columns", "footer"]
    # into an empty column
    page.locator("[data-place-pick='b3:1']").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Divider").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Added Divider to position 1 of 1.")
    # undo and redo
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Undone.")
    page.get_by_role("button", name="Redo").focus()
    page.keyboard.press("Enter")
    expect(status).to_have_text("Redone.")
    columns = selectors.draft_data(Template.objects.get(pk=short.pk))["blocks"][2]["columns"]
    assert [block["type"] for block in columns[1]] == ["divider"]


def test_blocks_are_dragged_onto_the_mail_and_in_the_list(enter: Callable[..., Any], short: Template) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    frame = page.locator("#preview").bounding_box()
    heading = page.frame_locator("#preview").get_by_text("First").bounding_box()

    def drag(source: Any, x: float, y: float) -> None:
        box = source.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 20, box["y"] + 20, steps=3)
        page.mouse.move(x, y - 4, steps=5)
        page.mouse.move(x, y, steps=3)
        picture(page, "dragging")
        page.mouse.up()

    # from the palette straight onto the rendered mail, below the heading
    drag(page.locator("[data-add=image]"), frame["x"] + frame["width"] / 2, heading["y"] + heading["height"] + 12)
    expect(page.locator("#editor-live")).to_have_text("Added Image to position 2 of 5.")
    assert kinds(short) == ["heading", "image", "text", "columns", "footer"]
    # a block of the structure list onto the mail, above everything
    drag(page.locator("#structure [data-pick=b2]"), frame["x"] + frame["width"] / 2, heading["y"] - 4)
    expect(page.locator("#editor-live")).to_have_text("Moved Text to position 1 of 5.")
    assert kinds(short) == ["text", "heading", "image", "columns", "footer"]
    # and inside the list
    last = page.locator("#structure .tree-item[data-block=b1]").bounding_box()
    drag(page.locator("#structure [data-pick=b2]"), last["x"] + 60, last["y"] + last["height"] - 6)
    expect(page.locator("#editor-live")).to_contain_text("Moved Text to position 2")
    assert kinds(short)[:2] == ["heading", "text"]


def test_typing_saves_itself_and_a_click_in_the_mail_finds_its_block(
    enter: Callable[..., Any], short: Template
) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    mail = page.frame_locator("#preview")
    mail.get_by_text("Second").click()
    rich = page.locator("trix-editor")
    expect(rich).to_have_text("Second")
    rich.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("Dear ")
    page.get_by_text("Insert a merge field").click()
    page.get_by_role("button", name="First name").click()
    expect(mail.get_by_text("Dear Maria")).to_be_visible()
    saved(page)
    expect(rich).to_be_focused()
    assert "{{ first_name }}" in selectors.draft_data(Template.objects.get(pk=short.pk))["blocks"][1]["html"]
    page.get_by_role("button", name="Subject and message").click()
    page.get_by_label("Subject", exact=True).fill("For {{ first_name|you }}")
    expect(page.locator("#shown-subject")).to_have_text("For Maria")
    # phone, dark, text part
    page.get_by_role("button", name="Phone").click()
    page.get_by_role("button", name="Dark").click()
    expect(mail.get_by_text("Dear Maria")).to_be_visible()
    picture(page, "editor-phone-dark")
    page.get_by_role("button", name="Text part", exact=True).click()
    expect(mail.get_by_text("Dear Maria")).to_be_visible()
    # one's own text part
    page.locator("summary", has_text="Text part").click()
    page.get_by_role("button", name="Write my own").click()
    own = page.get_by_label("Your text part")
    own.fill("Only words for {{ first_name }}.")
    expect(mail.get_by_text("Only words for Maria.")).to_be_visible()


def test_a_second_tab_loses_nothing(enter: Callable[..., Any], short: Template) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    page.locator("#structure [data-pick=b1]").click()
    expect(page.get_by_label("Text", exact=True)).to_have_value("First")
    services.template_save(
        actor=CLI, template_id=short.pk, version=None, edit=lambda data: {**data, "subject": "Other tab"}
    )
    page.get_by_label("Text", exact=True).fill("My careful words")
    expect(page.get_by_text("Changed elsewhere")).to_be_visible()
    expect(page.get_by_label("Text", exact=True)).to_have_value("My careful words")
    picture(page, "stale")
    page.get_by_role("button", name="Keep mine as a copy").click()
    expect(page.get_by_label("Name of the template")).to_have_value("Copy of Short")
    expect(page.frame_locator("#preview").get_by_text("My careful words")).to_be_visible()
    assert selectors.draft_data(Template.objects.get(pk=short.pk))["subject"] == "Other tab"


def test_the_preview_is_a_chosen_person(
    enter: Callable[..., Any], axe: Callable[..., None], reminder: Template
) -> None:
    contacts.contacts_create(
        actor=CLI, profiles=[{"first_name": "Zoraida", "last_name": "Quist", "email": "z@home.test", "mrn": "Z77"}]
    )
    page = enter("max")
    page.open(f"/templates/{reminder.pk}/")
    page.get_by_role("button", name="As an invented person").click()
    page.get_by_label("Name, e-mail, phone or record number").fill("Z77")
    page.get_by_role("button", name="Find").click()
    axe(page)
    picture(page, "people")
    page.locator("#people-found [data-person]").click()
    expect(page.frame_locator("#preview").get_by_text("We will see you soon, Zoraida")).to_be_visible()
    expect(page.frame_locator("#preview").get_by_text("[appointment.start]")).to_be_visible()
    assert "Zoraida" not in page.url


def test_publishing_waits_for_the_checks(enter: Callable[..., Any], axe: Callable[..., None], short: Template) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    page.locator("[data-add=image]").click()
    expect(page.get_by_role("button", name="1 problem")).to_be_visible()
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Not published yet")).to_be_visible()
    axe(page)
    picture(page, "checks")
    page.locator("#structure .is-chosen [data-op=delete]").click()
    expect(page.get_by_text("Not published yet")).to_be_hidden()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#status-badge")).to_contain_text("Published")
    assert Template.objects.get(pk=short.pk).versions.count() == 1


def test_an_image_goes_from_the_disk_into_the_mail(enter: Callable[..., Any], short: Template, png: bytes) -> None:
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    page.locator("[data-add=image]").click()
    page.get_by_role("button", name="Choose image").click()
    page.get_by_label("Add an image").set_input_files(
        {"name": "front door.png", "mimeType": "image/png", "buffer": png}
    )
    page.locator("#image-alt").fill("Our front door")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="front door.png").click()
    expect(page.frame_locator("#preview").get_by_alt_text("Our front door")).to_be_visible()
    saved(page)
    picture(page, "image")


@pytest.fixture
def png() -> bytes:
    """A real PNG of 40 by 20 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress((b"\x00" + b"\x0b\x5c\xad" * 40) * 20)
    head = struct.pack(">IIBBBBB", 40, 20, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_templates_are_made_named_copied_and_deleted(enter: Callable[..., Any], axe: Callable[..., None]) -> None:
    page = enter("max")
    page.open("/templates/")
    page.get_by_role("link", name="New template").first.click()
    page.get_by_label("Name").fill("Flu mail")
    page.get_by_role("radio", name="Flu shot invitation").check()
    page.get_by_role("button", name="Create template").click()
    expect(page.frame_locator("#preview").get_by_text("It is time for your flu shot, Maria")).to_be_visible()
    name = page.get_by_label("Name of the template")
    name.fill("Flu invitation 2026")
    name.press("Tab")
    expect(page.locator("#editor-live")).to_have_text("Renamed.")
    page.get_by_label("Back to templates").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_label("Name of the template")).to_have_value("Copy of Flu invitation 2026")
    page.open("/templates/")
    page.locator(".mail-card", has_text="Copy of Flu").get_by_role("button", name="More").click()
    axe(page)
    picture(page, "list-menu")
    page.locator(".menu:popover-open").get_by_role("button", name="Rename").click()
    axe(page)
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name").fill("Second flu mail")
    dialog.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="Second flu mail")).to_be_visible()
    page.locator(".mail-card", has_text="Second flu mail").get_by_role("button", name="More").click()
    page.locator(".menu:popover-open").get_by_role("link", name="Delete").click()
    axe(page)
    page.get_by_role("button", name="Delete template").click()
    expect(page.get_by_role("link", name="Second flu mail")).to_be_hidden()
    assert sorted(t.name for t in Template.objects.living()) == ["Flu invitation 2026"]


@pytest.mark.proof
@sizes.some("scheme", ["light", "dark"], sample=[1])
def test_a_brand_colors_the_mail(
    enter: Callable[..., Any], axe: Callable[..., None], short: Template, scheme: str
) -> None:
    page = enter("ada", scheme=scheme)
    page.open("/templates/brands/")
    axe(page)
    page.get_by_role("link", name="New brand").first.click()
    page.get_by_label("Name", exact=True).fill("Bluegrass Clinic")
    page.get_by_label("From address").fill("not an address")
    page.get_by_role("button", name="Save brand").click()
    expect(page.get_by_text("The from-address is not an e-mail address").first).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Bluegrass Clinic")
    axe(page)
    picture(page, f"brand-error-{scheme}")
    page.get_by_label("From address").fill("hello@bluegrass.test")
    page.get_by_label("Brand color").fill("#0e6b3a")
    page.get_by_role("button", name="Save brand").click()
    expect(page.get_by_role("link", name="Bluegrass Clinic")).to_be_visible()
    axe(page)
    picture(page, f"brands-{scheme}")
    page.open(f"/templates/{short.pk}/")
    page.locator("[data-add=header]").click()
    expect(page.frame_locator("#preview").get_by_text("Bluegrass Clinic").first).to_be_visible()


def test_a_reviewer_looks_but_cannot_touch(
    enter: Callable[..., Any], axe: Callable[..., None], reminder: Template
) -> None:
    page = enter("rita")
    page.open(f"/templates/{reminder.pk}/")
    expect(page.frame_locator("iframe").get_by_text("We will see you soon, Maria")).to_be_visible()
    expect(page.get_by_role("button", name="Publish")).to_be_hidden()
    axe(page)
    picture(page, "view")


def test_a_second_language_is_written_beside_the_first(enter, axe, short):
    page = enter("max")
    page.open(f"/templates/{short.pk}/")
    page.get_by_role("link", name="Spanish not begun").click()
    expect(page.get_by_text("Until everything is there, Spanish readers get the English mail.")).to_be_visible()
    page.get_by_label("Subject", exact=True).fill("Una nota")
    saved(page)
    expect(page.get_by_role("link", name="Spanish")).to_contain_text("missing")
    page.locator("#structure").get_by_role("button", name=re.compile("^Heading")).first.click()
    expect(page.get_by_text("Not in Spanish yet")).to_be_visible()
    axe(page)
    page.get_by_label("Text", exact=True).fill("Primero")
    expect(page.get_by_text("Not in Spanish yet")).to_be_hidden()
    saved(page)
    expect(page.frame_locator("#preview").get_by_text("Primero")).to_be_visible()
    expect(page.frame_locator("#preview").get_by_text("Second")).to_be_visible()
    page.get_by_role("link", name="English", exact=True).click()
    expect(page.frame_locator("#preview").get_by_text("First")).to_be_visible()
    short.refresh_from_db()
    assert selectors.draft_data(short)["variants"]["es"]["blocks"]["b1"] == {"text": "Primero"}
    page.get_by_role("link", name="Spanish").click()
    page.get_by_role("button", name="Remove the Spanish words").click()
    expect(page.get_by_role("link", name="Spanish not begun")).to_be_visible()
