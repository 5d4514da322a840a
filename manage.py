#!/usr/bin/env python3
"""Django's command line for this project; `./run manage …` calls it in the right environment."""

import os
import sys
from pathlib import Path

from mailhost.embedded.surroundings import prepare
from mailhost.environment import SettingInvalid, read_dot_env

BASE = Path(__file__).resolve().parent


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailhost.settings")
    try:
        if sys.argv[1:2] == ["up"]:
            prepare(os.environ, dot_env=read_dot_env(BASE / ".env"), base=BASE)
        if sys.argv[1:] == ["up"]:  # without Django, whose import would double the time to the start
            from mailhost.embedded import host

            return host.main()
        from django.core.management import execute_from_command_line

        # Before any task is declared: shared tasks belong to the application that exists by then.
        import mailhost.celery  # noqa: F401

        execute_from_command_line(sys.argv)
    except SettingInvalid as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
