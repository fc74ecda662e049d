from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "apps.journeys"
    label = "journeys"

    def ready(self) -> None:
        """Answer delivery for messages of journeys."""
        from apps.delivery import sources
        from apps.delivery.models.outbox import MessageKind
        from apps.journeys.outgoing import JourneySource

        sources.register(MessageKind.JOURNEY, JourneySource())
