"""Pieces of SQL about people, for statements of the apps above: they name no table of ours in any other way.

Statements over a million people join our tables with theirs; this says which of our columns they may rest on. An
``alias`` names the rows in the statement around it; ``person``, ``purpose`` and ``now`` are SQL of that statement
(a column or a placeholder), never values.
"""

from __future__ import annotations


def search_rows(alias: str = "s") -> str:
    """The search row of everybody: ``person_id``, sorted ``tokens``, keyed ``birth_day`` and slots ``s0`` and on."""
    return f"contacts_personsearch {alias}"


def identities(alias: str = "i") -> str:
    """Keyed identities: ``person_id``, ``kind`` (`PersonIdentity.IdentityKind`), ``token``; a person may have many."""
    return f"contacts_personidentity {alias}"


IDENTITY_HOLDERS = "SELECT kind, token, person_id FROM contacts_personidentity WHERE kind = ANY(%b) AND token = ANY(%b)"
"""Who has identities of some kinds; takes the kinds and the tokens."""


def appointments(alias: str = "a") -> str:
    """Appointments: ``id``, ``person_id``, keyed ``state``, ``day`` (at its place), ``hour`` and ``minute`` (UTC, of
    its start; None until renewed); ``held_at`` is set while one is in doubt.
    """
    return f"contacts_appointment {alias}"


SEALED_APPOINTMENTS = "SELECT id, person_id, version, sealed FROM contacts_appointment WHERE id = ANY(%s::bigint[])"
"""Appointments to be opened, as tuples: a tick opens thousands. Takes their ids."""


# -- The timeline ----------------------------------------------------------------------------------------------


def timeline(alias: str = "e") -> str:
    """Timeline rows: ``person_id``, keyed ``groups``, keyed ``day``, ``recorded_at``, and their place in the log of
    writers (``transaction``, ``id``), by which a reader keeps its position.
    """
    return f"contacts_timelineevent {alias}".rstrip()


def timeline_summary(alias: str = "t") -> str:
    """One row a person and keyed ``"group"``: ``count``, first and last day."""
    return f"contacts_timelinesummary {alias}"


def latest_results(alias: str = "l") -> str:
    """One row a person and keyed ``lab``: keyed ``step`` and ``day`` of the last result, and its ``event_id``."""
    return f"contacts_latestresult {alias}"


# For the reader behind a restore: rows of another cluster carry numbers that this one has not given yet.
NEWEST_AHEAD = "SELECT max(transaction), max(id) FROM contacts_timelineevent WHERE transaction >= %s"
"""The highest numbers that lie at or above a number; by the index."""
LAST_OF_ANOTHER_CLUSTER = (
    "SELECT max(id) FROM contacts_timelineevent WHERE transaction % 4294967296 <> xmin::text::bigint"
)
"""The last row whose number is not that of its writer; goes through all of them."""


def person_tags(alias: str = "g") -> str:
    """Who has which tag: ``tag_id``, ``person_id``."""
    return f"contacts_persontag {alias}"


# -- Consent and suppression -----------------------------------------------------------------------------------


def consent_states(alias: str = "c") -> str:
    """Where a person's consents stand: ``person_id``, ``purpose``, ``state``, ``expires``; see ``consent_counts``."""
    return f"contacts_consentstate {alias}"


def consent_counts(now: str, alias: str = "c") -> str:
    """Whether a consent's row says something at a moment: a refusal does not expire."""
    return f"({alias}.state = 'denied' OR {alias}.expires IS NULL OR {alias}.expires > {now})"


def consent_of(person: str, purpose: str, now: str) -> str:
    """The state of a person's consent to a purpose, or NULL."""
    return f"""(SELECT c.state FROM {consent_states()}
         WHERE c.person_id = {person} AND c.purpose = {purpose}
           AND {consent_counts(now)})"""


def scopes_stopped(person: str) -> str:
    """Scopes of the suppressions of a person's mailbox, as an array."""
    return f"""ARRAY(SELECT s.scope FROM {identities()}
              JOIN contacts_suppression s ON s.mailbox = i.token
             WHERE i.person_id = {person} AND i.kind = 1)"""


MAILBOXES_STOPPED = """SELECT u.mailbox, bool_or(u.scope = 'all') AS everything,
            bool_or(u.scope = 'commercial') AS commercial, bool_or(u.scope = 'reminders') AS reminders,
            bool_or(u.scope = 'unproven') AS unproven
        FROM (SELECT mailbox, scope FROM contacts_suppression UNION ALL
              SELECT mailbox, 'unproven' FROM contacts_returnedmailbox WHERE proven_at IS NULL) u
        GROUP BY u.mailbox"""
"""One row a suppressed mailbox, or one in question (`ReturnedMailbox`): what is stopped there, and whether it is."""

PEOPLE_WITH_DEAD_MAILBOX = """
SELECT DISTINCT i.person_id FROM contacts_personidentity i
JOIN contacts_suppression s ON s.mailbox = i.token AND s.reason = 'hard_bounce'
WHERE i.kind = 1
"""
"""Ids of people whose mailbox is suppressed because it does not exist."""

MAILBOXES_OF_ONLY = """
SELECT token FROM contacts_personidentity WHERE kind = 1
GROUP BY token HAVING bool_and(person_id = ANY(%(people)s))
"""
"""Mailboxes of these ``people`` that nobody else has: a household's mailbox rests only when all of it is silent."""

RESTING_BUT_AWAKE = """
SELECT s.mailbox FROM contacts_suppression s
WHERE s.reason = 'hygiene' AND EXISTS (
    SELECT 1 FROM contacts_personidentity i JOIN contacts_timelineevent e ON e.person_id = i.person_id
    WHERE i.kind = 1 AND i.token = s.mailbox AND e.groups && %(signs)s AND e.recorded_at > s.since)
"""
"""Resting mailboxes of which somebody gave a sign of life (keyed groups ``signs``) since."""

SILENT_MAILBOXES = """
SELECT i.token FROM contacts_personidentity i JOIN contacts_person p ON p.id = i.person_id
WHERE i.kind = 1 AND p.erased_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM contacts_returnedmailbox r
                  WHERE r.mailbox = i.token AND (r.proven_at IS NULL OR r.proven_at >= %(since)s))
GROUP BY i.token HAVING bool_and(p.created_at < %(since)s
    AND NOT EXISTS (SELECT 1 FROM contacts_timelineevent e
                    WHERE e.person_id = p.id AND e.groups && %(signs)s AND e.recorded_at >= %(since)s))
ORDER BY i.token
"""
"""Mailboxes all of whose people are known longer than ``since``, without an event of keyed groups ``signs`` after."""
