from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        """Bring our sections of the person page."""
        from apps.delivery import panels

        panels.register_all()
