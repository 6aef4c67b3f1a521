from django.apps import AppConfig


class ClubConfig(AppConfig):
    name = "tests.hosts.single_app.club"
    label = "club"
