from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "apps.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from apps.campaigns import selectors
        from apps.campaigns.left_out import left_out
        from apps.campaigns.source import CampaignSource
        from apps.content import usage
        from apps.delivery.models.outbox import MessageKind
        from apps.delivery.send import sources
        from apps.segments import usages

        usages.register_usage("campaigns", selectors.uses_of_segment)
        usages.register_campaigns("campaigns", selectors.ids_by_name)
        usage.register(selectors.uses_of_template)
        sources.register(MessageKind.CAMPAIGN, CampaignSource(), selectors.names_by_id, left_out)
