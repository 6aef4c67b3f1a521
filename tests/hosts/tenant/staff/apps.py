from django.apps import AppConfig


class StaffConfig(AppConfig):
    name = "tests.hosts.tenant.staff"
    label = "staff"
