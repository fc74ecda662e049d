"""How many rooms a thing passes: three walks through the running product, counted in modules of ``apps``.

    python -m benchmarks.walks

1. a date of birth, from the uploaded file to ciphertext: modules with a function that was given it;
2. a segment's rule, from the browser's form to SQL: modules that ran for one preview;
3. a message, from the segment to the socket: modules that ran while a campaign to one person was frozen, fed and sent.

A *climb* is a call into a module that stands above the caller on the stack, already waiting for an answer: the way
goes back up. The last line is one JSON object. With ``--rooms`` the modules are named.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings")

BORN = datetime.date(1931, 7, 9)
NEEDLES = (BORN, BORN.isoformat())
DEEP = 5
DOMAIN = "bench.test"


class Walk:
    """Modules in the order in which they were entered first, and climbs."""

    def __init__(self, wanted: Callable[[FrameType], bool] = lambda frame: True, own: str = "") -> None:
        self.wanted, self.own = wanted, own
        self.rooms: dict[str, int] = {}
        self.climbs = 0
        self.stacks = threading.local()

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        stack = self.stacks.__dict__.setdefault("frames", [])
        if event == "return" and stack and stack[-1][0] is frame:
            stack.pop()
            return
        module = frame.f_globals.get("__name__", "")
        # What dataclasses write themselves ("<string>") makes a value and goes nowhere.
        made = frame.f_code.co_filename == "<string>"
        if event != "call" or made or not module.startswith("apps.") or not self.wanted(frame):
            return
        if module.startswith(self.own or "apps."):
            before = stack[-1][1] if stack else ""
            if module != before:
                self.climbs += any(module == above for _, above in stack[:-1])
            self.rooms.setdefault(module, len(self.rooms))
            stack.append((frame, module))


@contextmanager
def walking(walk: Walk) -> Iterator[Walk]:
    threading.setprofile(walk)
    sys.setprofile(walk)
    try:
        yield walk
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def holds(value: Any, deep: int = DEEP) -> bool:
    """Whether a value is, or has in it, the date of birth."""
    if isinstance(value, str | datetime.date):
        return value in NEEDLES
    if deep == 0 or isinstance(value, bytes | int | float | None):
        return False
    if isinstance(value, dict):
        return any(holds(each, deep - 1) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds(each, deep - 1) for each in list(value)[:50])
    fields = getattr(value, "__dataclass_fields__", None)
    return bool(fields) and any(holds(getattr(value, name, None), deep - 1) for name in fields)


def given_birth_date(frame: FrameType) -> bool:
    code = frame.f_code
    return any(
        holds(frame.f_locals.get(name)) for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    )


def birth_date(folder: Path) -> Walk:
    """A list of one person, imported."""
    from apps.core import actors
    from benchmarks import people

    jobs = _either("apps.imports.services.jobs", "apps.imports.services.jobs")
    passes = _either("apps.imports.services.passes", "apps.imports.services.passes")
    source = folder / "one.csv"
    people.write_people(source, 0, 1, DOMAIN)
    source.write_text(re.sub(r"\d{4}-\d\d-\d\d", BORN.isoformat(), source.read_text(), count=1))
    with source.open("rb") as file:
        uploads = [jobs.Upload(source.name, file)]
        job = jobs.import_create(actor=actors.COMMAND_LINE, kind="list", uploads=uploads, document=people.MAPPING)
    jobs.import_check(actor=actors.COMMAND_LINE, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=actors.COMMAND_LINE, job_id=job.pk)
    with walking(Walk(given_birth_date)) as walk:
        passes.work(job.pk)
    job.refresh_from_db()
    if job.new != 1:
        raise SystemExit(f"The import took nobody in: {job.state}")
    return walk


FORM = {
    "shape": "[0,0,0]",
    "n.match": "all",
    **{"n0.what": "field:sex", "n0.op": "is", "n0.value": "F"},
    **{"n1.what": "field:age", "n1.op": "at_least", "n1.from": "18"},
    **{"n2.what": "field:state", "n2.op": "is", "n2.value": "Kentucky"},
    "name": "Walk",
}


def rule(user: Any) -> Walk:
    """A preview of a rule with three conditions, as the builder asks for it."""
    from django.conf import settings
    from django.test import Client
    from django_otp import DEVICE_ID_SESSION_KEY

    from apps.users import services as users

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(user)
    device = users.factor_begin(user=user)
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    client.get("/segments/new/")
    with walking(Walk(own="apps.segments")) as walk:
        answer = client.post("/segments/preview/", FORM, headers={"HX-Request": "true"})
    if answer.status_code != 200:
        raise SystemExit(f"The preview answered {answer.status_code}.")
    return walk


def message(made: Any, folder: Path) -> Walk:
    """A campaign to whoever is there, from its start to the server's answer."""
    from django.conf import settings

    from apps.campaigns import plans, selectors, services
    from apps.content import services as content
    from apps.core import actors
    from apps.delivery import services as delivery
    from apps.segments import services as segments
    from benchmarks import limits
    from benchmarks.letter import DESIGN

    segments.segment_save(
        actor=made.author,
        name="Adults",
        rule={"match": "all", "rules": [{"field": "age", "op": "at_least", "from": 18}]},
    )
    content.template_create(actor=made.author, name="News", data=DESIGN)
    sending = _either("apps.campaigns.services.sending", "apps.campaigns.sending")
    with limits.sink(folder) as port:
        settings.TRANSPORT_MAP = f"{DOMAIN}=+sink@127.0.0.1:{port}"
        spec = {"segment": "Adults", "template": "News", "purpose": "operations", "remuneration": "none"}
        campaign = services.campaign_save(actor=made.author, name="Walk", spec=spec).pk
        opened = selectors.opened(services.Campaign.objects.get(pk=campaign))
        plans.measure_unknown(actor=made.author, campaign=opened)
        plan = plans.plan_of(actor=made.author, campaign=opened)
        services.campaign_submit(actor=made.author, campaign_id=campaign, planned=plan.audience)
        services.campaign_approve(actor=made.reviewer, campaign_id=campaign)
        with walking(Walk()) as walk:
            sending.campaign_send(actor=made.author, campaign_id=campaign)
            sending.campaign_feed_all(actor=made.author, campaign_id=campaign)
            done = delivery.dispatch(actor=actors.system("dispatcher"), seconds=60)
    if done.sent < 1:
        raise SystemExit(f"Nothing was sent: {done}; the plan was {plan}")
    return walk


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.walks", description=__doc__)
    parser.add_argument("--rooms", action="store_true")
    chosen = parser.parse_args()
    from benchmarks import run

    run.prepare()
    from benchmarks import clinic

    with tempfile.TemporaryDirectory(prefix="carelane-walks-") as folder:
        walks = {"a date of birth": birth_date(Path(folder))}
        made = clinic.ready(0, Path(folder), lambda text: None)
        from apps.users.models import User

        walks["a rule"] = rule(User.objects.get(pk=int(made.author.id)))
        walks["a message"] = message(made, Path(folder))
    figures = {}
    for name, walk in walks.items():
        figures[name] = {"rooms": len(walk.rooms), "climbs": walk.climbs}
        if chosen.rooms:
            print(name, *walk.rooms, sep="\n  ")
    print(json.dumps(figures))


def _either(*names: str) -> Any:
    """The first module that is there: checkouts of other releases are walked by this file, too."""
    for name in names[:-1]:
        try:
            return import_module(name)
        except ImportError:
            continue
    return import_module(names[-1])


if __name__ == "__main__":
    main()
