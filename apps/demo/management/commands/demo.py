"""``demo``: everything, with invented patients."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django.urls import reverse

from apps.core import clock
from apps.demo import guests, history, ports, staff, world
from apps.demo.supervisor import Supervisor, terminate_as_interrupt
from apps.installation import embedded_servers

# Which ports this command moved by itself, across its own new beginnings: they may move again.
GIVEN_WAY = "CARELANE_DEMO_GIVEN_WAY"


class Command(BaseCommand):
    help = "Load the invented clinic, start every part, print the address and the sign-ins. Ctrl-C stops all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default="127.0.0.1:8000", help="where the web process listens")
        parser.add_argument("--stop", action="store_true", help="stop what another shell started")

    def handle(self, *args: Any, **options: Any) -> None:
        supervisor = Supervisor(options["address"])
        self.claims = ports.Claims()
        if options["stop"]:
            running = supervisor.stop_other()
            if settings.EMBEDDED:
                embedded_servers.stop(settings.EMBEDDED)
            self.stdout.write("Stopped." if running else "Nothing was running.")
            return
        if not supervisor.take():
            self.stdout.write(_is_running(supervisor.other()[1]))
            return
        supervisor.stop_recorded()
        try:
            with terminate_as_interrupt():
                self._look_at_ports(options["address"])
                self._run(supervisor, options["address"])
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        except RuntimeError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise CommandError("Another program took one of the mail ports meanwhile. Start again.") from None
        finally:
            # A second Ctrl-C must not leave half of it running.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            supervisor.stop()
            if settings.EMBEDDED and not os.environ.get("CARELANE_KEEP_SERVERS"):
                embedded_servers.stop(settings.EMBEDDED)

    def _look_at_ports(self, address: str) -> None:
        """Refuse a taken address in a sentence; begin anew with other mail ports where the usual ones are taken."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise CommandError(f"{address} is not host:port, like 127.0.0.1:8010.")
        if not self.claims.claim(host.strip("[]"), int(port)):
            raise CommandError(
                f"Port {port} on {host} is in use by another program. Choose another: make demo ADDRESS={host}:8010"
            )
        given_way = os.environ.get(GIVEN_WAY, "").split()
        try:
            moved = ports.moved(
                mail=settings.DEMO_MAIL_PORT,
                lmtp=settings.INBOUND_LMTP,
                inbound=settings.INBOUND_SMTP,
                chosen={name: value for name, value in os.environ.items() if name not in given_way},
                free=self.claims.claim,
            )
        except ports.PortTaken as taken:
            raise CommandError(str(taken)) from None
        if moved:
            moved[GIVEN_WAY] = " ".join(sorted({*given_way, *moved}))
            self.stdout.write("Another program has the usual mail ports; taking others.")
        if f"http://{address}" != settings.PUBLIC_URL:
            # Links in what went out in the months before are made in this process, those of today in the parts.
            moved["CARELANE_URL"] = f"http://{address}"
        if moved:
            # The settings are read once, so this process starts over; the lock goes and comes with it.
            # What was claimed is free for a moment then: this process looks again, and so does whoever took it.
            self.stdout.flush()
            os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **moved})  # noqa: S606

    def _run(self, supervisor: Supervisor, address: str) -> None:
        # What "make setup" does, in this process: starting Python three times would be most of a second start.
        call_command("create_keys", verbosity=0, stdout=io.StringIO())
        call_command("migrate", verbosity=0)
        staff.create_missing()
        world.sender()
        call_command("demo_data", verbosity=0)
        world.load(now=clock.now(), site=f"http://{address}{reverse('demo:clinic')}")
        history.load(now=clock.now())
        guests_come = guests.awaited()
        lines = [
            f"  {entry.member.email:24} {entry.member.role.word:14} TOTP {entry.secret}" for entry in staff.sign_ins()
        ]
        for alias in connections:
            connections[alias].close()
        # Loading the world takes minutes the first time, in which another demo may have come up.
        self._look_at_ports(address)
        supervisor.start()
        if guests_come:
            supervisor.errand("guests", "demo_guests")
        self.stdout.write(
            "\n".join(
                [
                    "",
                    f"  Carelane runs at   http://{address}/",
                    f"  Current codes      http://{address}/demo/codes/",
                    f"  Demo mailboxes     http://{address}/demo/mailboxes/",
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


def _is_running(address: str) -> str:
    where = f" at http://{address}/" if address else ""
    return f"Carelane runs already{where}. 'make stop' stops it."
