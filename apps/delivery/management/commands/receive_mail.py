"""Receives bounces, complaints and answers until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.delivery.returns.receiver import Receiver


class Command(BaseCommand):
    help = "Receive inbound mail: LMTP for the MX in front, SMTP on loopback for tests and the demo."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--lmtp", default=settings.INBOUND_LMTP, help="host:port or the path of a Unix socket")
        parser.add_argument("--smtp", default=settings.INBOUND_SMTP, help="host:port, loopback or private")

    def handle(self, *args: Any, lmtp: str, smtp: str, **options: Any) -> None:
        if not lmtp and not smtp:
            raise CommandError("Nothing to listen on: set CARELANE_LMTP_ADDRESS or CARELANE_INBOUND_SMTP_ADDRESS.")
        try:
            asyncio.run(self._serve(Receiver(lmtp=lmtp, smtp=smtp)))
        except (OSError, ValueError) as error:
            raise CommandError(_why(error, lmtp, smtp)) from None

    async def _serve(self, receiver: Receiver) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(name, stop.set)
        for place in await receiver.start():
            self.stdout.write(f"Receiving by {place}")
        self.stdout.flush()
        await stop.wait()
        await receiver.stop()


def _why(error: OSError | ValueError, lmtp: str, smtp: str) -> str:
    """Why nothing can be received, naming the place that is taken and what to set."""
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        for name, place in (("CARELANE_LMTP_ADDRESS", lmtp), ("CARELANE_INBOUND_SMTP_ADDRESS", smtp)):
            host, _, port = place.rpartition(":")
            if port.isdecimal() and port in str(error):
                return f"Port {port} on {host} is in use by another program. End it, or set another in {name}."
    return f"Cannot listen: {error}"
