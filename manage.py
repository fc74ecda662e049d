#!/usr/bin/env python
"""Carelane's command line. Without DATABASE_URL and REDIS_URL it starts the embedded servers when they are down."""

import os
import sys

# These neither read nor write the database (demo_mail plays other people's servers, with a home of its own in tests).
WITHOUT_DATABASE = {"help", "--help", "-h", "--version", "collectstatic", "create_keys", "demo_mail", "servers"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import BaseCommand, ManagementUtility

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    # "demo --stop" asks no database, and must not start servers only to stop them.
    idle = command in WITHOUT_DATABASE or "--help" in sys.argv or sys.argv[1:3] == ["demo", "--stop"]
    try:
        own_servers = settings.EMBEDDED
    except ImproperlyConfigured as error:  # what a start in production refuses, as a sentence for whoever deploys
        print(error, file=sys.stderr)
        sys.exit(2)
    if own_servers and not idle:
        from apps.installation import embedded_servers

        try:
            embedded_servers.ensure_running(own_servers)
        except embedded_servers.EmbeddedServerError as error:
            print(error, file=sys.stderr)
            sys.exit(1)

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            try:
                return super().fetch_command(subcommand)
            except SystemExit:  # an unknown name: wrong use ends with 2 here, and with 1 in Django
                sys.exit(2)

    Utility(sys.argv).execute()


if __name__ == "__main__":
    main()
