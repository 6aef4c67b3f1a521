from django.apps import AppConfig


class WorkshopConfig(AppConfig):
    name = "tests.hosts.late_model.workshop"
    label = "workshop"
