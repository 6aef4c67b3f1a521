from django.apps import AppConfig


class OrgsConfig(AppConfig):
    name = "tests.hosts.turned_on.orgs"
    label = "orgs"
    default_auto_field = "django.db.models.BigAutoField"
