"""From names to ids: what 0.3.0 stored, opened, put into ids and sealed again, with its approvals.

See docs/decisions/0020-ids-inside.md. Everything here is frozen: it knows the forms of 0.3.0 and of the version after it
and asks no code that may change, only the vault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from apps.approvals import fingerprints_v03 as v03
from apps.audit import marks
from apps.vault import sealing
from apps.vault.tokens import normalize, token63, token128

Json = dict[str, Any]
WHY = (
    "The upgrade could not confirm that this is what was approved: a segment, a text or the sender changed since. "
    "Look at it and submit it again."
)
_MERGED = re.compile(r"\battributes\.([a-z][a-z0-9_]*)")
_AUDITED = (
    *("at", "actor_kind", "actor_id", "actor_role", "action", "kind", "subject", "purpose", "reason", "fields"),
    *("codes", "people", "people_sealed", "people_count", "change"),
)


def ids_inside(apps: Any, schema_editor: Any) -> None:
    """Put everything of the installation into ids; on an empty one nothing happens."""
    Upgrade(apps, schema_editor.connection.alias).run()


class Upgrade:
    """One run, in the migration's transaction: first every old fingerprint, then the new forms, then the rest."""

    def __init__(self, apps: Any, alias: str) -> None:
        self.get, self.alias = apps.get_model, alias
        self.pairs: dict[str, list[str]] = {}
        self.voided: list[str] = []
        self.paused: list[int] = []
        self.references: set[tuple[str, int, str, int, str]] = set()

    def rows(self, app: str, model: str) -> Any:
        """All rows of a model as it is at this point of the migrations."""
        return self.get(app, model).objects.using(self.alias)

    def run(self) -> None:
        """Do all of it."""
        campaigns, journeys = self.old_campaigns(), self.old_journeys()
        self.store_segments()
        self.store_campaigns(campaigns)
        self.store_journeys(journeys)
        self.note_templates()
        reference = self.get("references", "Reference")
        names = ("user_kind", "user_id", "used_kind", "used_id", "place")
        reference.objects.using(self.alias).bulk_create(
            reference(**dict(zip(names, each, strict=True))) for each in sorted(self.references)
        )
        self.audit()

    # -- What there is ---------------------------------------------------------------------------------------------

    @cached_property
    def segments(self) -> dict[int, Json]:
        """``{"name", "description", "rule"}`` by id, as 0.3.0 stored it."""
        return {
            row.pk: sealing.open_service(row.sealed, table="segments_segment", row=row.pk, version=row.version)
            for row in self.rows("segments", "Segment").order_by("pk")
        }

    @cached_property
    def segment_by_token(self) -> dict[bytes, int]:
        """Ids of segments by the token of their name."""
        return {bytes(token): pk for token, pk in self.rows("segments", "Segment").values_list("name_token", "pk")}

    @cached_property
    def campaign_by_token(self) -> dict[bytes, int]:
        """Ids of campaigns by the token of their name."""
        return {bytes(token): pk for token, pk in self.rows("campaigns", "Campaign").values_list("name_token", "pk")}

    @cached_property
    def templates(self) -> dict[int, Any]:
        """Living templates by the token of their name."""
        rows = self.rows("content", "Template").exclude(status="archived")
        return {row.name_token: row for row in rows}

    @cached_property
    def brands(self) -> dict[int, tuple[Any, Json]]:
        """Brands by id, with what they say."""
        return {
            row.pk: (row, sealing.open_service(row.sealed, table="content_brand", row=row.pk, version=row.version))
            for row in self.rows("content", "Brand")
        }

    @cached_property
    def clinic(self) -> Json:
        """What the organization says of itself."""
        row = self.rows("organizations", "Organization").filter(pk=1).first()
        return sealing.open_service(row.sealed, table="organizations_organization", row=1) if row else {}

    @cached_property
    def attributes(self) -> dict[bytes, int]:
        """Ids of own attributes by the token of their name."""
        rows = self.rows("contacts", "AttributeDefinition").values_list("token", "pk")
        return {bytes(token): pk for token, pk in rows}

    def segment(self, name: str) -> int | None:
        """The id of the segment of that name."""
        return self.segment_by_token.get(token128("segment.name", normalize(name)))

    def template(self, name: str) -> Any:
        """The living template of that name."""
        return self.templates.get(token63("template-name", normalize(name))) if name else None

    def brand(self, name: str, *, folded: bool = False) -> Any:
        """The brand of that name; campaigns forgave capitals."""
        for row, said in self.brands.values():
            if name and (said["name"] == name or (folded and said["name"].casefold() == name.casefold())):
                return row
        return None

    def default_brand(self) -> Any:
        """The sender of whatever names none."""
        return next((row for row, _ in self.brands.values() if row.is_default), None)

    # -- Fingerprints of 0.3.0 -------------------------------------------------------------------------------------

    def old_rule(self, name: v03.Handle) -> Json | None:
        """A segment's rule with names."""
        number = self.segment(str(name))
        return self.segments[number]["rule"] if number is not None else None

    def new_rule(self, of: v03.Handle) -> Json | None:
        """A segment's rule with ids."""
        return self.rule(self.segments[of]["rule"]) if isinstance(of, int) and of in self.segments else None

    def old_campaigns(self) -> dict[int, tuple[Json, bytes | None, bytes | None]]:
        """By id: what is stored, its fingerprint in names, and in ids."""
        found = {}
        for row in self.rows("campaigns", "Campaign").order_by("pk"):
            data = sealing.open_service(row.sealed, table="campaigns_campaign", row=row.pk, version=row.version)
            before = after = None
            if row.approval is not None:
                try:
                    before, after = self.campaign_pair(row, data["spec"])
                except LookupError:
                    pass  # a segment or the sender is gone: what was approved is not there any more
            found[row.pk] = (data, before, after)
        return found

    def campaign_pair(self, row: Any, spec: Json) -> tuple[bytes, bytes]:
        """The fingerprints of what is there now, in names and in ids. Raises LookupError for what is gone."""
        asked = [*([] if spec["everybody"] else [spec["segment"]]), *spec["exclude"]]
        ids = [self.segment(name) for name in asked]
        numbers = [number for number in ids if number is not None]
        brand = self.brand(spec["brand"] or "", folded=True)
        if len(numbers) < len(asked) or (spec["brand"] and brand is None):
            raise LookupError(row.pk)
        version = self.rows("content", "TemplateVersion").filter(pk=row.template_version).first()
        if brand is None and version is not None:
            chosen = self.rows("content", "Template").get(pk=version.template_id).brand_id
            brand = self.brands[chosen][0] if chosen else None
        brand = brand or self.default_brand()
        content = {
            "template": row.template_version,
            "skeleton": row.skeleton_id,
            "brand": [brand.pk, brand.version] if brand is not None else None,
        }
        why = {
            "purpose": spec["purpose"] or "",
            "remuneration": spec["remuneration"] or "",
            "drug": spec["drug"] or "",
            "cost_statement": spec["cost_statement"],
        }
        made = []
        called: list[list[Any]] = [[self.segments[number]["name"] for number in numbers], numbers]
        for handles, rule_of in zip(called, (self.old_rule, self.new_rule), strict=True):
            included = None if spec["everybody"] else handles[0]
            excluded = handles if spec["everybody"] else handles[1:]
            made.append(
                v03.campaign(
                    number=row.pk, included=included, excluded=excluded, rule_of=rule_of, content=content, why=why
                )
            )
        return made[0], made[1]

    def old_journeys(self) -> dict[int, tuple[Json, bytes, bytes]]:
        """By id: what is stored, the fingerprint of the draft in names, and in ids."""
        found = {}
        for row in self.rows("journeys", "Journey").order_by("pk"):
            data = sealing.open_service(row.sealed, table="journey", row=row.pk, version=row.revision)
            draft, texts = data["draft"], self.texts(data["draft"])
            before = v03.journey(number=row.pk, definition=draft, texts=texts, rule_of=self.old_rule)
            after = v03.journey(
                number=row.pk, definition=self.definition(draft), texts=texts, rule_of=self.new_rule
            )
            found[row.pk] = (data, before, after)
        return found

    def texts(self, draft: Json) -> list[list[Any]]:
        """What every step that sends would send, as an approval held for it."""
        found = []
        for step in v03.steps_of(draft["steps"]):
            if step["type"] != "send":
                continue
            template = self.template(step.get("template", ""))
            brand = self.brand(step.get("sender", ""))
            if brand is None and template is not None and template.brand_id:
                brand = self.brands[template.brand_id][0]
            brand = brand or self.default_brand()
            own = self.brands[brand.pk][1] if brand is not None else {}
            sender: list[Any] = [brand.pk, brand.version] if brand is not None else []
            told = ("name", "postal_address", "phone")
            sender += [str(self.clinic.get(part, "")) for part in told if not own.get(part)]
            found.append(
                [
                    step["id"],
                    template.pk if template is not None else None,
                    template.published if template is not None else 0,
                    None if template is None or template.published else template.revision,
                    sender,
                ]
            )
        return found

    # -- The new forms ---------------------------------------------------------------------------------------------

    def rule(self, tree: Json) -> Json:
        """A rule with ids; a name that nothing has stays."""
        if "match" in tree:
            return tree | {"rules": [self.rule(child) for child in tree["rules"]]}
        if isinstance(tree.get("segment"), str):
            return tree | {"segment": self.segment(tree["segment"]) or tree["segment"]}
        if "engagement" in tree and isinstance(name := tree.get("campaign"), str) and name:
            return tree | {"campaign": self.campaign_by_token.get(token128("campaign.name", normalize(name)), name)}
        return tree

    def definition(self, old: Json) -> Json:
        """A journey's definition with ids."""
        trigger = dict(old["trigger"])
        if name := trigger.get("segment"):
            trigger["segment"] = self.segment(name) or name
        return old | {"trigger": trigger, "steps": [self.step(each) for each in old["steps"]]}

    def step(self, old: Json) -> Json:
        """A step with ids, and everything under it."""
        new = dict(old)
        for part, value in old.items():
            if isinstance(value, list) and value and all(isinstance(each, dict) and "type" in each for each in value):
                new[part] = [self.step(each) for each in value]
        if old["type"] == "send":
            template, brand = self.template(old.get("template", "")), self.brand(old.get("sender", ""))
            new["template"] = template.pk if template is not None else old.get("template", "")
            new["sender"] = brand.pk if brand is not None else old.get("sender", "")
        if isinstance(rule := old.get("rule"), dict) and "match" in rule:
            new["rule"] = self.rule(rule)
        return new

    # -- Storing ---------------------------------------------------------------------------------------------------

    def store_segments(self) -> None:
        """Rules, and what they refer to."""
        for row in self.rows("segments", "Segment").order_by("pk"):
            data = self.segments[row.pk]
            rule = self.rule(data["rule"])
            self.note_rule("segment", row.pk, rule)
            row.sealed = sealing.seal_service(
                data | {"rule": rule}, table="segments_segment", row=row.pk, version=row.version
            )
            row.save(using=self.alias, update_fields=["sealed"])

    def store_campaigns(self, old: dict[int, tuple[Json, bytes | None, bytes | None]]) -> None:
        """Specs and approvals, and what they refer to."""
        for row in self.rows("campaigns", "Campaign").order_by("pk"):
            data, before, after = old[row.pk]
            spec = dict(data["spec"])
            if spec["segment"]:
                spec["segment"] = self.note("campaign", row.pk, "segment", self.segment(spec["segment"]), "audience") or (
                    spec["segment"]
                )
            spec["exclude"] = [
                self.note("campaign", row.pk, "segment", self.segment(name), "excluded") or name
                for name in spec["exclude"]
            ]
            version = self.rows("content", "TemplateVersion").filter(pk=row.template_version).first()
            if spec["template"] and version is not None:
                # The text that was taken says which template is meant, whatever that is called now.
                spec["template"] = self.note("campaign", row.pk, "template", version.template_id, "message")
            if spec["brand"]:
                brand = self.brand(spec["brand"], folded=True)
                number = brand.pk if brand is not None else None
                spec["brand"] = self.note("campaign", row.pk, "brand", number, "sender") or spec["brand"]
            row.sealed = sealing.seal_service(
                data | {"spec": spec}, table="campaigns_campaign", row=row.pk, version=row.version
            )
            if row.approval is not None:
                approved = bytes(row.approval)
                if before == approved and after is not None:
                    row.approval = after
                    self.carry("campaign", row.pk, before, after)
                elif row.state in ("in_review", "approved", "scheduled"):
                    self.void("campaign", row.pk, approved)
                    row.state, row.approval, row.approved_by, row.approved_at = "draft", None, "", None
                    row.skeleton_id = row.send_at = None
            row.save(using=self.alias)

    def store_journeys(self, old: dict[int, tuple[Json, bytes, bytes]]) -> None:
        """Drafts, versions and approvals, and what they refer to."""
        gone = set()
        for version in self.rows("journeys", "JourneyVersion").order_by("pk"):
            address = {"table": "journey_version", "row": f"{version.journey_id}/{version.number}"}
            data = sealing.open_service(version.sealed, **address)
            frozen = data.pop("segments", {})
            data["definition"] = self.definition(data["definition"])
            data["rules"] = [[self.segment(name) or name, self.rule(rule)] for name, rule in frozen.items()]
            version.sealed = sealing.seal_service(data, **address)
            version.save(using=self.alias, update_fields=["sealed"])
            if self.rows("journeys", "Journey").filter(version=version.pk).exists():
                self.note_definition(version.journey_id, data["definition"])
                for _, rule in data["rules"]:
                    self.note_rule("journey", version.journey_id, rule, only="attribute")
                if self.lost(data["definition"], {of for of, _ in data["rules"]}, [rule for _, rule in data["rules"]]):
                    gone.add(version.journey_id)
        for row in self.rows("journeys", "Journey").order_by("pk"):
            data, before, after = old[row.pk]
            data["draft"] = self.definition(data["draft"])
            if "undo" in data:
                data["undo"] = [self.definition(each) for each in data["undo"]]
            self.note_definition(row.pk, data["draft"])
            row.sealed = sealing.seal_service(data, table="journey", row=row.pk, version=row.revision)
            if row.pk in gone and row.state == "active":
                row.state = "paused"
                self.paused.append(row.pk)
            row.save(using=self.alias, update_fields=["sealed", "state"])
            latest = self.rows("approvals", "ApprovalEntry").filter(kind="journey", subject=row.pk).order_by("-pk").first()
            if latest is None or latest.fingerprint is None:
                continue
            if bytes(latest.fingerprint) == before:
                self.carry("journey", row.pk, before, after)
            elif latest.decision in ("submitted", "approved"):
                self.void("journey", row.pk, bytes(latest.fingerprint))

    def lost(self, definition: Json, kept: set[v03.Handle], frozen: list[Json]) -> bool:
        """Whether a running version goes by a segment or campaign that is nowhere any more."""
        given = [*v03.rules_of(definition), *frozen]
        for each in (each for rule in given for each in v03.conditions(rule)):
            if isinstance(each.get("segment"), str) and each["segment"] not in kept:
                return True
            if "engagement" in each and isinstance(each.get("campaign"), str):
                return True
        return False

    # -- Approvals and references ----------------------------------------------------------------------------------

    def carry(self, kind: str, subject: int, before: bytes, after: bytes) -> None:
        """What was approved is there: the new fingerprint takes the place of the old, which stays beside it."""
        entries = self.rows("approvals", "ApprovalEntry").filter(kind=kind, subject=subject, fingerprint=before)
        entries.update(fingerprint=after, former=before)
        self.pairs[f"{kind} {subject}"] = [before.hex(), after.hex()]

    def void(self, kind: str, subject: int, approved: bytes) -> None:
        """What was asked for or approved is not what is there."""
        entry = self.rows("approvals", "ApprovalEntry").create(
            kind=kind, subject=subject, at=datetime.now(UTC), actor="system:upgrade", decision="voided", former=approved
        )
        entry.sealed = sealing.seal_service({"comment": WHY}, table="approvals_approvalentry", row=entry.pk)
        entry.save(using=self.alias, update_fields=["sealed"])
        self.pairs[f"{kind} {subject}"] = [approved.hex(), ""]
        self.voided.append(f"{kind} {subject}")

    def note(self, user: str, number: int, kind: str, used: int | None, place: str) -> int | None:
        """One row for the table of references, unless nothing is there; returns what is used."""
        if used is not None:
            self.references.add((user, number, kind, used, place))
        return used

    def note_rule(self, user: str, number: int, rule: Json, only: str = "") -> None:
        """What a rule refers to."""
        for kind, used in self.asked(rule):
            if only in ("", kind):
                self.note(user, number, kind, used, "rule")

    def asked(self, rule: Json) -> Iterator[tuple[str, int | None]]:
        """Kinds and ids of what a rule with ids refers to."""
        for each in v03.conditions(rule):
            if isinstance(each.get("segment"), int):
                yield "segment", each["segment"]
            if "engagement" in each and isinstance(each.get("campaign"), int):
                yield "campaign", each["campaign"]
            if str(each.get("field", "")).startswith("attribute."):
                yield "attribute", self.attribute(each["field"].removeprefix("attribute."))

    def attribute(self, name: str) -> int | None:
        """The id of the own attribute of that name."""
        return self.attributes.get(token128("attribute.name", name))

    def note_definition(self, number: int, definition: Json) -> None:
        """What a journey refers to."""
        if isinstance(segment := definition["trigger"].get("segment"), int):
            self.note("journey", number, "segment", segment, "trigger")
        for step in v03.steps_of(definition["steps"]):
            if isinstance(step.get("template"), int):
                self.note("journey", number, "template", step["template"], "message")
            if isinstance(step.get("sender"), int):
                self.note("journey", number, "brand", step["sender"], "sender")
            if isinstance(rule := step.get("rule"), dict) and "match" in rule:
                self.note_rule("journey", number, rule)

    def note_templates(self) -> None:
        """What templates refer to: attributes that their draft or published text merges, and their brand."""
        for row in self.templates.values():
            texts = [
                sealing.open_service(each.sealed, table="content_templaterevision", row=f"{row.pk}:{each.number}")
                for each in self.rows("content", "TemplateRevision").filter(template=row.pk, number=row.revision)
            ]
            texts += [
                sealing.open_service(each.sealed, table="content_templateversion", row=f"{row.pk}:{each.number}")["design"]
                for each in self.rows("content", "TemplateVersion").filter(template=row.pk, number=row.published)
            ]
            for name in {name for text in texts for name in _MERGED.findall(json.dumps(text, ensure_ascii=False))}:
                self.note("template", row.pk, "attribute", self.attribute(name), "merged")
            self.note("template", row.pk, "brand", row.brand_id, "sender")

    def audit(self) -> None:
        """One entry that names every pair of fingerprints. Ids and hexadecimal alone."""
        if not self.pairs and not self.paused:
            return
        entry = self.get("audit", "AuditEntry")(
            at=datetime.now(UTC),
            actor_kind="system",
            actor_id="upgrade",
            action="approval.carry",
            kind="approval",
            codes={"pairs": self.pairs, "voided": self.voided, "paused": self.paused},
        )
        entry.mac = marks.mac({name: getattr(entry, name) for name in _AUDITED})
        entry.save(force_insert=True, using=self.alias)
