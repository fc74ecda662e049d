from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "apps.contacts"
    label = "contacts"

    def ready(self) -> None:
        """The audit trail knows numbers: whom somebody means by a name is found here. Own labs join the presets, and
        our parts of a merge are named.
        """
        from apps.audit import people
        from apps.contacts.labs import catalog
        from apps.contacts.merging import parts
        from apps.contacts.merging.services import own
        from apps.contacts.person import finding
        from apps.contacts.timeline import results

        people.register(finding.FINDER)
        parts.register(*own.parts_of_contacts())
        results.LABS.own = catalog.own
