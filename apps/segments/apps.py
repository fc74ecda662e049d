from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "apps.segments"
    label = "segments"

    def ready(self) -> None:
        from apps.contacts import sources
        from apps.references import owners
        from apps.references.models import Noun
        from apps.segments import counting, panels, selectors

        panels.register()
        sources.register_source("segment", sources.Source(counting.everyone_in, selectors.name_of, selectors.level_of))
        owners.register(Noun.SEGMENT, selectors.names_of_users)
