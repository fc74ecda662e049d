from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "apps.segments"
    label = "segments"

    def ready(self) -> None:
        from apps.contacts import usages as attribute_usages

        from . import panels, selectors

        panels.register()
        attribute_usages.register_usage("segments", selectors.using_attributes)
