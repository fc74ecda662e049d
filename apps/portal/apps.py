from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "apps.portal"
    label = "portal"

    def ready(self) -> None:
        from apps.contacts.changes.pending import register_correspondence
        from apps.contacts.merging import parts
        from apps.contacts.person import panels
        from apps.inbox import task_kinds, waiting
        from apps.portal import for_staff, panel, selectors
        from apps.portal.services import merging

        parts.register(*merging.PARTS)
        register_correspondence(selectors.with_account)
        panels.register(
            panels.Panel("portal", "Portal", "portal/panels/access.html", panel.portal_access, order=40, place="side")
        )
        task_kinds.register(for_staff.NotMe())
        waiting.register(for_staff.CONVERSATIONS)
