"""What a visitor finds done: sender, templates, segments, campaigns in every state, a journey at work.

Everything comes about through the services, in the names of the demo's staff. The campaign that is sent goes
through the outbox like any other: the worker feeds and sends it once the parts of the demo run. What patients do
with it afterwards is in ``demo.guests``, what went out in the months before in ``demo.history``.
"""

from __future__ import annotations

import io
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.campaigns import plans
from apps.campaigns import selectors as campaign_selectors
from apps.campaigns import services as campaigns
from apps.campaigns.models import Campaign
from apps.campaigns.services import sending
from apps.content import blocks, selectors
from apps.content import services as content
from apps.content.models import Brand
from apps.content.presets import all_presets
from apps.core import actors
from apps.core.actors import Actor
from apps.delivery import services as delivery
from apps.delivery.models import DeliverySettings
from apps.demo import parking, people
from apps.demo.data import CLINIC
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.journeys import presets
from apps.journeys import services as journeys
from apps.journeys.models import Journey
from apps.segments import services as segments
from apps.segments.models import Segment
from apps.users.models import User

ACTOR = actors.system("demo")
FLU_SHOTS = "Flu shots before winter"
INVITATION = "Flu shots at Riverbend"
WOMEN = "Women 50 to 74 without a flu shot this season"
SOON = "Appointment in the next 14 days"
READERS = "Newsletter readers"
PARTNERS = "Business contacts"

PATIENTS = {"field": "relation", "op": "is", "value": "patient"}
# Line 4 has no such day, which costs the cell; line 6 has a consent that cannot be read, which costs the row.
FRONT_DESK = """Record,Given name,Surname,Born,E-mail,Cell,Newsletter,Signed on
RB-900001,Imani,Castellano,3/14/1968,imani@goodmail.test,(207) 555-0171,yes,{signed}
RB-900002,Tobias,Renwick,9/2/1979,tobias@plainmail.test,(207) 555-0172,no,{signed}
RB-900003,Lucille,Abernathy,2/30/1955,lucille@goodmail.test,(207) 555-0173,yes,{signed}
RB-900004,Perla,Montes,12/5/1990,perla@oldmail.test,(207) 555-0174,yes,{signed}
RB-900005,Odell,Fairweather,7/8/1962,odell@plainmail.test,(207) 555-0175,asked twice,{signed}
"""
FRONT_DESK_MAPPING = {
    "match_on": "mrn",
    "columns": {
        "Record": "mrn",
        "Given name": "first_name",
        "Surname": "last_name",
        "Born": "birth_date",
        "E-mail": "email",
        "Cell": "phone",
        "Newsletter": "consent.marketing",
        "Signed on": "consent.marketing.date",
    },
    "date_format": "%m/%d/%Y",
    "ignore": [],
    "consent": {"method": "paper form", "wording": "2025-2", "by": "Front desk"},
}


def load(*, now: datetime, site: str) -> dict[str, int]:
    """Make what is missing; returns how many of what are new. Needs the clinic and the staff.

    ``site`` is the absolute address of the page that plays the clinic's own website.
    """
    max_, rita = member("max@riverbend.test"), member("rita@riverbend.test")
    return {
        **sender(),
        "templates": len(content.presets_install(actor=ACTOR)) + _templates(site),
        "imports": _import(now),
        "segments": _segments(max_, now),
        "campaigns": _campaigns(max_, rita, now),
        "journeys": _journey(max_, rita),
    }


def sender() -> dict[str, int]:
    """Whom mail comes from, where that is missing: before the first letter, so that its notice is signed, too."""
    return {"sending domains": _domain(), "brands": _brand()}


def member(email: str) -> Actor:
    """One of the demo's staff, who acts."""
    user = User.objects.by_email(email)
    if user is None:
        raise RuntimeError("the demo's staff come before its world")
    return actors.staff(user.pk, user.role)


def _domain() -> int:
    """The clinic's domain and a key that signs. No resolver knows it: the demo's providers do not look."""
    if DeliverySettings.objects.exists():
        return 0
    delivery.settings_change(actor=ACTOR, version=0, helo="mail.riverbend.test", sending_domain="riverbend.test")
    key = delivery.signing_key_create(actor=ACTOR, domain="riverbend.test", kind="rsa")
    delivery.signing_key_activate(actor=ACTOR, key_id=key.pk)
    return 1


def _brand() -> int:
    if Brand.objects.exists():
        return 0
    content.brand_save(
        actor=ACTOR,
        data={
            "name": CLINIC["name"],
            "from_name": CLINIC["name"],
            "from_address": "care@riverbend.test",
            "reply_to": "frontdesk@riverbend.test",
            "postal_address": CLINIC["postal_address"],
            "phone": CLINIC["phone"],
            "primary": "#0f5f6e",
        },
        is_default=True,
    )
    return 1


def _templates(site: str) -> int:
    """The shipped invitation with a button that leads to the clinic's website, so that there is something to click,
    and a mail for people with a visit.
    """
    data = blocks.dump(all_presets()["flu_shot_invitation"].design)
    button = next(block for block in data["blocks"] if block["type"] == "button")
    button.update({"label": "See this week's walk-in hours", "url": site})
    data["variants"]["es"]["blocks"][button["id"]] = {"label": "Ver el horario de esta semana"}
    made = 0
    for name, design in ((INVITATION, data), (parking.NAME, parking.DESIGN)):
        if selectors.template_named(name) is None:
            template = content.template_create(actor=ACTOR, name=name, data=design)
            content.template_publish(actor=ACTOR, template_id=template.pk)
            made += 1
    return made


def _import(now: datetime) -> int:
    if ImportJob.objects.exists():
        return 0
    day = (now - timedelta(days=3)).astimezone(ZoneInfo(people.ZONE)).strftime("%-m/%-d/%Y")
    upload = jobs.Upload("Front desk list.csv", io.BytesIO(FRONT_DESK.format(signed=day).encode()))
    job = jobs.import_create(actor=ACTOR, kind="list", uploads=[upload], document=FRONT_DESK_MAPPING)
    jobs.import_check(actor=ACTOR, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=ACTOR, job_id=job.pk)
    passes.work(job.pk)
    return 1


def rules(now: datetime) -> dict[str, tuple[str, dict[str, Any]]]:
    """The demo's segments: name to (description, rule). Pure; the flu season begins on September 1."""
    today = now.astimezone(ZoneInfo(people.ZONE)).date()
    season = today.replace(year=today.year if today.month >= 9 else today.year - 1, month=9, day=1)
    return {
        WOMEN: (
            "Seen for a check-up within four years, and no influenza immunization since September.",
            _all(
                PATIENTS,
                {"field": "sex", "op": "is", "value": "F"},
                {"field": "age", "op": "between", "from": 50, "to": 74},
                {
                    "event": "encounter",
                    "class": "wellness",
                    "op": "at_least",
                    "times": 1,
                    "last_days": 4,
                    "unit": "years",
                },
                {
                    "event": "immunization",
                    "system": people.CVX,
                    "code": people.FLU[0],
                    "op": "never",
                    "from": season.isoformat(),
                },
            ),
        ),
        SOON: (
            "Patients with a booked visit in the next two weeks.",
            _all(PATIENTS, {"appointment": "booked", "in_next_days": 14}),
        ),
        READERS: (
            "Everybody who signed a marketing authorization and did not take it back.",
            _all({"consent": "marketing", "state": "granted"}),
        ),
        PARTNERS: (
            "Practices, pharmacies and suppliers. Nobody here is a patient.",
            _all({"field": "relation", "op": "is", "value": "b2b"}),
        ),
    }


def _all(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"match": "all", "rules": list(nodes)}


def _segments(actor: Actor, now: datetime) -> int:
    if Segment.objects.exists():
        return 0
    for name, (description, rule) in rules(now).items():
        saved = segments.segment_save(actor=actor, name=name, rule=rule, description=description)
        segments.segment_count(actor=actor, segment_id=saved.pk)
    return 4


def _campaigns(author: Actor, reviewer: Actor, now: datetime) -> int:
    if Campaign.objects.exists():
        return 0

    def save(name: str, **spec: Any) -> int:
        whole = {"brand": CLINIC["name"], "remuneration": "none", **spec}
        return campaigns.campaign_save(actor=author, name=name, spec=whole).pk

    save("Thank you to our partners", segment=PARTNERS, purpose="b2b", description="Text still to be written.")

    everybody = save(
        "Holiday hours",
        everybody=True,
        template="Clinic newsletter",
        purpose="marketing",
        description="Opening hours in the last week of December.",
    )
    campaigns.campaign_submit(actor=author, campaign_id=everybody)
    campaigns.campaign_reject(
        actor=reviewer,
        campaign_id=everybody,
        comment="Hours are clinic news, not an offer: choose Operations as the purpose. As marketing it leaves out "
        "everybody without an authorization.",
    )

    waiting = save(
        "Before your visit",
        segment=SOON,
        template=parking.NAME,
        purpose="operations",
        description="Parking and check-in while the front entrance is rebuilt.",
    )
    _submitted(author, waiting)

    sent = save(
        FLU_SHOTS,
        segment=WOMEN,
        template=INVITATION,
        purpose="treatment",
        description="Invites to the walk-in hours.",
    )
    _approved(author, reviewer, sent, "Checked the list and the text.")
    sending.campaign_send(actor=author, campaign_id=sent)

    monthly = save(
        "Monthly newsletter",
        segment=READERS,
        template="Clinic newsletter",
        purpose="marketing",
        description="Goes out on the first weekday after five days.",
    )
    _approved(author, reviewer, monthly, "Good to go.")
    sending.campaign_send(actor=author, campaign_id=monthly, at=next_morning(now))
    return 5


def _submitted(author: Actor, campaign_id: int) -> None:
    opened = campaign_selectors.opened(Campaign.objects.get(pk=campaign_id))
    plan = plans.plan_of(actor=author, campaign=opened)
    campaigns.campaign_submit(actor=author, campaign_id=campaign_id, planned=plan.audience)


def _approved(author: Actor, reviewer: Actor, campaign_id: int, comment: str) -> None:
    _submitted(author, campaign_id)
    campaigns.campaign_approve(actor=reviewer, campaign_id=campaign_id, comment=comment)


def next_morning(now: datetime) -> datetime:
    """Nine o'clock in the clinic on the first weekday at least five days ahead. Pure."""
    zone = ZoneInfo(people.ZONE)
    day = now.astimezone(zone).date() + timedelta(days=5)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return datetime.combine(day, time(9), zone)


def _journey(actor: Actor, reviewer: Actor) -> int:
    if Journey.objects.exists():
        return 0
    row = journeys.journey_from_preset(actor=actor, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    journeys.journey_submit(actor=actor, journey=row)
    journeys.journey_approve(actor=reviewer, journey=row, comment="Checked the steps and both texts.")
    journeys.journey_activate(actor=actor, journey=row)
    return 1
