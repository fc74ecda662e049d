from django.apps import AppConfig


class ImportsConfig(AppConfig):
    name = "apps.imports"
    label = "imports"

    def ready(self) -> None:
        from apps.contacts.merging import parts
        from apps.imports.services import merging

        parts.register(*merging.PARTS)
