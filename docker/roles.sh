#!/bin/bash
# Runs once, inside the database container: the four roles and what each may do, and nobody comes in unencrypted.
set -euo pipefail
# shellcheck disable=SC1091
source /run/secrets/database_roles
psql --set ON_ERROR_STOP=1 --username postgres --dbname carelane \
  --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" \
  --set audit="$AUDIT_PASSWORD" --set reader="$READER_PASSWORD" --file /roles.sql
# The image's last line lets everybody with a password in from the network, with TLS or without.
sed -i 's/^host all all all /hostssl all all all /' "$PGDATA/pg_hba.conf"
grep -q '^hostssl all all all ' "$PGDATA/pg_hba.conf"
