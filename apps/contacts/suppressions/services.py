"""Stopping mail to one mailbox by hand, allowing it again, and mailboxes that came back.

``consent.services`` adds in bulk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import values
from apps.contacts.consent.opt_outs import mailboxes_note
from apps.contacts.consent.services import suppress_many
from apps.contacts.models import ConsentState, PersonIdentity, ReturnedMailbox, Suppression
from apps.contacts.models.consent import SUPPRESSION_TABLE
from apps.contacts.person import search_values, selectors
from apps.contacts.suppressions import lifting
from apps.contacts.suppressions.lifting import Obstacle, Stop
from apps.contacts.suppressions.register import services as register
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission, allows
from apps.vault import sealing

REASON = (3, 200)
"""Fewest and most characters of a reason given by hand."""


def scopes_for(scope: str) -> tuple[str, ...]:
    """The rows that stop ``scope``: what stops more stops less too.

    So a wish outlives the lifting of what stood in its place: a dead mailbox is one row, of all mail. Raises
    ``Refused`` for an unknown one.
    """
    Scope = Suppression.Scope
    rows: dict[str, tuple[str, ...]] = {
        Scope.COMMERCIAL: (Scope.COMMERCIAL,),
        Scope.REMINDERS: (Scope.COMMERCIAL, Scope.REMINDERS),
        Scope.ALL: (Scope.COMMERCIAL, Scope.REMINDERS, Scope.ALL),
    }
    if scope not in rows:
        raise Refused("suppression.not_chosen", "Choose which mail is stopped.")
    return rows[scope]


@transaction.atomic
def suppression_add(*, actor: Actor, address: str, scope: str, note: str, asked: bool = False) -> None:
    """Stop mail of a ``scope`` to an address, whether anybody on record has it or not; ``note`` says why.

    ``asked``: its owner told somebody of us so (by telephone, at the desk); then only a new consent lifts it.

    Raises ``Refused`` without a reason, for what is no address, and when it is stopped already.
    """
    note = reason_given(note)
    scopes = scopes_for(scope)
    try:
        read = values.email(address)
    except values.BadValue:
        read = ""
    if not read:
        raise Refused("address.malformed", "This is not an e-mail address. Correct it; nothing was stopped.")
    mailbox = search_values.mailbox(read)
    now = clock.now()
    reason = Suppression.Reason.UNSUBSCRIBED if asked else Suppression.Reason.STAFF
    people = holders([mailbox])
    news = sum(
        suppress_many(
            actor=actor,
            mailboxes=[mailbox],
            scope=each,
            reason=reason,
            source=str(actor)[:40],
            people=people,
            note=note,
        )
        for each in (scopes if asked else (scope,))
    )
    if not news:
        raise Refused("suppression.known", "This mailbox is stopped in this way already. Nothing was changed.")
    for row in Suppression.objects.filter(mailbox=mailbox, since__gte=now, reason=reason):
        row.note = sealing.seal_service(note, table=SUPPRESSION_TABLE, row=row.pk)
        row.save(update_fields=["note"])


@transaction.atomic
def suppression_lift(*, actor: Actor, suppression_id: int, reason: str) -> None:
    """Lift one stop. Raises ``Refused`` without a reason, and where ``lifting`` says that it stays."""
    reason = reason_given(reason)
    row = Suppression.objects.select_for_update().filter(pk=suppression_id).first()
    if row is None:
        raise Refused("suppression.gone", "This mailbox is not stopped in this way any more. Look at the list again.")
    _lift(actor, [row], bytes(row.mailbox), reason)


@transaction.atomic
def unsuppress(*, actor: Actor, person_id: int, reason: str) -> int:
    """Lift what suppresses the mailbox of a person; the reason is kept. Returns how many rows went.

    Whoever unsubscribed or complained is not subscribed again by us: raises ``Refused`` where ``lifting`` says so.
    """
    person = selectors.open_person(actor=actor, purpose="lift suppression", person_id=person_id)
    if person is None or not person.email:
        raise Refused("person.without_mailbox", "This person has no mailbox.")
    mailbox = search_values.mailbox(person.email)
    rows = list(Suppression.objects.select_for_update().filter(mailbox=mailbox))
    return _lift(actor, rows, mailbox, reason, people=[person_id])


def _lift(
    actor: Actor, rows: Sequence[Suppression], mailbox: bytes, reason: str, people: Sequence[int] | None = None
) -> int:
    if not all(map(register.is_genuine, rows)):
        raise Refused(
            "suppression.altered",
            "This stop was altered in the database, so nobody knows what it said. It stays until an administrator has "
            "looked (manage.py suppression_check).",
        )
    concerned = holders([mailbox]) if people is None else list(people)
    rows_granted = ConsentState.objects.filter(person_id__in=concerned, state="granted").holding(clock.now())
    granted = dict(rows_granted.order_by("since").values_list("purpose", "since"))
    found = lifting.obstacle(
        [Stop(row.reason, row.scope, row.since) for row in rows],
        speaks_with_patients=_speaks_with_patients(actor),
        people=concerned,
        granted=granted,
    )
    if found is Obstacle.ROLE:
        raise Refused(
            "suppression.not_for_your_role",
            "The person chose this. Care staff or an administrator can lift it, once a new consent is on record.",
        )
    if found is Obstacle.NOBODY:
        raise Refused(
            "mailbox.of_nobody",
            "The owner of this mailbox chose this, and nobody on record has it. Add the person and record their new "
            "consent first.",
        )
    if found is Obstacle.CONSENT:
        raise Refused(
            "mailbox.unsubscribed",
            "This person unsubscribed, or called our mail spam. Record their new consent first; then mail to this "
            "mailbox can be allowed.",
        )
    for row in rows:
        mailboxes_note([mailbox], row.scope, "")
    if any(row.reason == Suppression.Reason.HARD_BOUNCE for row in rows):
        mailboxes_returned(mailboxes=[mailbox], reason=ReturnedMailbox.Reason.DEAD)
    lifted = len(register.stops_lift(Suppression.objects.filter(pk__in=[row.pk for row in rows])))
    record(
        actor=actor,
        action=Action.SUPPRESSION_LIFT,
        kind="mailbox",
        people=concerned,
        reason=reason,
        codes={"lifted": lifted},
    )
    return lifted


def reason_given(text: str) -> str:
    """A reason in one line. Raises ``Refused`` when it is missing or too long."""
    given = " ".join(text.split())
    if not REASON[0] <= len(given) <= REASON[1]:
        raise Refused("suppression.without_reason", "Say why, in one sentence. It stays on the trail, sealed.")
    return given


def holders(mailboxes: Iterable[bytes]) -> list[int]:
    """Ids of the people on record who have these mailboxes."""
    rows = PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token__in=list(mailboxes))
    return sorted(set(rows.values_list("person_id", flat=True)))


def _speaks_with_patients(actor: Actor) -> bool:
    """Care staff and administrators: who may see and change identity facts. A command has the shell's rights."""
    if actor.kind != "staff":
        return True
    return allows(actor.role, Permission.CONTACT_EDIT) and allows(actor.role, Permission.CONTACT_REVEAL)


# -- Mailboxes that came back ----------------------------------------------------------------------------------


def mailboxes_returned(*, mailboxes: Sequence[bytes], reason: str) -> int:
    """Put mailboxes in question; returns how many were not. Caller's transaction and audit entry.

    What was proven before is in question again: it is another absence.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_returnedmailbox (mailbox, reason, since, proven_by)
            SELECT mailbox, %s, %s, '' FROM unnest(%s::bytea[]) AS mailbox ORDER BY mailbox
            ON CONFLICT (mailbox) DO UPDATE SET reason = excluded.reason, since = excluded.since, proven_at = NULL,
                proven_by = '' WHERE contacts_returnedmailbox.proven_at IS NOT NULL
            """,
            [reason, now, sorted(set(mailboxes))],
        )
        return cursor.rowcount


@transaction.atomic
def mailbox_prove(*, actor: Actor, person_id: int, mailbox: bytes, reason: str = "") -> bool:
    """The mailbox is still this person's: they signed in with the factor, or staff asked them. Whether it was news."""
    proven = ReturnedMailbox.objects.filter(mailbox=mailbox, proven_at__isnull=True).update(
        proven_at=clock.now(), proven_by=str(actor)[:40]
    )
    if proven:
        record(actor=actor, action=Action.MAILBOX_PROVE, kind="mailbox", people=[person_id], reason=reason)
    return bool(proven)
