"""``demo``: everything, with invented patients."""

from __future__ import annotations

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.urls import reverse

from apps.core import clock
from apps.demo import guests, staff, world
from apps.demo.supervisor import Supervisor
from config import embedded


class Command(BaseCommand):
    help = "Load the invented clinic, start every part, print the address and the sign-ins. Ctrl-C stops all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="127.0.0.1:8000", help="where the web process listens")
        parser.add_argument("--stop", action="store_true", help="stop what another shell started")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(options["address"])
        if options["stop"]:
            running = supervisor.stop_recorded()
            if settings.EMBEDDED:
                embedded.stop(settings.EMBEDDED)
            self.stdout.write("Stopped." if running else "Nothing was running.")
            return
        supervisor.stop_recorded()
        staff.create_missing()
        call_command("demo_data", verbosity=0)
        world.load(now=clock.now(), site=f"http://{options['address']}{reverse('demo:clinic')}")
        guests_come = guests.awaited()
        lines = [
            f"  {entry.member.email:24} {entry.member.role.word:14} TOTP {entry.secret}" for entry in staff.sign_ins()
        ]
        for alias in connections:
            connections[alias].close()
        try:
            supervisor.start()
            if guests_come:
                supervisor.errand("guests", "demo_guests")
        except RuntimeError as error:
            supervisor.stop()
            raise CommandError(str(error)) from None
        self.stdout.write(
            "\n".join(
                [
                    "",
                    f"  Carelane runs at   http://{options['address']}/",
                    f"  Current codes      http://{options['address']}/demo/codes/",
                    f"  Demo mailboxes     http://{options['address']}/demo/mailboxes/",
                    "",
                    f"  Password of all    {staff.PASSWORD}",
                    *lines,
                    "",
                    "  Ctrl-C stops everything (or 'make stop' from another shell).",
                    "",
                ]
            )
        )
        self.stdout.flush()
        supervisor.watch()
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.stop()
        if settings.EMBEDDED and not os.environ.get("CARELANE_KEEP_SERVERS"):
            embedded.stop(settings.EMBEDDED)
