from django.apps import AppConfig


class ClinicsConfig(AppConfig):
    name = "tests.hosts.tenant.clinics"
    label = "clinics"
