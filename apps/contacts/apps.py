from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "apps.contacts"
    label = "contacts"

    def ready(self) -> None:
        """The audit trail knows numbers; whom somebody means by a name is found here. And our parts of a merge."""
        from apps.audit import people
        from apps.contacts.merging import parts
        from apps.contacts.merging.services import own
        from apps.contacts.person import finding

        people.register(finding.FINDER)
        parts.register(*own.parts_of_contacts())
