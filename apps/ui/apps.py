from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "apps.ui"
    label = "ui"

    def ready(self) -> None:
        from apps.ui import form_words

        form_words.register()
