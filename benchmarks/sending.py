"""Campaigns, from the segment to the sink: sealed, archived, audited, unsigned and signed; then a pass that proves it.

Timed is what worker processes (one per core, started and connected before) do from the first claim to the last
committed answer: claim, open the people, check the rule and the consent, merge, seal, sign, deliver, write evidence.
Feeding the outbox is measured beside it. Counts come from the tables, never from what a worker says of itself.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks import clinic, limits
from benchmarks.letter import DESIGN

SEGMENT = "Adults"
TEMPLATE = "Clinic news"
AT_LEAST = 10.0
WITHDRAWN = 25
_WORKERS = os.cpu_count() or 1
Say = Callable[[str], None]


def run(size: int, folder: Path, say: Say) -> dict[str, Any]:
    """``send_per_s``, ``send_dkim_per_s``, ``feed_per_s`` and what the proof counted."""
    from apps.content import services as content
    from apps.core import actors
    from apps.segments import services as segments

    made = clinic.ready(size, folder, say)
    adults = {"match": "all", "rules": [{"field": "age", "op": "at_least", "from": 18}]}
    segments.segment_save(actor=made.author, name=SEGMENT, rule=adults)
    content.template_create(actor=made.author, name=TEMPLATE, data=DESIGN)
    expected = Expected.read(folder / "people.csv")
    figures: dict[str, Any] = {}
    with limits.sink(folder) as port, workers(port) as crew:
        unsigned, fed = _rounds(made, expected, crew, port, "unsigned", say)
        _sign(actors.COMMAND_LINE)
        signed, _ = _rounds(made, expected, crew, port, "signed", say)
        figures |= {"send_per_s": round(unsigned), "send_dkim_per_s": round(signed), "feed_per_s": round(fed)}
    figures["send_workers"] = _WORKERS
    figures |= _proof(made, expected, folder, say)
    return figures


class Expected:
    """Who must get the message and who must not, worked out from the file alone."""

    def __init__(self, granted: set[str], denied: set[str]) -> None:
        self.granted, self.denied = granted, denied

    @classmethod
    def read(cls, path: Path) -> Expected:
        """Adults of the file by their answer about marketing, as mailboxes."""
        from apps.core import clock

        today = clock.now().astimezone(ZoneInfo(clinic.ZONE)).date()
        found: dict[str, set[str]] = {"granted": set(), "denied": set()}
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                born = date.fromisoformat(row["Born"])
                if today.year - born.year - ((today.month, today.day) < (born.month, born.day)) >= 18:
                    found[row["Marketing"]].add(row["Email"])
        if not found["granted"] or not found["denied"]:
            raise SystemExit("The size is too small: nobody would be sent to, or nobody held back.")
        return cls(found["granted"], found["denied"])


# One campaign


def _rounds(
    made: clinic.Clinic, expected: Expected, crew: list[Worker], port: int, word: str, say: Say
) -> tuple[float, float]:
    """Campaigns until ten seconds were spent sending; (messages sent, messages fed) per second."""
    sent, seconds, feeding, number = 0, 0.0, 0.0, 0
    while seconds < AT_LEAST:
        number += 1
        campaign, fed_in = _prepared(made, expected, f"{word} {number}", port)
        feeding += fed_in
        seconds += _dispatched(crew)
        sent += _checked(campaign, expected)
        _finished(campaign)
    say(f"send {word}: {sent / seconds:,.0f}/s ({sent:,} messages, {', '.join(worker.last for worker in crew)})")
    return sent / seconds, sent / feeding


def _prepared(made: clinic.Clinic, expected: Expected, name: str, port: int) -> tuple[int, float]:
    """A campaign saved, planned, approved by somebody else, frozen and fed; its number and the seconds of feeding."""
    from django.conf import settings

    from apps.campaigns import plans, selectors, services
    from apps.campaigns.services import sending

    settings.TRANSPORT_MAP = transport_map(port)
    spec = {"segment": SEGMENT, "template": TEMPLATE, "purpose": "marketing", "remuneration": "none"}
    campaign = services.campaign_save(actor=made.author, name=name, spec=spec).pk
    opened = selectors.opened(services.Campaign.objects.get(pk=campaign))
    plans.measure_unknown(actor=made.author, campaign=opened)
    plan = plans.plan_of(actor=made.author, campaign=opened)
    if plan.held != {"no_consent": len(expected.denied)} or plan.routes["tls"] != len(expected.granted):
        raise SystemExit(f"The plan is wrong: {plan.routes}, held {plan.held}.")
    services.campaign_submit(actor=made.author, campaign_id=campaign, planned=plan.audience)
    services.campaign_approve(actor=made.reviewer, campaign_id=campaign)
    sending.campaign_send(actor=made.author, campaign_id=campaign)
    began = time.perf_counter()
    fed = sending.campaign_feed_all(actor=made.author, campaign_id=campaign)
    took = time.perf_counter() - began
    if fed != len(expected.granted):
        raise SystemExit(f"{fed} messages were fed instead of {len(expected.granted)}.")
    return campaign, took


def _dispatched(crew: list[Worker]) -> float:
    """Let every worker send until nothing is ready; seconds from the word to the last answer."""
    began = time.perf_counter()
    for worker in crew:
        worker.go()
    for worker in crew:
        worker.wait()
    return time.perf_counter() - began


def _checked(campaign: int, expected: Expected, withdrawn: int = 0) -> int:
    """How many messages of a campaign were sent, by the tables. Exits unless consent and audit trail are right."""
    from django.db.models import Sum

    from apps.audit.models import AuditEntry
    from apps.campaigns.models import CampaignRecipient
    from apps.delivery.models import OutboxMessage

    messages = OutboxMessage.objects.filter(kind="campaign", source_id=campaign)
    sent = messages.filter(state="sent", record__isnull=False, evidence__isnull=False)
    people = len(expected.granted)
    if (messages.count(), sent.count()) != (people, people - withdrawn) or not people - withdrawn:
        raise SystemExit(f"Of {messages.count()} messages {sent.count()} were sent and archived, not {people}.")
    held = CampaignRecipient.objects.filter(campaign_id=campaign, held="no_consent").values_list("person", flat=True)
    if mailboxes(held) != expected.denied:
        raise SystemExit("Those without authorization were not exactly those held back.")
    first = messages.order_by("id").values_list("created_at", flat=True)[0]
    opened = AuditEntry.objects.filter(action="contact.open", purpose="send marketing", at__gte=first)
    if (opened.aggregate(Sum("people_count"))["people_count__sum"] or 0) < people:
        raise SystemExit("The audit trail lacks openings of people who were written to.")
    return people - withdrawn


def _finished(campaign: int) -> None:
    from apps.campaigns.services import sending

    if sending.finish_if_done(campaign_id=campaign) != 1:
        raise SystemExit("The campaign is not through.")


def mailboxes(people: Any) -> set[str]:
    """The addresses of people, opened (and audited) in blocks."""
    from apps.contacts.person.selectors import open_people
    from apps.core import actors

    ids, found = list(people), set()
    for start in range(0, len(ids), 2_000):
        block = open_people(
            actor=actors.COMMAND_LINE, purpose="bench", ids=ids[start : start + 2_000], with_consents=False
        )
        found |= {record.email for record in block.values()}
    return found


def _sign(actor: Any) -> None:
    """An RSA-2048 key for the sender's domain that signs from now on."""
    from apps.delivery import services

    key = services.signing_key_create(actor=actor, domain="clinic.test", kind="rsa")
    services.signing_key_activate(actor=actor, key_id=key.pk)


# Workers


def transport_map(port: int) -> str:
    """The receiver is on this machine, so it is trusted without TLS."""
    return f"{clinic.DOMAIN}=+sink@127.0.0.1:{port}"


class Worker:
    """A sending process that waits for the word."""

    def __init__(self, port: int) -> None:
        environment = os.environ | {"CARELANE_TRANSPORT_MAP": transport_map(port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=environment,
        )
        self.last = ""
        if self._line() != "ready":
            raise SystemExit("A worker did not start.")

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        """Send what is ready."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")

    def wait(self) -> None:
        """Until it has nothing left to do."""
        line = self._line()
        if not line:
            raise SystemExit("A worker ended before its time.")
        self.last = f"cpu {json.loads(line)['cpu']} s"


@contextlib.contextmanager
def workers(port: int) -> Iterator[list[Worker]]:
    """One sending process per core, ready."""
    crew: list[Worker] = []
    try:
        crew.extend(Worker(port) for _ in range(_WORKERS))
        yield crew
    finally:
        for worker in crew:
            assert worker.process.stdin is not None
            worker.process.stdin.close()
            worker.process.wait()


# The proof


def _proof(made: clinic.Clinic, expected: Expected, folder: Path, say: Say) -> dict[str, Any]:
    """The same once more, into a receiver that reads: everybody exactly their message, and the archive proves it.

    Some withdraw their authorization after the audience was frozen and fed: they must get nothing.
    """
    people, out = folder / "people.csv", folder / "received.jsonl"
    receiver = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.receiver", "0", str(people), str(out)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert receiver.stdout is not None
        port = int(receiver.stdout.readline())
        campaign, _ = _prepared(made, expected, "proof", port)
        withdrawn = _withdraw(campaign)
        with workers(port) as crew:
            _dispatched(crew)
        _checked(campaign, expected, len(withdrawn))
    finally:
        receiver.terminate()
        receiver.wait()
    received: dict[str, str] = {}
    size = 0
    for line in out.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        if message["wrong"]:
            raise SystemExit(f"A message arrived wrong: {message['wrong']}.")
        if message["to"] in received:
            raise SystemExit("Somebody got the message twice.")
        received[message["to"]] = message["sha256"]
        size += message["bytes"]
    if set(received) != expected.granted - withdrawn:
        raise SystemExit("Those who got the message are not exactly those who should have.")
    rebuilt = _rebuilt(campaign, received)
    say(f"proof: {rebuilt:,} messages of {size // rebuilt:,} bytes, each theirs and rebuilt to the byte")
    return {"proof_messages": rebuilt, "proof_bytes": size // rebuilt, "proof_withdrawn": len(withdrawn)}


def _withdraw(campaign: int) -> set[str]:
    """Some whose message is queued take their authorization back; returns their mailboxes."""
    from apps.contacts.services import consent_record
    from apps.core import actors, clock
    from apps.delivery.models import OutboxMessage

    queued = OutboxMessage.objects.filter(kind="campaign", source_id=campaign)
    people = list(queued.order_by("id").values_list("person_id", flat=True))
    chosen = people[:: max(1, len(people) // WITHDRAWN)][:WITHDRAWN]
    for person in chosen:
        consent_record(
            actor=actors.COMMAND_LINE,
            person_id=person,
            purpose="marketing",
            state="denied",
            on=clock.now().date(),
            method="phone",
        )
    return mailboxes(chosen)


def _rebuilt(campaign: int, received: dict[str, str]) -> int:
    """Rebuild every message from its sealed record and compare it with what arrived; returns how many."""
    import hashlib

    from apps.contacts.person.selectors import record_keys
    from apps.content import selectors as content
    from apps.content.merging import rebuild
    from apps.delivery.models import OutboxMessage
    from apps.delivery.models.outbox import RECORD_PLACE
    from apps.vault import sealing

    done = 0
    sent = OutboxMessage.objects.filter(kind="campaign", source_id=campaign, state="sent").order_by("id")
    for start in range(0, sent.count(), 2_000):
        block = list(sent[start : start + 2_000])
        keys = record_keys({message.person_id for message in block})
        for message in block:
            record = sealing.open_sealed(
                keys[message.person_id], bytes(message.record), table=RECORD_PLACE, row=message.pk
            )
            whole = rebuild(content.skeleton(message.skeleton_id), record)
            if not record["sha256"] == hashlib.sha256(whole).hexdigest() == received[record["to"]]:
                raise SystemExit(f"The record of message {message.pk} does not rebuild what arrived.")
            done += 1
    if done != len(received):
        raise SystemExit(f"{done} records for {len(received)} messages.")
    return done
