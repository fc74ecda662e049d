from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "apps.content"
    label = "content"

    def ready(self) -> None:
        """Say what templates are called that use something."""
        from apps.content import uses
        from apps.references import owners
        from apps.references.models import Noun

        owners.register(Noun.TEMPLATE, uses.names)
