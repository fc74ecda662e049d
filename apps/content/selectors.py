"""Reading templates, brands, skeletons and images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.urls import reverse

from apps.audit.actions import Action
from apps.contacts.models import PersonIdentity, PersonSearch
from apps.contacts.person import search_values
from apps.contacts.person import selectors as contacts
from apps.contacts.person.masking import Eyes
from apps.contacts.person.records import PersonRecord
from apps.content import blocks, facts, fields, presets, variants
from apps.content.brands import SAMPLE, BrandFacts
from apps.content.compiling import compile_message
from apps.content.models import Asset, Brand, Skeleton, Template, TemplateRevision, TemplateVersion
from apps.content.own_fields import own_fields
from apps.core import clock
from apps.core.actors import Actor
from apps.mail.compiled import CompiledMessage
from apps.organizations import selectors as organizations
from apps.vault import keys, sealing, tokens


def name_token(name: str) -> int:
    """The keyed value by which a template's or brand's name is found."""
    return tokens.token63("template-name", tokens.normalize(name))


def skeleton_address(compiled: CompiledMessage) -> bytes:
    """The keyed hash under which a compiled message is kept, 16 bytes."""
    return tokens.token128("skeleton", compiled.digest.hex())


def template_named(name: str) -> Template | None:
    """The living template of that name."""
    return Template.objects.living().filter(name_token=name_token(name)).first()


def draft_data(template: Template) -> dict[str, Any]:
    """The draft as blocks JSON."""
    return template.revisions.get(number=template.revision).data


def draft_words(template: Template) -> blocks.Design:
    """The draft as it would be published now."""
    return variants.unmarked(blocks.parse(draft_data(template)))


def portal_url() -> str:
    """The portal's front door as a link."""
    return f"{settings.PUBLIC_URL}/portal/"


def brand_facts(brand: Brand | None = None) -> BrandFacts:
    """A brand as the compiler wants it; None is the default brand, or the bare organization before one
    exists.
    """
    organization = organizations.current()
    base = settings.PUBLIC_URL + reverse("content:image", args=["x"]).removesuffix("x")
    # Typed by people: without a scheme and without a slash at the end.
    portal = urlsplit(settings.PUBLIC_URL).netloc + "/portal"
    brand = brand or Brand.objects.filter(is_default=True).first()
    if brand is not None:
        return brand.facts(
            postal_address=organization.postal_address,
            phone=organization.phone,
            portal=portal,
            portal_url=portal_url(),
            asset_base=base,
            own=own_fields(),
        )
    name = organization.name or SAMPLE.name
    return BrandFacts(
        name=name,
        from_name=name,
        from_address=f"hello@{urlsplit(settings.PUBLIC_URL).hostname or 'localhost'}",
        postal_address=organization.postal_address,
        phone=organization.phone,
        portal=portal,
        portal_url=portal_url(),
        asset_base=base,
        own=own_fields(),
    )


def compile_version(
    version: TemplateVersion, brand: Brand | None = None, *, automatic: bool = False
) -> CompiledMessage:
    """A published version, compiled with a brand (its template's own, or the default one). Raises
    `BadTemplate`.
    """
    facts_ = brand_facts(brand or version.template.brand)
    return compile_message(version.design, facts_, automatic=automatic)


def system_message(slug: str, language: str = "en") -> CompiledMessage:
    """A notice or account mail, compiled: ``portal_notice``, ``account_invitation``, ``account_password``,
    ``account_code``. Spanish where there is one.

    The newest published notice of that language replaces the shipped one, unless it would tell something about the
    person: then the shipped one goes out.
    """
    known = presets.all_presets()
    preset = known.get(f"{slug}_{language[:2]}") or known[slug]
    if preset.kind == Template.Kinds.NOTICE:
        for template in own_notices():
            design = template.versions.get(number=template.published).design
            if preset.design.language in (design.language, *variants.ready(design)):
                design = variants.in_language(design, preset.design.language)
                compiled = _compiled_system(design, brand_facts(template.brand))
                if compiled.highest_level() == 0:
                    return compiled
    return _compiled_system(preset.design, brand_facts())


def own_notices() -> list[Template]:
    """The organization's own published portal notices, newest first."""
    rows = Template.objects.living().filter(kind=Template.Kinds.NOTICE, published__gt=0)
    return list(rows.select_related("brand").order_by("-updated_at"))


_SYSTEM: dict[tuple[str, BrandFacts], CompiledMessage] = {}


def _compiled_system(design: blocks.Design, facts_: BrandFacts) -> CompiledMessage:
    """The same object for the same design and brand: merging keeps its program by identity."""
    key = (json.dumps(blocks.dump(design), sort_keys=True), facts_)
    if key not in _SYSTEM:
        if len(_SYSTEM) > 32:
            _SYSTEM.clear()
        _SYSTEM[key] = compile_message(design, facts_, automatic=True)
    return _SYSTEM[key]


@lru_cache(maxsize=64)
def _skeleton(pk: int) -> CompiledMessage:
    row = Skeleton.objects.get(pk=pk)
    raw = sealing.open_service(row.sealed, table=Skeleton.TABLE, row=bytes(row.address).hex())
    return CompiledMessage.load(raw.encode("ascii"))


def skeleton(pk: int) -> CompiledMessage:
    """A kept skeleton, opened; the last few stay open in this process (they never change)."""
    return _skeleton(pk)


@lru_cache(maxsize=64)
def _skeleton_for(pk: int, language: str) -> int:
    """The number of the skeleton in that language, or `pk`. For ever: skeletons never change."""
    main = skeleton(pk)
    found = main.in_language(language)
    if found is main:
        return pk
    address = skeleton_address(found)
    return int(Skeleton.objects.values_list("pk", flat=True).get(address=address))


def skeleton_for(pk: int, language: str) -> tuple[int, CompiledMessage]:
    """The skeleton a reader of `language` gets of the message `pk`: its number and the compiled message.

    The main language when the message was not written in the reader's.
    """
    found = _skeleton_for(pk, language)
    return found, skeleton(found)


def language_of(skeleton_id: int | None) -> str:
    """The language a message was sent in, in words; "" for one without a skeleton."""
    return blocks.LANGUAGES.get(skeleton(skeleton_id).language, "") if skeleton_id else ""


def asset_bytes(asset: Asset) -> bytes:
    """The image itself."""
    with default_storage.open(f"assets/{asset.name}") as file:
        blob = file.read()
    return sealing.open_bytes(keys.ring().service, blob, table=Asset.TABLE, row=asset.name)


@dataclass(frozen=True, slots=True)
class TemplateCard:
    """A template in the list: opened name, and its subject as an invented person would read it."""

    template: Template
    name: str
    subject: str
    language: str
    """Its languages in words: "English", "English and Spanish", "English (Spanish unfinished)"."""
    older: str = ""
    """Translations that are older than the main text, in words: "Spanish", or ""."""


def language_words(design: blocks.Design) -> str:
    """The languages of a design in words, and whether one is unfinished."""
    ready = variants.ready(design)
    names = [blocks.LANGUAGES[code] for code in (design.language, *ready)]
    open_ = [blocks.LANGUAGES[code] for code in variants.started(design) if code not in ready]
    words = " and ".join(names)
    return f"{words} ({' and '.join(open_)} unfinished)" if open_ else words


def languages_of(template: Template) -> tuple[str, ...]:
    """The languages a message of this template would be sent in now, the main one first."""
    design = (
        template.versions.get(number=template.published).design
        if template.published
        else blocks.parse(draft_data(template))
    )
    return (design.language, *variants.ready(design))


def languages_words(codes: Sequence[str]) -> str:
    """ "English and Spanish", or "English only; Spanish readers get English too"."""
    names = [blocks.LANGUAGES.get(code, code) for code in codes]
    lacking = [name for code, name in blocks.LANGUAGES.items() if code not in codes]
    if not lacking:
        return " and ".join(names)
    return f"{' and '.join(names)} only; {' and '.join(lacking)} readers get {names[0]} too"


def cards(templates: list[Template]) -> list[TemplateCard]:
    """The list page's view of templates; two queries for any number."""
    wanted = {(template.pk, template.revision) for template in templates}
    revisions = {
        row.template_id: row.data
        for row in TemplateRevision.objects.filter(template__in=templates)
        if (row.template_id, row.number) in wanted
    }
    clinic = {"clinic.name": organizations.current().name}
    out = []
    for template in templates:
        data = revisions[template.pk]
        subject = fields.sample_words(data["subject"], clinic)
        design = blocks.parse(data)
        older = [blocks.LANGUAGES[code] for code in variants.started(design) if variants.older(design, code)]
        out.append(TemplateCard(template, template.name, subject, language_words(design), " and ".join(older)))
    return out


def merges_results(compiled: CompiledMessage) -> bool:
    """Whether a message may print a last result: only then are they opened for it."""
    return any(path[0] == fields.LAB for path, _ in compiled.fields())


def preview_facts(*, actor: Actor, person_id: int | None) -> tuple[dict[str, Any], str]:
    """Facts for a preview and whose they are: a chosen person (opened, on the trail) or an invented one.

    A preview shows no more than the person's page: who may not reveal sees identifiers and visits masked.
    """
    if person_id is not None:
        record = contacts.open_person(
            actor=actor, purpose="operations", person_id=person_id, action=Action.TEMPLATE_PREVIEW
        )
        if record is not None:
            contacts.load_appointments({record.id: record})
            contacts.load_results({record.id: record})
            found = facts.person_facts(
                record.profile, appointments=record.appointments or (), results=record.results, now=clock.now()
            )
            eyes = Eyes(actor.role)
            return (found if eyes.reveal else facts.masked(found, names=eyes.names)), eyes.name(record)
    return facts.invented_facts(brand_facts().catalog()), ""


def people_found(*, actor: Actor, text: str, limit: int = 8) -> list[PersonRecord]:
    """People whose e-mail address, phone, record number or name is `text`; opened, on the trail."""
    typed = text.strip()
    if len(typed) < 2:
        return []
    ids = list(
        PersonIdentity.objects.filter(token__in=search_values.typed_identities(typed)).values_list(
            "person_id", flat=True
        )[:limit]
    )
    if not ids and (numbers := search_values.typed_numbers(typed)):
        ids = list(PersonSearch.objects.filter(tokens__overlap=numbers).values_list("pk", flat=True)[:limit])
    if not ids:
        rows = PersonSearch.objects.all()
        for choices in search_values.name_tokens(typed):
            rows = rows.filter(tokens__overlap=choices)
        ids = list(rows.values_list("pk", flat=True)[:limit])
    found = contacts.open_people(actor=actor, purpose="operations", ids=ids, action=Action.CONTACT_SEARCH)
    return sorted(found.values(), key=lambda person: person.name)
