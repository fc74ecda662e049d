"""An appointment ahead: "Has an appointment in the next 14 days"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from apps.contacts import sql as contacts_sql
from apps.core.bulk import int8_array
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import day_of
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words
from apps.segments.conditions.base.windows import DAYS, Window, counted_in, horizon, shifted, unit_part

STATES = {"booked": "is booked in the next", "none_upcoming": "is not booked at all"}


@dataclass(frozen=True, repr=False)
class AppointmentCondition(Condition):
    """A booked appointment within ``days`` (or what ``unit`` says) from today, or none upcoming at all."""

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

    def window(self, today: date) -> Window:
        """Days of the appointments it looks at: from today on."""
        return today, horizon(today) if self.days is None else shifted(today, self.days, self.unit)

    def holds(self, opened: Opened) -> bool:
        """Whether one is booked in the window, or none."""
        first, last = self.window(opened.today)
        booked = any(
            appointment.get("state") == "booked"
            and (self.state != "booked" or "held" not in appointment)
            and (day := day_of(appointment.get("start"))) is not None
            and first <= day <= last
            for appointment in opened.record.appointments or ()
        )
        return booked if self.state == "booked" else not booked

    def sql(self, search: Search) -> Fragment:
        """The keyed days of booked appointments."""
        params = (
            tokens.appointment_state("booked"),
            int8_array(tokens.appointment_days(self.window(search.today))),
        )
        no, sure = ("NOT ", "") if self.state == "none_upcoming" else ("", " AND a.held_at IS NULL")
        if search.joins or search.one:
            return Fragment(
                f"{no}EXISTS (SELECT 1 FROM {contacts_sql.appointments()} WHERE a.person_id = s.person_id "  # noqa: S608
                f"AND a.state = %s AND a.day = ANY(%s::bigint[]){sure})",
                params,
            )
        return Fragment(
            f"{no}(s.person_id IN (SELECT a.person_id FROM {contacts_sql.appointments()} "  # noqa: S608
            f"WHERE a.state = %s AND a.day = ANY(%s::bigint[]){sure})) IS TRUE",
            params,
        )

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
