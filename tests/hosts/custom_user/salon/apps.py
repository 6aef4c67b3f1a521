from django.apps import AppConfig


class SalonConfig(AppConfig):
    name = "tests.hosts.custom_user.salon"
    label = "salon"
