import fcntl
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from sycee.assembly.configuration import Configuration, QueueSettings
from sycee.assembly.secrets import NAMES, SIZE
from sycee.cli.doctor import disk, machine, network
from sycee.cli.doctor.findings import Finding, Grade
from sycee.runtime import secrets
from sycee.runtime.database.trial import Trial, try_disk
from tests.cli.ran import ran
from tests.system.platform import running

FREE_PORTS = ["--set", "port=0", "--set", "grpc_port=0", "--set", "internal_port=0"]


def looked(folder: Path, *words: str, **more: str) -> tuple[int, dict[str, Finding]]:
    """The doctor's exit status, and its findings by name."""
    data = ["--data", str(folder / "data")]
    done = ran(folder, "doctor", "--json", *data, *FREE_PORTS, *words, **more)
    findings = msgspec.json.decode(done.stdout, type=list[Finding])
    return done.returncode, {finding.name: finding for finding in findings}


def configuration(data: Path) -> Configuration:
    return Configuration(data=str(data), port=0, grpc_port=0, internal_port=0)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_fresh_folder_has_nothing_in_the_way_and_stays_empty(tmp_path: Path):
    status, findings = looked(tmp_path)
    assert status == 0, findings
    assert findings["secrets (dev)"].grade is Grade.OK
    assert list(tmp_path.iterdir()) == []


def test_people_read_a_line_per_finding_and_a_verdict(tmp_path: Path):
    done = ran(tmp_path, "doctor", "--data", "data", *FREE_PORTS)
    assert done.returncode == 0
    assert done.stdout.startswith("ok    python")
    assert done.stdout.endswith("\nNothing stands in the way.\n")


def test_production_without_secrets_fails_with_the_command_that_makes_them(tmp_path: Path):
    """SE7."""
    status, findings = looked(tmp_path, "--profile", "production")
    found = findings["secrets (production)"]
    assert (status, found.grade) == (1, Grade.FAIL)
    assert "card-fingerprint" in found.says
    assert f"./sycee secrets --data {tmp_path / 'data'}" in found.advice


def test_production_with_its_secrets_is_well(tmp_path: Path):
    assert ran(tmp_path, "secrets", "--data", "data").returncode == 0
    status, findings = looked(tmp_path, "--profile", "production")
    assert (status, findings["secrets (production)"].grade) == (0, Grade.OK)


@pytest.mark.parametrize("profile", ["dev", "production"])
def test_a_secret_that_strangers_can_read_fails(tmp_path: Path, profile: str):
    """SE7."""
    for name in NAMES:
        secrets.make(tmp_path / "data" / "secrets" / name, SIZE)
    (tmp_path / "data" / "secrets" / NAMES[0]).chmod(0o644)
    status, findings = looked(tmp_path, "--profile", profile)
    assert (status, findings[f"secrets ({profile})"].grade) == (1, Grade.FAIL)


def test_a_taken_port_fails_and_is_named(tmp_path: Path, taken: int):
    status, findings = looked(tmp_path, "--set", f"grpc_port={taken}")
    assert (status, findings["ports"].grade) == (1, Grade.FAIL)
    assert f"grpc_port 127.0.0.1:{taken}" in findings["ports"].says


def test_a_port_that_is_given_twice_fails(tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    status, findings = looked(tmp_path, "--set", f"port={free}", "--set", f"internal_port={free}")
    assert (status, findings["ports"].grade) == (1, Grade.FAIL)
    assert "internal_port" in findings["ports"].says


@pytest.mark.parametrize("setting", ["port=nine", "no.such.key=1"])
def test_an_invalid_configuration_fails_and_the_machine_is_looked_at(tmp_path: Path, setting: str):
    status, findings = looked(tmp_path, "--set", setting)
    assert (status, findings["configuration"].grade) == (1, Grade.FAIL)
    assert setting.partition("=")[0] in findings["configuration"].says
    assert findings["python"].grade is Grade.OK
    assert "ports" not in findings


def test_sources_of_the_configuration_are_told(tmp_path: Path):
    (tmp_path / "sycee.toml").write_text("[payments]\nsweep_every_s = 2.0\n")
    _, findings = looked(tmp_path, SYCEE_LOG_LEVEL="warning")
    says = findings["configuration"].says
    assert "sycee.toml (1)" in says
    assert "environment SYCEE_LOG_LEVEL (1)" in says
    assert "command line (4)" in says


def test_data_that_somebody_works_on_are_told_and_the_ports_left_alone(tmp_path: Path, taken: int):
    data = tmp_path / "data"
    data.mkdir()
    with (data / "ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, findings = looked(tmp_path, "--set", f"port={taken}")
    assert (status, findings["in use"].grade) == (0, Grade.WARN)
    assert findings["ports"].grade is Grade.OK


def test_a_running_platform_is_seen_by_its_locks_and_left_alone(tmp_path: Path):
    with running(tmp_path / "data", "one") as platform:
        status, findings = looked(tmp_path)
        assert (status, findings["in use"].grade) == (0, Grade.WARN)
        assert platform.client().v1.balance.retrieve().object == "balance"


def test_a_lock_that_nobody_holds_is_no_use(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ledger.lock").touch()
    _, findings = looked(tmp_path)
    assert findings["in use"].grade is Grade.OK


def test_a_data_directory_below_a_file_fails(tmp_path: Path):
    (tmp_path / "file").touch()
    found = [*disk.findings(configuration(tmp_path / "file" / "data"))]
    assert [finding.grade for finding in found] == [Grade.FAIL]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_directory_that_cannot_be_written_fails(tmp_path: Path):
    tmp_path.chmod(0o500)
    found = [*disk.findings(configuration(tmp_path))]
    assert [finding.grade for finding in found] == [Grade.FAIL]


def test_certificates_that_are_not_there_fail(tmp_path: Path):
    tls = [f"--set=tls.{name}={tmp_path / name}" for name in ("certificate", "key", "authority")]
    status, findings = looked(tmp_path, *tls)
    assert (status, findings["certificates"].grade) == (1, Grade.FAIL)


def test_a_queue_that_is_not_there_fails(tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        free = server.getsockname()[1]
    assert queue_grade(tmp_path, f"nats://127.0.0.1:{free}") is Grade.FAIL


@pytest.mark.parametrize(
    ("greeting", "grade"),
    [
        (b'INFO {"version":"2.12.0","jetstream":true}\r\n', Grade.OK),
        (b'INFO {"version":"2.12.0"}\r\n', Grade.FAIL),
        (b"SSH-2.0-OpenSSH\r\n", Grade.FAIL),
        (b"INFO nonsense\r\n", Grade.FAIL),
        (b"", Grade.FAIL),
    ],
)
def test_a_queue_is_judged_by_its_greeting(tmp_path: Path, greeting: bytes, grade: Grade):
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(greeting)

        thread = Thread(target=greet)
        thread.start()
        assert queue_grade(tmp_path, f"nats://127.0.0.1:{server.getsockname()[1]}") is grade
        thread.join()


def queue_grade(data: Path, url: str) -> Grade:
    wanted = msgspec.structs.replace(configuration(data), queue=QueueSettings(nats=url))
    (found,) = [found for found in network.findings(wanted) if found.name == "queue"]
    return found.grade


@pytest.mark.parametrize(
    ("trial", "grade"),
    [
        (Trial(True, 200, 0.1), Grade.OK),
        (Trial(True, 20, 0.5), Grade.WARN),
        (Trial(False, 200, 0.1), Grade.FAIL),
    ],
)
def test_a_disk_is_judged_by_its_log_and_its_speed(trial: Trial, grade: Grade):
    assert disk.graded(trial).grade is grade


def test_a_trial_of_a_disk_commits_and_leaves_nothing(tmp_path: Path):
    trial = try_disk(tmp_path, commits_max=5, within_s=60)
    assert (trial.has_wal, trial.commits) == (True, 5)
    assert list(tmp_path.iterdir()) == []


def test_a_trial_of_a_slow_disk_ends_in_time(tmp_path: Path):
    assert try_disk(tmp_path, commits_max=10**9, within_s=0.0).commits == 1


MOUNTS = """\
22 1 8:1 / / rw - ext4 /dev/sda1 rw
23 22 0:5 / /srv rw - nfs4 server:/srv rw
24 23 0:6 / /srv/fast rw - xfs /dev/sdb1 rw
25 22 0:7 / /with\\040space rw shared:1 - tmpfs tmpfs rw
26 24 0:8 / /srv/fast rw - btrfs /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib/sycee", "ext4"),
        ("/srv/sycee", "nfs4"),
        ("/srv/fast/sycee", "btrfs"),
        ("/srv/faster", "nfs4"),
        ("/with space/x", "tmpfs"),
    ],
)
def test_a_folder_lies_on_the_deepest_and_latest_mount(folder: str, kind: str):
    assert disk.file_system(Path(folder), MOUNTS) == kind


def test_a_clock_before_the_program_was_written_fails():
    assert machine._clock(0, 1_700_000_000).grade is Grade.FAIL
    assert machine._clock(1_700_000_001, 1_700_000_000).grade is Grade.OK


def test_a_package_that_is_not_there_is_named():
    assert machine._fault_of("sycee-no-such-package") is not None
    assert machine._fault_of("grpcio") is None


def test_the_server_of_the_queue_is_found_beside_python(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    found = machine.nats_server()
    assert found is None or Path(found).parent == Path(sys.executable).parent
