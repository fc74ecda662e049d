from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "apps.tracking"
    label = "tracking"

    def ready(self) -> None:
        from apps.contacts.merging import parts

        parts.register(
            parts.stays("tracking.Click.person", why="What a click tells goes to the timeline of the kept person.")
        )
