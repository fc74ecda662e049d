from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "apps.journeys"
    label = "journeys"

    def ready(self) -> None:
        """Answer the apps below: delivery for messages, content and segments for where they are used."""
        from apps.contacts.merging import parts
        from apps.delivery.models.outbox import MessageKind
        from apps.delivery.send import sources
        from apps.journeys import selectors
        from apps.journeys.outgoing import JourneySource, kept_back
        from apps.journeys.services import merging
        from apps.references import owners
        from apps.references.models import Noun

        sources.register(MessageKind.JOURNEY, JourneySource(), selectors.names_by_id, kept_back)
        owners.register(Noun.JOURNEY, selectors.names_of_users)
        parts.register(merging.PART)
