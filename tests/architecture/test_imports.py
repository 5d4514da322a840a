"""Who may import whom: the contracts in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.code import ROOT


def test_the_import_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
