"""The developers' commands: what they run, and what they answer when it fails."""

import pytest

from tools import bench, faults, lock, programs, test

PROGRAM = (
    '"""Count to {0}.\n\nSlowly."""\nimport sys\nif __name__ == "__main__":\n    sys.exit({0})\n'
)


@pytest.fixture
def folder(tmp_path):
    for name, text in {
        "one.py": PROGRAM.format(1),
        "nothing.py": PROGRAM.format(0),
        "part.py": '"""No program."""\n',
        "silent.py": 'if __name__ == "__main__":\n    pass\n',
    }.items():
        (tmp_path / "faults").mkdir(exist_ok=True)
        (tmp_path / "faults" / name).write_text(text)
    return tmp_path


def test_programs_are_found_by_their_docstrings(folder):
    known = programs.found("faults", folder)
    assert known == {"nothing": "Count to 0.", "one": "Count to 1."}
    assert programs.listing(known) == "  nothing  Count to 0.\n  one      Count to 1."
    assert programs.found("faults", folder, using="exit(0)").keys() == {"nothing"}
    assert programs.found("absent", folder) == {}


def test_a_program_runs_and_its_status_comes_back(folder):
    assert programs.run("faults", "nothing", [], folder) == 0
    assert programs.run("faults", "one", [], folder) == 1


def test_benchmarks_are_listed_without_their_parts(capsys):
    assert bench.main([]) == 0
    told = capsys.readouterr().out
    assert "  payments " in told
    assert "  machine " not in told
    assert "  floor " not in told


@pytest.mark.parametrize("command", [bench, faults])
def test_an_unknown_name_is_refused(command, capsys):
    assert command.main(["absent"]) == 2
    assert "absent" in capsys.readouterr().err


def test_campaigns_are_listed(capsys):
    assert faults.main([]) == 0
    assert "campaigns" in capsys.readouterr().out


def test_everything_is_run_with_coverage_and_without_the_slow():
    assert [name for name, _ in test.steps([])] == [
        "checks",
        "tests",
        "coverage of the rules",
        "kernel, uncompiled",
    ]
    assert test.steps([])[1][1][2:4] == ["-m", "not slow"]
    assert "not slow" not in test.steps(["--all"])[1][1]
    assert "--cov" in test.steps(["--all"])[1][1]


def test_a_choice_of_tests_is_run_without_coverage():
    assert test.steps(["--all", "tests/house", "-x"]) == [
        ("checks", ["-m", "tools.check"]),
        ("tests", ["-m", "pytest", "tests/house", "-x"]),
    ]


@pytest.mark.parametrize("broken", ["tools.check", "pytest", "report", "tools.uncompiled"])
def test_any_step_that_fails_fails_the_whole_after_all_have_run(broken, capsys):
    ran = []

    def run(command):
        ran.append(command)
        return int(broken in command)

    assert test.main([], run) == 1
    assert len(ran) == 4
    assert "FAILED" in capsys.readouterr().out


def test_all_well_is_said(capsys):
    assert test.main([], lambda command: 0) == 0
    assert "All well" in capsys.readouterr().out


def test_locks_are_made_without_local_settings():
    command = lock.command("requirements.lock", upgrade=False)
    assert "--no-config" in command
    assert "--generate-hashes" in command
    assert "--upgrade" not in command
    assert "--upgrade" in lock.command("requirements-dev.lock", upgrade=True)
