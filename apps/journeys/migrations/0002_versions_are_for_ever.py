"""The database refuses to change a version: whoever walks it walks what was activated."""

from django.db import migrations

CREATE = """
CREATE FUNCTION journeys_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A journey version cannot be changed' USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER journeys_version_is_immutable BEFORE UPDATE ON journeys_journeyversion
FOR EACH ROW EXECUTE FUNCTION journeys_version_is_immutable();
"""
DROP = """
DROP TRIGGER journeys_version_is_immutable ON journeys_journeyversion;
DROP FUNCTION journeys_version_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("journeys", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
