"""`manage.py demo_mail`: run the demo's mailbox providers until stopped."""

from __future__ import annotations

import asyncio
import logging
import signal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core import clock
from apps.demo.mail import Servers, providers
from apps.mail.mx import parse_hosts


class Command(BaseCommand):
    help = "Run the demo's mail servers (goodmail, plainmail, oldmail and keymail .test) on loopback."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.DEMO_MAIL_PORT, help="the first of four ports")
        parser.add_argument(
            "--inbound",
            default=settings.INBOUND_SMTP or "127.0.0.1:8025",
            help="host:port of our receiver of inbound mail, for delivery reports",
        )

    def handle(self, *args: Any, port: int, inbound: str, **options: Any) -> None:
        # A refused handshake is what these servers are for; its tracebacks would only frighten.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)
        asyncio.run(self._run(Servers(Path(settings.CARELANE_HOME), clock.now, port, parse_hosts(inbound))))

    async def _run(self, servers: Servers) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        try:
            await servers.start()
        except OSError as error:
            await servers.stop()
            raise CommandError(
                f"A port from {servers.base_port} on is in use. Stop the other demo, or set CARELANE_DEMO_MAIL_PORT."
            ) from error
        for provider in providers(servers.base_port):
            self.stdout.write(f"{provider.domain} on 127.0.0.1:{provider.port}")
        self.stdout.flush()
        await stop.wait()
        await servers.stop()
