"""./run: what it installs when, what it says, and how it ends. Nothing is installed here."""

import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, at work in a folder of its own where everything is installed."""
    loader = importlib.machinery.SourceFileLoader("run_script", str(ROOT / "run"))
    spec = importlib.util.spec_from_loader("run_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    lists = {"run": tmp_path / "requirements.txt", "dev": tmp_path / "requirements-dev.txt"}
    for path in lists.values():
        path.write_text("django==5.2\n")
    for name, value in {"LISTS": lists, "STAMP": tmp_path / "stamp", "PYTHON": Path(sys.executable)}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_what_is_installed_is_not_installed_again_until_its_list_changes(run: ModuleType) -> None:
    assert not run.is_installed("run")
    run.STAMP.write_text(run.json.dumps(run.wanted("run")))
    assert run.is_installed("run")
    assert not run.is_installed("dev")
    run.LISTS["run"].write_text("django==5.3\n")
    assert not run.is_installed("run")


def test_the_tools_for_development_hold_what_runs(run: ModuleType) -> None:
    run.STAMP.write_text(run.json.dumps(run.wanted("dev")))
    assert run.is_installed("run")


def test_a_failing_step_shows_its_output(run: ModuleType) -> None:
    with pytest.raises(run.SetupFailed, match="installing failed:\nno such package"):
        run.attempt("installing", [sys.executable, "-c", "import sys; sys.exit('no such package')"])


def test_pip_that_is_absent_is_named_with_what_to_install(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run.sys, "executable", "/bin/false")
    monkeypatch.setattr(run, "TOOLS", Path("/nonexistent"))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(run.SetupFailed, match="apt-get install python3-pip"):
        run.find_uv()


def test_pip_is_not_sent_elsewhere_by_the_callers_settings(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example.org/simple")
    environment = run.installers_environment()
    assert "PIP_TARGET" not in environment
    assert environment["PIP_USER"] == "0"
    assert environment["UV_DEFAULT_INDEX"] == "https://packages.example.org/simple"


def fake_python(path: Path, *, seconds: float) -> Path:
    """Says that the work took so long."""
    path.write_text(f"#!/bin/sh\necho {seconds} 3.11.99 made up\n")
    path.chmod(0o755)
    return path


def test_the_systems_python_is_taken_where_it_is_clearly_faster(
    run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MAILHOST_PYTHON", raising=False)
    monkeypatch.setattr(run.sys, "executable", str(fake_python(tmp_path / "ours", seconds=0.018)))
    monkeypatch.setattr(run, "SYSTEM", fake_python(tmp_path / "theirs", seconds=0.012))
    assert run.chosen_python() == (str(tmp_path / "theirs"), "3.11.99 made up")
    assert "1.5 times as fast" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", [0.017, 0.018, 1.0])
def test_the_python_that_runs_it_is_kept_otherwise(
    run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.delenv("MAILHOST_PYTHON", raising=False)
    monkeypatch.setattr(run.sys, "executable", str(fake_python(tmp_path / "ours", seconds=0.018)))
    monkeypatch.setattr(run, "SYSTEM", fake_python(tmp_path / "theirs", seconds=seconds))
    assert run.chosen_python()[0] == str(tmp_path / "ours")
    monkeypatch.setattr(run, "SYSTEM", tmp_path / "nowhere")
    assert run.chosen_python()[0] == str(tmp_path / "ours")
    monkeypatch.setattr(run, "SYSTEM", Path("/bin/false"))
    assert run.chosen_python()[0] == str(tmp_path / "ours")


def test_the_python_that_is_asked_for_is_taken_or_named(
    run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.STAMP.write_text(run.json.dumps(run.wanted("run")))
    monkeypatch.setenv("MAILHOST_PYTHON", str(fake_python(tmp_path / "asked", seconds=9)))
    assert not run.is_installed("run")
    assert run.chosen_python() == (str(tmp_path / "asked"), "3.11.99 made up")
    monkeypatch.setenv("MAILHOST_PYTHON", "/nonexistent")
    with pytest.raises(run.SetupFailed, match="/nonexistent, which does not run"):
        run.chosen_python()


def test_a_python_without_all_of_its_library_is_left_alone(
    run: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAILHOST_PYTHON", raising=False)
    minimal = tmp_path / "minimal"
    hidden = "import sys; sys.modules['ssl'] = None; exec(sys.argv[1])"
    minimal.write_text(f'#!/bin/sh\nexec {sys.executable} $1 $2 $3 "{hidden}" "$4"\n')
    minimal.chmod(0o755)
    assert run.pace(str(minimal)) is None
    monkeypatch.setattr(run.sys, "executable", str(fake_python(tmp_path / "ours", seconds=9)))
    monkeypatch.setattr(run, "SYSTEM", minimal)
    assert run.chosen_python()[0] == str(tmp_path / "ours")


def test_the_pace_of_a_python_comes_with_its_version(run: ModuleType) -> None:
    seconds, version = run.pace(sys.executable)
    assert seconds > 0
    assert version == sys.version


def test_an_unknown_command_is_refused_with_the_known_ones() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "run"), "dance"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "up, test, check, bench, manage, help" in done.stderr


def test_help_needs_nothing_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "run"), "help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("./run test", "./run check", "./run bench", "./run manage"))
