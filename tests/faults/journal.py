"""Break the ledger's journal alone: cut its power, kill it, fail its disk, at every step."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from sycee.runtime import logs
from tests.faults.lab import campaign, recorded, strace
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.disk import CannotCut, Disk, disk
from tests.faults.lab.journalist import KINDS, found, opened
from tests.faults.lab.strace import CannotTrace
from tests.simulation.disk import MemoryDisk

ROOT = Path(__file__).parents[2]
LOAD_S_MAX = 0.3
START_S = 20.0
FOR_EVER = 10**9
RECORDED_APPENDS = 8
INJECTED_APPENDS = 4
DISK_FAULTS = ("fdatasync:error=EIO", "pwrite64:error=EIO", "pwrite64:error=ENOSPC")
POINTS_MAX = 400


def main(argv: Sequence[str]) -> int:
    """Run all parts that this machine allows, for each container."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--container", choices=KINDS, help="only this one")
    parser.add_argument("--part", choices=["steps", "disk", "kill", "power"], help="only this one")
    parser.add_argument("--cycles", type=int, default=20, help="kills, and cuts of the power")
    parser.add_argument("--mutant-cycles", type=int, default=5, help="0 leaves the proof out")
    parser.add_argument("--dice", type=int, default=4, help="throws for each step's power cut")
    parser.add_argument("--stride", type=int, default=5, help="fail every so-manyth write")
    options = campaign.read(parser, argv)
    logs.configure("faults", write=lambda line: None)
    run = Campaign("journal", options)
    for kind in [options.container] if options.container else KINDS:
        with contextlib.suppress(CannotTrace):
            if options.part in (None, "steps"):
                cut_at_every_step(run, kind, options.dice)
            if options.part in (None, "disk"):
                fail_at_calls(run, kind, options.stride)
        if options.part in (None, "kill"):
            kill_again_and_again(run, kind, options.cycles)
        with contextlib.suppress(CannotCut):
            if options.part in (None, "power"):
                cut_again_and_again(run, kind, options.cycles)
                if options.mutant_cycles:
                    run.found("mutant", missed(run, kind, options.mutant_cycles))
    return run.end()


class Journalist:
    """The process that writes, and what it has said; that lies on a disk that is never broken."""

    def __init__(self, kind: str, folder: Path, seed: int, is_careless: bool = False) -> None:
        self.folder = folder
        self._said = tempfile.NamedTemporaryFile(prefix="sycee-journal-")  # noqa: SIM115
        command = [*_command(kind, folder, seed, FOR_EVER), *(["careless"] if is_careless else [])]
        self._process = subprocess.Popen(
            command, env=_environment(), stdout=self._said, stderr=subprocess.PIPE
        )

    def wait_until_ready(self) -> None:
        """Until it has opened the journal; raises ``AssertionError`` with what it says."""
        deadline = time.monotonic() + START_S
        while not Path(self._said.name).read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                assert self._process.stderr is not None
                raise AssertionError(self._process.stderr.read().decode()[-1000:])
            time.sleep(0.002)

    def freeze(self) -> None:
        """Stop it where it stands."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def kept(self) -> int:
        """How many batches it has said to be kept."""
        lines = Path(self._said.name).read_text().splitlines(keepends=True)
        return max((int(line.split()[1]) for line in lines if line.endswith("\n")), default=0)


def kill_again_and_again(run: Campaign, kind: str, cycles: int) -> None:
    """Kill the writer at random moments."""
    dice = random.Random(f"{run.seed} kill {kind}")
    with campaign.scratch("journal") as scratch:
        for cycle in range(1, cycles + 1):
            writer = Journalist(kind, Path(scratch) / "data", run.seed)
            writer.wait_until_ready()
            time.sleep(dice.uniform(0.0, LOAD_S_MAX))
            writer.kill()
            run.counted["kills"] += 1
            if not _is_whole(run, f"{kind}, kill {cycle}", kind, writer):
                return
        run.at(cycles, cycles, f"{kind} killed")


def cut_again_and_again(run: Campaign, kind: str, cycles: int, is_careless: bool = False) -> None:
    """Cut the power of the writer's disk at random moments."""
    dice = random.Random(f"{run.seed} power {kind}")
    with campaign.scratch("journal") as scratch, disk(Path(scratch)) as broken:
        for cycle in range(1, cycles + 1):
            writer = Journalist(kind, broken.mounted / "data", run.seed, is_careless)
            _cut(broken, writer, dice)
            run.counted["cuts"] += 1
            if not _is_whole(run, f"{kind}, cut {cycle}", kind, writer):
                return
        run.at(cycles, cycles, f"{kind} cut")


def _cut(broken: Disk, writer: Journalist, dice: random.Random) -> None:
    try:
        writer.wait_until_ready()
        time.sleep(dice.uniform(0.0, LOAD_S_MAX))
        writer.freeze()
        broken.cut()
    finally:
        writer.kill()
    broken.come_back()


def missed(run: Campaign, kind: str, cycles: int) -> list[str]:
    """What is wrong with the campaign itself: that it does not see a careless writer's losses."""
    proof = Campaign(f"journal, with a careless writer of {kind}", run.options)
    cut_again_and_again(proof, kind, cycles, is_careless=True)
    if proof.violations:
        sys.stderr.write(f"the careless writer of {kind} was caught, as it must be\n")
        return []
    return [f"a writer of {kind} that does not wait for the disk passed {cycles} cuts"]


def cut_at_every_step(run: Campaign, kind: str, dice_count: int) -> None:
    """Record what a writer does, and cut the power after each step of it, in several ways."""
    strace.check_possible()
    with campaign.scratch("journal") as scratch:
        folder = Path(scratch) / "data"
        folder.mkdir()
        command = _command(kind, folder, run.seed, RECORDED_APPENDS)
        steps = recorded.record(command, folder, _environment())
        for number in range(dice_count):
            dice = random.Random(f"{run.seed} steps {kind} {number}")
            for step, (state, kept) in enumerate(recorded.replayed(steps, dice), 1):
                after = state.twin()
                after.lose_power()
                where = Path(scratch) / "cut"
                _lay_out(after, where)
                run.counted["cuts_at_steps"] += 1
                _compare(run, f"{kind}, cut after step {step}", kind, where, kept)
        run.at(len(steps), len(steps), f"{kind} cut at every step")


def fail_at_calls(run: Campaign, kind: str, stride: int) -> None:
    """Fail each sync once, and some writes: what was kept before is there, whatever came after."""
    strace.check_possible()
    for what in DISK_FAULTS:
        for nth in range(1, POINTS_MAX, 1 if "sync" in what else stride):
            with campaign.scratch("journal") as scratch:
                folder = Path(scratch) / "data"
                folder.mkdir()
                where = f"{kind}, {what} at {nth}"
                if not _fails(run, where, kind, folder, f"{what}:when={nth}"):
                    break
        run.at(nth, nth, f"{kind} {what}")


def _fails(run: Campaign, where: str, kind: str, folder: Path, inject: str) -> bool:
    """Whether the fault was met; whatever the writer made of it, nothing may be lost."""
    trace, call = folder.parent / "trace", inject.split(":")[0]
    tracing = ["strace", "-f", "-o", str(trace), "-e", f"trace={call}", "-e", f"inject={inject}"]
    writing = _command(kind, folder, run.seed, INJECTED_APPENDS)
    done = subprocess.run(
        [*tracing, *writing], env=_environment(), capture_output=True, text=True, check=False
    )
    is_met = "(INJECTED)" in trace.read_text()
    said = [int(line.split()[1]) for line in done.stdout.splitlines()]
    run.counted["disk_faults"] += is_met
    run.counted["disk_faults_that_stopped_it"] += done.returncode != 0
    _compare(run, where, kind, folder, max(said, default=0))
    return is_met


def _is_whole(run: Campaign, where: str, kind: str, writer: Journalist) -> bool:
    return _compare(run, where, kind, writer.folder, writer.kept())


def _compare(run: Campaign, where: str, kind: str, folder: Path, kept: int) -> bool:
    """Open what is left; whether all that was kept is there."""
    try:
        container = opened(kind, folder)
        try:
            count = found(container, run.seed)
        finally:
            container.close()
        assert count >= kept, f"{kept - count} of {kept} acknowledged batches are lost"
    except Exception as wrong:  # noqa: BLE001 - whatever it is, it is a finding
        run.found(where, [f"{type(wrong).__name__}: {wrong}"])
        return False
    run.counted["batches_max"] = max(run.counted["batches_max"], count)
    return True


def _lay_out(state: MemoryDisk, folder: Path) -> None:
    """Make a real folder of what is on a disk in memory."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name in state.names():
        (folder / name).write_bytes(state.content(name))


def _command(kind: str, folder: Path, seed: int, appends: int) -> list[str]:
    module = "tests.faults.lab.journalist"
    return [sys.executable, "-m", module, kind, str(folder), str(seed), str(appends)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
