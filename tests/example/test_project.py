from __future__ import annotations

from tests.example.conftest import Run


def test_the_system_checks_have_nothing_to_say(run: Run) -> None:
    done = run("manage.py", "check", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "System check identified no issues (0 silenced)."


def test_the_clinics_migrations_are_complete(run: Run) -> None:
    assert run("manage.py", "migrate", "--verbosity=0").returncode == 0

    done = run("manage.py", "makemigrations", "--check", "--dry-run")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No changes detected" in done.stdout
