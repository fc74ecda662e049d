from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "apps.contacts"
    label = "contacts"

    def ready(self) -> None:
        """The audit trail knows numbers; whom somebody means by a name is found here."""
        from apps.audit import people
        from apps.contacts.person import finding

        people.register(finding.FINDER)
