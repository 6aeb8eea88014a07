"""The starter, run for real in scratch folders whose locks are empty, so that no index is asked."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable).resolve()
TOOLS = ("sh", "cksum", "readlink", "id", "rm", "mv", "tail", "dirname")
CLI = '"""Echo."""\nimport sys, sycee\nprint(sys.argv[1:], sycee.__file__, sys.version_info[:2])\n'
CHECK = '"""Echo."""\nimport sys\nprint("check", sys.argv[1:])\n'
BARE = (
    '#!/bin/sh\ncase "$*" in *realpath*) echo "$0" ;; *ensurepip*) exit 1 ;;'
    f' *) exec {PYTHON} "$@" ;; esac\n'
)
"""A Python such as Debian's without python3-venv."""


class Scratch:
    """A folder like a fresh clone, and a PATH on which only what is put there is found."""

    def __init__(self, folder):
        self.root = folder / "a clone"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for path, text in {
            "src/sycee/__init__.py": "",
            "src/sycee/cli.py": CLI,
            "tools/__init__.py": "",
            "tools/check.py": CHECK,
            "requirements.lock": "# nothing\n",
            "requirements-dev.lock": "# nothing more\n",
        }.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        shutil.copy(ROOT / "sycee", self.root / "sycee")

    def with_python(self, name="python3", script=None):
        """Put a Python on the PATH: this one, or a script in its place."""
        path = self.bin / name
        path.write_text(script or f'#!/bin/sh\nexec {PYTHON} "$@"\n')
        path.chmod(0o755)
        return self

    def begin(
        self,
        *arguments,
        starter=None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        **environment,
    ):
        return subprocess.Popen(
            [str(starter or self.root / "sycee"), *arguments],
            cwd=cwd,
            env={"PATH": str(self.bin), "HOME": str(self.root.parent), **environment},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )

    def run(self, *arguments, **options):
        process = self.begin(*arguments, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder after its first start."""
    made = Scratch(tmp_path_factory.mktemp("template")).with_python()
    assert made.run("up")[0] == 0
    return made


@pytest.fixture
def installed(template, scratch):
    """A copy of that, which tests may break; an environment can be copied as a folder can."""
    shutil.copytree(template.root / ".venv", scratch.root / ".venv", symlinks=True)
    return scratch.with_python()


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_every_shell_can_read_the_starter(shell):
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    subprocess.run([shell, "-n", str(ROOT / "sycee")], check=True)


def test_the_first_start_installs_and_the_next_does_not(scratch, tmp_path):
    scratch.with_python()
    status, out, err = scratch.run("up", "a b")
    assert (status, out.split("]")[0]) == (0, "['up', 'a b'")
    assert "installing requirements.lock" in err
    assert "installed." in err

    link = tmp_path / "link"
    link.symlink_to("a clone/sycee")
    status, again, err = scratch.run("up", "a b", starter=link, cwd=tmp_path)
    assert (status, again, err) == (0, out, "")


def test_a_moved_folder_still_starts(installed):
    moved = installed.root.rename(installed.root.with_name("moved"))
    status, out, err = installed.run("up", starter=moved / "sycee")
    assert (status, err) == (0, "")
    assert str(moved / "src") in out


def test_a_changed_lock_is_installed(installed):
    (installed.root / ".venv" / "leftover").touch()
    (installed.root / "requirements.lock").write_text("# other\n")
    status, _, err = installed.run("up")
    assert status == 0
    assert "installing requirements.lock" in err
    assert not (installed.root / ".venv" / "leftover").exists()


def test_developers_commands_add_to_the_runtime_and_serve_users_too(installed):
    (installed.root / ".venv" / "kept").touch()
    status, out, err = installed.run("check", "-x")
    assert (status, out) == (0, "check ['-x']\n")
    assert "installing requirements-dev.lock" in err
    assert (installed.root / ".venv" / "kept").exists()
    assert installed.run("up")[2] == ""
    assert installed.run("check")[2] == ""


def test_an_installation_that_fails_says_so_and_counts_as_none(scratch):
    scratch.with_python()
    (scratch.root / "requirements.lock").write_text(f"absent==1 --hash=sha256:{'0' * 64}\n")
    status, out, err = scratch.run("up", PIP_NO_INDEX="1")
    assert (status, out) == (1, "")
    assert "Installing failed" in err
    assert "absent" in err
    assert not (scratch.root / ".venv" / "installed").exists()


def test_an_interrupted_installation_is_redone(installed):
    (installed.root / ".venv" / "installed").unlink()
    (installed.root / ".venv" / "half").touch()
    status, _, err = installed.run("up")
    assert status == 0
    assert "installing" in err
    assert not (installed.root / ".venv" / "half").exists()


def test_two_first_starts_at_once_install_once(scratch):
    scratch.with_python()
    both = [scratch.begin("up"), scratch.begin("up")]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("installing" in err for _, err in told) == 1
    assert all(out.startswith("['up']") for out, _ in told)


def test_modules_of_the_callers_folder_and_environment_do_not_shadow_ours(installed, tmp_path):
    (tmp_path / "sycee.py").write_text("raise SystemExit('shadowed')\n")
    status, out, _ = installed.run("up", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert status == 0
    assert str(installed.root / "src") in out


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 127\n", "#!/bin/sh\nexit 0\n"])
def test_without_a_fitting_python_it_names_what_to_install(scratch, script):
    """No Python, one that does not run, and one that is too old (it prints no path)."""
    if script is not None:
        scratch.with_python(script=script)
    status, _, err = scratch.run("up")
    assert status == 1
    assert "Python 3.11 or later is needed." in err
    if Path("/etc/debian_version").exists():
        assert "apt-get install python3-venv" in err


def test_a_later_name_is_tried_when_the_first_does_not_fit(scratch):
    scratch.with_python(script="#!/bin/sh\nexit 127\n").with_python("python3.11", BARE)
    assert "/python3.11 cannot make virtual environments" in scratch.run("up")[2]


def test_a_named_python_that_does_not_fit_is_not_replaced(scratch):
    status, _, err = scratch.with_python().run("up", SYCEE_PYTHON="/no/such/python")
    assert status == 1
    assert "SYCEE_PYTHON=/no/such/python" in err


def test_without_venv_it_names_what_to_install(scratch):
    status, _, err = scratch.with_python(script=BARE).run("up")
    assert status == 1
    assert "cannot make virtual environments" in err
    if Path("/etc/debian_version").exists():
        assert "apt-get install python3-venv" in err


@pytest.mark.skipif(
    os.getuid() != 0 or not Path("/etc/debian_version").exists(), reason="only root on Debian"
)
@pytest.mark.parametrize(("answer", "installs"), [("y", True), ("", True), ("n", False)])
def test_on_a_terminal_root_is_offered_the_package(scratch, answer, installs):
    scratch.with_python(script=BARE)
    scratch.with_python("apt-get", '#!/bin/sh\necho "$@" >>"$HOME/asked"\nexit 100\n')
    ours, theirs = pty.openpty()
    process = scratch.begin("up", stdin=theirs, stderr=theirs)
    os.write(ours, f"{answer}\n".encode())
    assert process.wait(60) == 1
    assert b"now? [Y/n]" in os.read(ours, 10_000)
    os.close(ours)
    os.close(theirs)
    assert (scratch.root.parent / "asked").exists() == installs


def test_uv_is_used_where_it_works_and_pip_where_it_does_not(scratch):
    scratch.with_python()
    scratch.with_python("uv", "#!/bin/sh\n[ $1 = --version ] || { echo no index; exit 2; }\n")
    status, _, err = scratch.run("up")
    assert (status, "installed." in err) == (0, True)
    assert "no index" in (scratch.root / ".venv.log").read_text()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_of_somebody_else_is_named(scratch):
    scratch.with_python().root.chmod(0o555)
    status, _, err = scratch.run("up")
    assert status == 1
    assert "is not writable" in err
