from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "tests.hosts.default.providers"
    label = "providers"
