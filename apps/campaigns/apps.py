from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "apps.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from apps.campaigns import selectors
        from apps.campaigns.left_out import left_out
        from apps.campaigns.services import merging
        from apps.campaigns.source import CampaignSource
        from apps.contacts.merging import parts
        from apps.delivery.models.outbox import MessageKind
        from apps.delivery.send import sources
        from apps.references import owners
        from apps.references.models import Noun
        from apps.segments import naming

        owners.register(Noun.CAMPAIGN, selectors.names_of_users)
        campaigns = naming.Campaigns(selectors.ids_by_name, selectors.names_by_id, selectors.every_name)
        naming.register_campaigns("campaigns", campaigns)
        sources.register(MessageKind.CAMPAIGN, CampaignSource(), selectors.names_by_id, left_out)
        parts.register(merging.PART)
