"""Prints docs/conformance.md."""

import sys

from tests.conformance.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
