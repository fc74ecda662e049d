from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "apps.organizations"
    label = "organizations"

    def ready(self) -> None:
        from apps.core import clock
        from apps.organizations import selectors

        clock.register_clinic(selectors.zone)
