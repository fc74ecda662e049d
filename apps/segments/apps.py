from django.apps import AppConfig


class SegmentsConfig(AppConfig):
    name = "apps.segments"
    label = "segments"

    def ready(self) -> None:
        from apps.contacts.attributes import usages as attribute_usages
        from apps.contacts.exports import services as exports
        from apps.segments import counting, panels, selectors

        panels.register()
        exports.register_source("segment", exports.Source(counting.everyone_in, selectors.name_of))
        attribute_usages.register_usage("segments", selectors.using_attributes)
