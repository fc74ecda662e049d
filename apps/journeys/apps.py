from django.apps import AppConfig


class JourneysConfig(AppConfig):
    name = "apps.journeys"
    label = "journeys"

    def ready(self) -> None:
        """Answer the apps below: delivery for messages, content and segments for where they are used."""
        from apps.contacts.attributes import usages as attribute_usages
        from apps.content import usage
        from apps.delivery.models.outbox import MessageKind
        from apps.delivery.send import sources
        from apps.journeys import selectors, usages
        from apps.journeys.outgoing import JourneySource
        from apps.segments import usages as segment_usages

        sources.register(MessageKind.JOURNEY, JourneySource(), selectors.names_by_id)
        usage.register(usages.of_template)
        segment_usages.register_usage("journeys", usages.of_segment)
        attribute_usages.register_usage("journeys", usages.using_attributes)
