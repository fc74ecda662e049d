-- The four roles of an installation and what each may do, in a database of its own that is empty. Run once, as the server's
-- administrator (a superuser, or a managed database's: somebody who may create roles and owns the database):
--
--   createdb carelane
--   psql --dbname carelane --set owner=… --set app=… --set audit=… --set reader=… --file docker/roles.sql
--
-- with a password for each role (openssl rand -hex 24). apps/installation/embedded_servers.py says the same for the demo. Rights
-- on single tables (who may write the audit trail) are set by the migrations, which run as carelane_owner.
\set ON_ERROR_STOP on
CREATE ROLE carelane_owner LOGIN PASSWORD :'owner';
CREATE ROLE carelane_app LOGIN PASSWORD :'app';
CREATE ROLE carelane_audit LOGIN PASSWORD :'audit';
CREATE ROLE carelane_reader LOGIN PASSWORD :'reader';
-- Who is no superuser hands over only to a role whose member they are.
GRANT carelane_owner TO CURRENT_USER;
ALTER SCHEMA public OWNER TO carelane_owner;
ALTER DATABASE :"DBNAME" OWNER TO carelane_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO carelane_app, carelane_audit, carelane_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO carelane_app;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO carelane_app;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT SELECT ON TABLES TO carelane_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE carelane_owner IN SCHEMA public GRANT SELECT ON SEQUENCES TO carelane_reader;
REVOKE carelane_owner FROM CURRENT_USER;
