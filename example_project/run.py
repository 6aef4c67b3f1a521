#!/usr/bin/env python
"""Build the example, tell its story, and serve its pages: ``python example_project/run.py``.

``--no-server`` stops after the story. The database is kept, so run it as often as you like; delete
``example_project/db.sqlite3`` to begin anew.
"""

import argparse
import os
import socket
import sys

from django.core.management import execute_from_command_line

HOST = "127.0.0.1"


def main() -> None:
    options = parse_arguments()
    if not options.no_server and is_taken(options.port):
        sys.exit(
            f"Port {options.port} is taken: stop what listens there, or choose one with --port."
        )
    os.environ["DJANGO_SETTINGS_MODULE"] = "example.settings"
    manage("migrate", "--verbosity=0")
    manage("load_demo")
    manage("story")
    print("\nmanage.py check_bookings: ", end="", flush=True)
    manage("check_bookings")
    if not options.no_server:
        serve(options.port)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Tell the example's story and serve its pages.")
    parser.add_argument("--no-server", action="store_true", help="stop after the story")
    parser.add_argument(
        "--port",
        type=port_number,
        default=os.environ.get("PORT", "8000"),
        help="where to serve them (default: the variable PORT, or 8000)",
    )
    return parser.parse_args()


def port_number(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: choose one from 1024 to 65535")


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As the server does it: a port whose last connection is only just closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def manage(*arguments: str) -> None:
    """Run a command of ``manage.py``; if it fails, so does this program."""
    execute_from_command_line(["manage.py", *arguments])


def serve(port: int) -> None:
    from clinic.management.commands.load_demo import LOGIN, PASSWORD

    site = f"http://{HOST}:{port}/"
    print(f"\nFor clients: {site}")
    print(f"The admin: {site}admin/   login: {LOGIN}   password: {PASSWORD}   (Ctrl-C stops it)\n")
    sys.stdout.flush()
    os.environ["DJANGO_RUNSERVER_HIDE_WARNING"] = "true"
    manage("runserver", "--noreload", "--skip-checks", f"{HOST}:{port}")


if __name__ == "__main__":
    main()
