from django.apps import AppConfig


class StudioConfig(AppConfig):
    name = "tests.hosts.keys.studio"
    label = "studio"
