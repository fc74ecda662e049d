"""Pieces of SQL about messages, for statements of the apps above: they name no table of ours in any other way.

An ``alias`` names the rows in the statement around it; ``person`` and ``now`` are SQL of that statement (a column or a
placeholder), never values. A column means what `delivery.models.outbox` says of it.
"""

from __future__ import annotations


def messages(alias: str = "") -> str:
    """Messages: ``id``, ``kind`` and ``source_id`` (what sends), ``visit`` (of a journey's step), ``person_id``,
    ``state``, ``route``, ``reason``, ``level``, ``tls_class``, ``skeleton_id``.
    """
    return f"delivery_outboxmessage {alias}".rstrip()


def has_key(kind: str, person: str, now: str) -> str:
    """Whether a person has a key of a kind (``pgp``, ``smime``) in force."""
    return (
        f"EXISTS (SELECT 1 FROM delivery_recipientkey k WHERE k.person_id = {person} "
        f"AND k.kind = '{kind}' AND k.state = 'active' AND (k.expires IS NULL OR k.expires > {now}))"
    )
