"""An appointment ahead: "Has an appointment in the next 14 days", from now to this clock time of the last day.

An appointment that an import is in doubt about counts as none that is booked, and as no sign that none is: nobody is
written to on its strength.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from apps.contacts import sql as contacts_sql
from apps.core import zones
from apps.core.bulk import int8_array
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words
from apps.segments.conditions.base.windows import (
    DAYS,
    MINUTE,
    counted_in,
    horizon,
    moments,
    shifted,
    to_minute,
    unit_part,
)

STATES = {"booked": "is booked in the next", "none_upcoming": "is not booked at all"}


@dataclass(frozen=True, repr=False)
class AppointmentCondition(Condition):
    """A booked appointment within ``days`` (or what ``unit`` says) from now, or none upcoming at all."""

    KEY: ClassVar[str] = "appointment"
    TIMELINE: ClassVar[bool] = True

    state: str
    days: int | None = None
    unit: str = DAYS

    @classmethod
    def parse(cls, document: Document) -> AppointmentCondition:
        """Read the condition."""
        document.only("appointment", "in_next_days", "unit")
        state = document.choice("appointment", tuple(STATES))
        return cls(state) if state == "none_upcoming" else cls(state, *document.optional_span("in_next_days"))

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"appointment": self.state}
        if self.days is not None:
            document |= {"in_next_days": self.days, **unit_part(self.unit)}
        return document

    def span(self, local: datetime) -> tuple[datetime, datetime]:
        """From this minute to the last one that counts (UTC): the same clock time some days ahead, for none the day's
        last. ``local`` is now on the clinic's clock.
        """
        first = to_minute(local + MINUTE - timedelta(microseconds=1))
        if self.days == 0:
            midnight = datetime.combine(local.date() + timedelta(days=1), time.min, tzinfo=local.tzinfo)
            return first, to_minute(midnight) - MINUTE
        ahead = horizon(local.date()) if self.days is None else shifted(local.date(), self.days, self.unit)
        return first, to_minute(datetime.combine(ahead, local.time(), tzinfo=local.tzinfo))

    def holds(self, opened: Opened) -> bool:
        """Whether one is booked in the window, or none. One that is in doubt is neither."""
        first, last = self.span(opened.local)
        if self.state == "booked":
            return any("held" not in visit and _is_booked(visit, first, last) for visit in _visits(opened))
        return not any(_is_booked(visit, first, last) for visit in _visits(opened))

    def sql(self, search: Search) -> Fragment:
        """The keyed days of booked appointments, and the keyed hours and minutes of those on the days at its edges.

        Those that the renewal has not come by yet have no hour: they count by their day, on the clinic's calendar.
        """
        first, last = self.span(search.local)
        window = moments(first, last)
        today, until = search.today, last.astimezone(search.local.tzinfo).date()
        params = (
            tokens.appointment_state("booked"),
            int8_array(tokens.appointment_days(window.days)),
            int8_array(tokens.appointments_on(window.edges)),
            int8_array(tokens.appointment_hours(window.hours)),
            int8_array(tokens.appointment_minutes(window.minutes)),
            int8_array(tokens.appointments_on(day for day in window.edges if today <= day <= until)),
        )
        where = (
            "a.state = %s AND a.day = ANY(%s::bigint[]) AND (NOT a.day = ANY(%s::bigint[])"
            " OR a.hour = ANY(%s::bigint[]) OR a.minute = ANY(%s::bigint[])"
            " OR a.hour IS NULL AND a.day = ANY(%s::bigint[]))"
        )
        no = "NOT " if self.state == "none_upcoming" else ""
        if self.state == "booked":
            where += " AND a.held_at IS NULL"
        table = contacts_sql.appointments()
        if search.joins or search.one:
            return Fragment(f"{no}EXISTS (SELECT 1 FROM {table} WHERE a.person_id = s.person_id AND {where})", params)  # noqa: S608
        among = f"{no}(s.person_id IN (SELECT a.person_id FROM {table} WHERE {where})) IS TRUE"  # noqa: S608
        return Fragment(among, params)

    def sentence(self, words: Words) -> str:
        """``Has an appointment in the next 14 days``."""
        if self.state == "none_upcoming":
            return "Has no upcoming appointment"
        if self.days is None:
            return "Has an upcoming appointment"
        when = "today" if self.days == 0 else f"in the next {counted_in(self.days, self.unit)}"
        return f"Has an appointment {when}"

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line."""
        return [Entry("Appointments", "appointment:", "Appointment")]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Booked in the next two weeks until somebody chose."""
        if form.get("op") == "none_upcoming":
            return {"appointment": "none_upcoming"}
        return {"appointment": "booked", **form.span("days", 14, "in_next_days")}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """Booked or not, and within how many days."""
        state = str(document["appointment"])
        parts = [controls.comparison(list(STATES.items()), state)]
        if state == "booked":
            parts.append(controls.span("days", document, "in_next_days"))
        return Drawn("appointment:", tuple(parts))


def _visits(opened: Opened) -> Sequence[Mapping[str, Any]]:
    return opened.record.appointments or ()


def _is_booked(visit: Mapping[str, Any], first: datetime, last: datetime) -> bool:
    return visit.get("state") == "booked" and first <= to_minute(zones.visit_moment(visit)) <= last
