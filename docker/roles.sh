#!/bin/bash
# Runs once, inside the database container: the four roles and what each may do (apps/installation/embedded_servers.py says the same).
set -euo pipefail
# shellcheck disable=SC1091
source /run/secrets/database_roles
psql --set ON_ERROR_STOP=1 --username postgres --dbname carelane \
  --set owner="$OWNER_PASSWORD" --set app="$APP_PASSWORD" \
  --set audit="$AUDIT_PASSWORD" --set reader="$READER_PASSWORD" <<'SQL'
CREATE ROLE carelane_owner LOGIN PASSWORD :'owner';
CREATE ROLE carelane_app LOGIN PASSWORD :'app';
CREATE ROLE carelane_audit LOGIN PASSWORD :'audit';
CREATE ROLE carelane_reader LOGIN PASSWORD :'reader';
ALTER DATABASE carelane OWNER TO carelane_owner;
ALTER SCHEMA public OWNER TO carelane_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO carelane_app, carelane_audit, carelane_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO carelane_app;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO carelane_app;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT SELECT ON TABLES TO carelane_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT SELECT ON SEQUENCES TO carelane_reader;
SQL
