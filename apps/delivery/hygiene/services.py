"""The nightly look at the list: report, rest, wake. Nobody is deleted and no mail server is asked (B-283)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import sql as contacts_sql
from apps.contacts.models import Person, PersonIdentity, ReturnedMailbox, Suppression
from apps.contacts.person import selectors as contacts
from apps.contacts.services import mailboxes_returned, suppress_many
from apps.contacts.suppressions.register.services import stops_lift
from apps.contacts.suppressions.services import holders
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.delivery import selectors
from apps.delivery.hygiene import rules as hygiene
from apps.delivery.hygiene.rules import Flag, Rules
from apps.delivery.models import HygieneFinding, HygieneRun
from apps.delivery.policy import returned_mailboxes
from apps.jobs import waking
from apps.organizations import selectors as organizations
from apps.vault import tokens

_BATCH = 1_000
_LOCK = 0x68796769  # "hygi"
_STALE = timedelta(hours=6)
RUNS_KEPT = 60
COMMERCIAL = ("marketing", "fundraising", "b2b", "operations")
# What shows that somebody is there, as kinds of timeline events.
SIGNS = (
    *("message.clicked", "message.read", "message.replied"),
    *("appointment.booked", "appointment.moved", "appointment.kept", "encounter", "consent.granted"),
)

# What shows that a mailbox took something, or that somebody read there.
HEARD = ("message.sent", "message.clicked", "message.read", "message.replied")

# People who got enough optional mail, the first of it long enough ago, and gave no sign of life since.
_UNENGAGED = f"""
SELECT m.person_id FROM delivery_outboxmessage m
WHERE m.person_id IS NOT NULL AND m.state = 'sent' AND m.purpose = ANY(%(purposes)s)
GROUP BY m.person_id
HAVING count(*) FILTER (WHERE m.finished_at >= %(since)s) >= %(enough)s AND min(m.finished_at) < %(since)s
   AND NOT EXISTS (
       SELECT 1 FROM {contacts_sql.timeline()}
       WHERE e.person_id = m.person_id AND e.groups && %(signs)s AND e.day = ANY(%(days)s))
"""  # noqa: S608
# People whose last messages all came back for reasons that are no dead mailbox.
_FAILING = """
SELECT person_id FROM (
    SELECT m.person_id, m.state, m.reason, m.finished_at,
           row_number() OVER (PARTITION BY m.person_id ORDER BY m.finished_at DESC, m.id DESC) AS place
    FROM delivery_outboxmessage m
    WHERE m.person_id IS NOT NULL AND m.state IN ('sent', 'bounced', 'failed') AND m.finished_at IS NOT NULL
) last
WHERE place <= %(enough)s
GROUP BY person_id
HAVING count(*) = %(enough)s AND max(finished_at) - min(finished_at) >= %(span)s
   AND bool_and(state IN ('bounced', 'failed') AND reason IN ('soft', 'full', 'network'))
"""


def clean_list(*, actor: Actor) -> HygieneRun:
    """Look at everybody once. Raises ``Refused`` while another run is at work.

    Each batch is a transaction of its own: a run that is killed leaves a report that says "running" and what it
    had found; the next one begins anew.
    """
    now = clock.now()
    run = _begin(actor, now)
    rules = selectors.hygiene_rules()
    counts = {flag.value: 0 for flag in Flag}
    _sets(run, rules, now, counts)
    last = 0
    while True:
        seen = _spelling(actor, run, last, counts)
        if seen is None:
            break
        last = seen
    rested, woken = _rest(actor, run), _wake(actor)
    _doubt(actor, rules, now)
    return _finish(actor, run, counts, rested, woken)


def clean_list_soon() -> None:
    """Wake a worker for a look at the list; without a broker it comes with the night."""
    waking.wake_now("apps.delivery.tasks.clean_list", expires=3600)


@transaction.atomic
def wake(*, actor: Actor, person_id: int) -> int:
    """Staff lift the rest of a person's mailbox; returns how many rows went. Raises ``Refused`` without one."""
    mailboxes = list(
        PersonIdentity.objects.filter(person_id=person_id, kind=PersonIdentity.IdentityKind.EMAIL).values_list(
            "token", flat=True
        )
    )
    lifted = len(stops_lift(Suppression.objects.filter(mailbox__in=mailboxes, reason=Suppression.Reason.HYGIENE)))
    if not lifted:
        raise Refused("mailbox.not_resting", "Optional mail to this mailbox does not rest any more.")
    HygieneFinding.objects.filter(person_id=person_id, rested=True).update(rested=False)
    record(
        actor=actor,
        action=Action.SUPPRESSION_LIFT,
        kind="mailbox",
        people=[person_id],
        codes={"lifted": lifted, "reason": "hygiene"},
    )
    return lifted


@transaction.atomic
def _begin(actor: Actor, now: datetime) -> HygieneRun:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    running = HygieneRun.objects.filter(state=HygieneRun.State.RUNNING).order_by("-id").first()
    if running is not None and now - running.started_at < _STALE:
        raise Refused(
            "hygiene.report_under_way", "The list is being looked at right now. Wait until that report is finished."
        )
    HygieneRun.objects.filter(state=HygieneRun.State.RUNNING).update(state=HygieneRun.State.FINISHED, finished_at=now)
    kept = list(HygieneRun.objects.order_by("-id").values_list("pk", flat=True)[: RUNS_KEPT - 1])
    HygieneRun.objects.exclude(pk__in=kept).delete()
    run = HygieneRun.objects.create(started_at=now, total=Person.objects.filter(erased_at__isnull=True).count())
    record(actor=actor, action=Action.HYGIENE_RUN, kind="hygiene", subject=run.pk)
    return run


@transaction.atomic
def _sets(run: HygieneRun, rules: Rules, now: datetime, counts: dict[str, int]) -> None:
    """What can be asked of the whole table at once, without opening anybody."""
    zone = organizations.current().timezone
    since = now - timedelta(days=rules.unengaged_days)
    days = tokens.day_range("event", since.astimezone(zone).date(), now.astimezone(zone).date() + timedelta(days=1))
    asked: tuple[tuple[Flag, str, dict[str, Any]], ...] = (
        (Flag.DEAD, contacts_sql.PEOPLE_WITH_DEAD_MAILBOX, {}),
        (
            Flag.FAILING,
            _FAILING,
            {"enough": rules.failing_messages, "span": timedelta(days=rules.failing_days)},
        ),
        (
            Flag.UNENGAGED,
            _UNENGAGED,
            {
                "purposes": list(COMMERCIAL),
                "since": since,
                "enough": rules.unengaged_messages,
                "signs": _signs(),
                "days": days,
            },
        ),
    )
    for flag, statement, given in asked:
        with connection.cursor() as cursor:
            cursor.execute(statement, given)
            people = [row[0] for row in cursor.fetchall()]
        counts[flag.value] += _note(run, flag, people)


@transaction.atomic
def _spelling(actor: Actor, run: HygieneRun, after: int, counts: dict[str, int]) -> int | None:
    """Read the addresses of the next thousand people; the last id read, or None at the end."""
    ids = list(
        Person.objects.filter(pk__gt=after, erased_at__isnull=True).order_by("pk").values_list("pk", flat=True)[:_BATCH]
    )
    if not ids:
        return None
    people = contacts.open_people(actor=actor, purpose="list hygiene", ids=ids, with_consents=False)
    found: dict[Flag, list[int]] = {}
    for person in people.values():
        if person.email:
            for flag in hygiene.look_at(person.email):
                found.setdefault(flag, []).append(person.id)
    for flag, concerned in found.items():
        counts[flag.value] += _note(run, flag, concerned)
    HygieneRun.objects.filter(pk=run.pk).update(done=run.done + len(ids))
    run.done += len(ids)
    return ids[-1]


def _note(run: HygieneRun, flag: Flag, people: Iterable[int]) -> int:
    rows = [HygieneFinding(run=run, person_id=person, flag=flag.value) for person in sorted(set(people))]
    HygieneFinding.objects.bulk_create(rows, batch_size=5_000, ignore_conflicts=True)
    return len(rows)


@transaction.atomic
def _rest(actor: Actor, run: HygieneRun) -> int:
    """Optional mail rests for the silent and the failing. Treatment and account mail go on."""
    flags = [flag.value for flag in Flag if flag.rests]
    people = list(run.findings.filter(flag__in=flags).values_list("person_id", flat=True).distinct())
    if not people:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(contacts_sql.MAILBOXES_OF_ONLY, {"people": people})
        mailboxes = [bytes(row[0]) for row in cursor.fetchall()]
    known = {
        bytes(mailbox)
        for mailbox in Suppression.objects.filter(
            mailbox__in=mailboxes, scope__in=[Suppression.Scope.COMMERCIAL, Suppression.Scope.ALL]
        ).values_list("mailbox", flat=True)
    }
    fresh = [mailbox for mailbox in mailboxes if mailbox not in known]
    if not fresh:
        return 0
    concerned = set(
        PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token__in=fresh).values_list(
            "person_id", flat=True
        )
    )
    run.findings.filter(flag__in=flags, person_id__in=concerned).update(rested=True)
    return suppress_many(
        actor=actor,
        mailboxes=fresh,
        scope=Suppression.Scope.COMMERCIAL,
        reason=Suppression.Reason.HYGIENE,
        source=f"hygiene:{run.pk}",
        people=sorted(concerned),
    )


@transaction.atomic
def _wake(actor: Actor) -> int:
    """A sign of life ends the rest."""
    with connection.cursor() as cursor:
        cursor.execute(contacts_sql.RESTING_BUT_AWAKE, {"signs": _signs()})
        mailboxes = [bytes(row[0]) for row in cursor.fetchall()]
    if not mailboxes:
        return 0
    people = list(
        PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token__in=mailboxes).values_list(
            "person_id", flat=True
        )
    )
    stops_lift(Suppression.objects.filter(mailbox__in=mailboxes, reason=Suppression.Reason.HYGIENE))
    HygieneFinding.objects.filter(person_id__in=people, rested=True).update(rested=False)
    record(
        actor=actor,
        action=Action.SUPPRESSION_LIFT,
        kind="mailbox",
        people=sorted(set(people)),
        codes={"lifted": len(mailboxes), "reason": "sign of life"},
    )
    return len(mailboxes)


@transaction.atomic
def _doubt(actor: Actor, rules: Rules, now: datetime) -> int:
    """Put mailboxes in question of which nothing was heard for long, and to which nothing was delivered."""
    since = returned_mailboxes.silent_before(now, rules.silent_months)
    if since is None:
        return 0
    signs = sorted(tokens.token63("group", f"kind:{kind}") for kind in HEARD)
    with connection.cursor() as cursor:
        cursor.execute(contacts_sql.SILENT_MAILBOXES, {"since": since, "signs": signs})
        mailboxes = [bytes(row[0]) for row in cursor.fetchall()]
    if not mailboxes:
        return 0
    doubted = mailboxes_returned(mailboxes=mailboxes, reason=ReturnedMailbox.Reason.SILENT)
    record(actor=actor, action=Action.MAILBOX_DOUBT, kind="mailbox", people=holders(mailboxes), codes={"new": doubted})
    return doubted


@transaction.atomic
def _finish(actor: Actor, run: HygieneRun, counts: dict[str, int], rested: int, woken: int) -> HygieneRun:
    run.state, run.finished_at = HygieneRun.State.FINISHED, clock.now()
    run.counts = {**counts, "rested": rested, "woken": woken}
    run.save()
    record(actor=actor, action=Action.HYGIENE_FINISH, kind="hygiene", subject=run.pk, codes=dict(run.counts))
    return run


def _signs() -> list[int]:
    return sorted(tokens.token63("group", f"kind:{kind}") for kind in SIGNS)
