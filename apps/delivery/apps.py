from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "apps.delivery"
    label = "delivery"

    def ready(self) -> None:
        """Bring our sections of the person page, and the answers by mail that wait for staff."""
        from apps.contacts.merging import parts
        from apps.delivery import panels
        from apps.delivery.merging import services as merging
        from apps.delivery.returns.staff import ANSWERS_BY_MAIL
        from apps.inbox import waiting

        panels.register_all()
        waiting.register(ANSWERS_BY_MAIL)
        parts.register(*merging.parts_of_delivery())
