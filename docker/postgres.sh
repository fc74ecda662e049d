#!/bin/bash
# PostgreSQL takes its private key only from a file of its own user, and compose mounts secrets as they lie on the host.
set -euo pipefail
install --owner=postgres --mode=0600 /run/secrets/postgres_key /run/postgres.key
exec docker-entrypoint.sh "$@"
