from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "tests.hosts.custom_user.accounts"
    label = "accounts"
