from django.apps import AppConfig


class ServicesConfig(AppConfig):
    name = "tests.hosts.default.services"
    label = "services"
