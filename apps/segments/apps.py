from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "apps.segments"
    label = "segments"

    def ready(self) -> None:
        from apps.contacts.exports import services as exports
        from apps.references import owners
        from apps.references.models import Noun
        from apps.segments import counting, panels, selectors

        panels.register()
        exports.register_source("segment", exports.Source(counting.everyone_in, selectors.name_of))
        owners.register(Noun.SEGMENT, selectors.names_of_users)
