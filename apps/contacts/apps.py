from django.apps import AppConfig


class ContactsConfig(AppConfig):
    name = "apps.contacts"
    label = "contacts"

    def ready(self) -> None:
        """The audit trail knows numbers: whom somebody means by a name is found here. Own labs join the presets."""
        from apps.audit import people
        from apps.contacts.labs import catalog
        from apps.contacts.person import finding
        from apps.contacts.timeline import results

        people.register(finding.FINDER)
        results.LABS.own = catalog.own
