from django.apps import AppConfig


class InboxConfig(AppConfig):
    name = "apps.inbox"
    label = "inbox"

    def ready(self) -> None:
        """What waits that the inbox knows itself; other apps register theirs."""
        from apps.contacts.merging import parts
        from apps.inbox import own_waiting, services, waiting

        waiting.register(own_waiting.Tasks())
        waiting.register(own_waiting.PENDING_CHANGES)
        waiting.register(own_waiting.HELD_VISITS)
        waiting.register(own_waiting.DUPLICATES)
        parts.register(services.MERGING)
