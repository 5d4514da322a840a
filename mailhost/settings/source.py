"""Where all sections read their settings from: the environment, and `.env` beside manage.py."""

import os
from pathlib import Path

from mailhost.environment import Environment, read_dot_env

BASE = Path(__file__).resolve().parent.parent.parent
env = Environment(values={**read_dot_env(BASE / ".env"), **os.environ})
