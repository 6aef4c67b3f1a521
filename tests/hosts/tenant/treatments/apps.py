from django.apps import AppConfig


class TreatmentsConfig(AppConfig):
    name = "tests.hosts.tenant.treatments"
    label = "treatments"
