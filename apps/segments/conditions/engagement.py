"""What a person did with our messages: "Never clicked in the campaign “Flu 2026” in the last 180 days"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Handle, Opened, Reference, RefersTo, Search, Words
from apps.segments.conditions.base.timeline import (
    REPEAT_WORDS,
    WHEN_WORDS,
    happened,
    happened_sql,
    posted_repeat,
    read_repeat,
    repeat_part,
    times_control,
)
from apps.segments.conditions.base.windows import DAYS, Window, counted_in, shifted, unit_part

#: How it is said when it happened and when it never did. The timeline's kind is "message." and the word.
KINDS = {
    "sent": ("Was sent {what}", "Was never sent {what}"),
    "delivered": ("Received {what}", "Never received {what}"),
    "clicked": ("Clicked in {what}", "Never clicked in {what}"),
    "read": ("Read {what} in the portal", "Never read {what} in the portal"),
    "replied": ("Replied to {what}", "Never replied to {what}"),
    "bounced": ("Had {what} bounce", "Never had {what} bounce"),
    "unsubscribed": ("Unsubscribed from {what}", "Never unsubscribed from {what}"),
}
LABELS = {
    "sent": "Was sent a message",
    "delivered": "Received a message",
    "clicked": "Clicked in a message",
    "read": "Read a message in the portal",
    "replied": "Replied to a message",
    "bounced": "A message bounced",
    "unsubscribed": "Unsubscribed",
}


@dataclass(frozen=True, repr=False)
class EngagementCondition(Condition):
    """What a person did with our messages (of one campaign, or of any) in the last days, or what ``unit`` says."""

    KEY: ClassVar[str] = "engagement"
    TIMELINE: ClassVar[bool] = True

    kind: str
    campaign: Handle | None = None
    never: bool = False
    times: int = 1
    last_days: int | None = None
    unit: str = DAYS

    @classmethod
    def parse(cls, document: Document) -> EngagementCondition:
        """Read the condition."""
        document.only("engagement", "campaign", "op", "times", "last_days", "unit")
        kind = document.choice("engagement", KINDS)
        never, times = read_repeat(document)
        days, unit = document.optional_span("last_days")
        return cls(kind, document.optional_handle("campaign"), never, times, days, unit)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"engagement": self.kind, **repeat_part(self.never, self.times)}
        if self.campaign is not None:
            document["campaign"] = self.campaign
        if self.last_days is not None:
            document |= {"last_days": self.last_days, **unit_part(self.unit)}
        return document

    def window(self, today: date) -> Window | None:
        """Days on which it counts, or None when any day does."""
        return None if self.last_days is None else (shifted(today, -self.last_days, self.unit), today)

    def holds(self, opened: Opened) -> bool:
        """Whether it happened often enough in the window."""
        kind = f"message.{self.kind}"
        campaign = None if self.campaign is None else opened.campaign(self.campaign)

        def fits(event: Mapping[str, Any]) -> bool:
            return event.get("kind") == kind and (campaign is None or event.get("campaign") == campaign)

        return happened(opened.record.events, fits, self.window(opened.today), never=self.never, times=self.times)

    def sql(self, search: Search) -> Fragment:
        """The group of the kind, or of kind and campaign."""
        kind = f"message.{self.kind}"
        group = f"kind:{kind}" if self.campaign is None else f"{kind}:campaign:{search.campaign(self.campaign)}"
        return happened_sql(search, [group], [], self.window(search.today), never=self.never, times=self.times)

    def sentence(self, words: Words) -> str:
        """``Clicked in a message at least 2 times in the last year``."""
        what = "any message" if self.never else "a message"
        if self.campaign:
            what = f"the campaign “{words.called(RefersTo.CAMPAIGN, self.campaign)}”"
        said = KINDS[self.kind][1 if self.never else 0].format(what=what)
        times = f" at least {self.times:,} times" if self.times > 1 else ""
        when = ""
        if self.last_days is not None:
            when = " today" if self.last_days == 0 else f" in the last {counted_in(self.last_days, self.unit)}"
        return f"{said}{times}{when}"

    def references(self) -> tuple[Reference, ...]:
        """The campaign."""
        return (Reference(RefersTo.CAMPAIGN, self.campaign),) if self.campaign else ()

    def with_references(self, names: Mapping[Reference, Any]) -> EngagementCondition:
        """The same about another campaign."""
        if not self.campaign:
            return self
        return replace(self, campaign=names.get(Reference(RefersTo.CAMPAIGN, self.campaign), self.campaign))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line for each thing somebody may do."""
        return [Entry("Messages", f"engagement:{kind}", label) for kind, label in LABELS.items()]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Once, of any campaign, at any time until somebody chose."""
        document: Json = {"engagement": form.detail, **posted_repeat(form)}
        if form.get("campaign"):
            document["campaign"] = form.get("campaign")
        if form.get("when") == "last":
            document |= form.span("last_days", 180)
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """How often, of which campaign, and when."""
        never = document.get("op") == "never"
        when = "last" if "last_days" in document else "ever"
        campaigns = [("", "any campaign"), *((name, name) for name in offer.campaigns)]
        chosen = str(document.get("campaign") or "")
        parts = [controls.comparison(list(REPEAT_WORDS.items()), "never" if never else "at_least")]
        if not never:
            parts.append(times_control(document))
        which = controls.select("campaign", "Campaign", campaigns, chosen)
        parts.append(controls.together(controls.words("of"), which))
        whens = [(name, WHEN_WORDS[name]) for name in ("ever", "last")]
        parts.append(controls.one(controls.select("when", "When", whens, when, reshapes=True)))
        if when == "last":
            parts.append(controls.span("last_days", document))
        return Drawn(f"engagement:{document['engagement']}", tuple(parts))
