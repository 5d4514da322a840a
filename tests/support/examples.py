"""How many examples Hypothesis tries: few in every run, many by command.

FUZZ=100 ./run test tests/protocols
"""

import os
from typing import Any

import hypothesis

FACTOR = int(os.environ.get("FUZZ", "1"))


def examples(count: int, **words: Any) -> hypothesis.settings:
    """A decorator: so many examples, times FUZZ. Other words as hypothesis.settings has them."""
    return hypothesis.settings(max_examples=count * FACTOR, deadline=None, **words)
