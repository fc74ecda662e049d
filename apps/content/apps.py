from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "apps.content"
    label = "content"

    def ready(self) -> None:
        """Say which templates merge an own attribute."""
        from apps.contacts.attributes import usages
        from apps.content import selectors

        usages.register_usage("content", selectors.using_attributes)
