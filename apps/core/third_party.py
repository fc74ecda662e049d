"""Tables of libraries, sorted like our own. Imported by ``CoreConfig.ready``."""

from apps.core.classification import Kind, classify_third_party

P, S = Kind.PLAIN, Kind.SECRET


def register() -> None:
    """Name every field of every library table that exists in the database."""
    classify_third_party("auth.Permission", "code names of models", id=P, name=P, content_type=P, codename=P)
    classify_third_party("auth.Group", "unused: roles are a field of the user", id=P, name=P, permissions=P)
    classify_third_party("contenttypes.ContentType", "code names of models", id=P, app_label=P, model=P)
    classify_third_party(
        "sessions.Session",
        "a keyed token and a sealed value in base64: ``apps.users.sessions``",
        session_key=S,
        session_data=P,
        expire_date=P,
    )
    classify_third_party(
        "account.EmailAddress",
        "stays empty: staff addresses are sealed in users.User",
        id=P,
        user=P,
        email=P,
        verified=P,
        primary=P,
    )
    classify_third_party(
        "account.EmailConfirmation",
        "stays empty: no e-mail verification by this library",
        id=P,
        email_address=P,
        created=P,
        sent=P,
        key=S,
    )
    classify_third_party(
        "auditlog.LogEntry",
        "configuration models without sealed or personal fields only; a test says so",
        id=P,
        content_type=P,
        object_pk=P,
        object_id=P,
        object_repr=P,
        serialized_data=P,
        action=P,
        changes_text=P,
        changes=P,
        actor=P,
        cid=P,
        remote_addr=P,
        remote_port=P,
        timestamp=P,
        additional_data=P,
        actor_email=P,
    )
