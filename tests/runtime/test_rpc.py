"""Calls between processes keep what the contract promises, whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from sycee.kernel.refusal import DeadlineExceeded, Unavailable
from sycee.kernel.u128 import U128, U128_MAX
from sycee.runtime import deadline, rpc, tls, trace
from sycee.services.payments.contract import Payments
from tests.runtime.sample import Nothing, Number, Sample, Service, TooRude, Word

ROOT = Path(__file__).parents[2]
HELLO = Word("hello")


class Child:
    """The sample service in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port

    @classmethod
    async def start(cls, port: int = 0) -> Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.runtime.sample",
            f"127.0.0.1:{port}",
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        return cls(process, int(await process.stdout.readline()))

    async def kill(self) -> bytes:
        """End it without a word; what it had logged."""
        if self.process.returncode is None:
            self.process.kill()
        return (await self.process.communicate())[1]


@asynccontextmanager
async def neighbour(port: int, identity: tls.Tls | None = None) -> AsyncIterator[Sample]:
    stand_in = rpc.remote("sample", Sample, f"127.0.0.1:{port}", identity)
    try:
        yield stand_in
    finally:
        await rpc.disconnect(stand_in)


@asynccontextmanager
async def serving(
    service: Service, identity: tls.Tls | None = None, address: str = "127.0.0.1:0"
) -> AsyncIterator[rpc.Server]:
    server = await rpc.serve({"sample": (Sample, service)}, address, identity)
    try:
        yield server
    finally:
        service.gate.set()
        await server.drain()


@pytest.fixture
async def child() -> AsyncIterator[Child]:
    child = await Child.start()
    yield child
    await child.kill()


@pytest.fixture
def service() -> Service:
    return Service()


def sent(kind: str) -> float:
    return REGISTRY.get_sample_value(f"sycee_rpc_{kind}_total", {"neighbour": "sample"}) or 0.0


class TestOperations:
    def test_inherited_operations_are_listed_with_their_refusals(self) -> None:
        listed = {operation.name: operation for operation in rpc.operations(Sample)}
        assert list(listed) == ["look", "wait", "open_gate", "echo", "fail"]
        assert listed["echo"].request is Word
        assert listed["echo"].reply is Word
        assert listed["echo"].refusals == (TooRude,)
        assert listed["echo"].doc == "The same word."

    def test_every_operation_of_payments_is_listed(self) -> None:
        names = [operation.name for operation in rpc.operations(Payments)]
        assert {"create_payment", "confirm_payment", "create_customer"} <= set(names)
        assert len(names) == len(set(names))


class TestTwoProcesses:
    async def test_a_struct_with_128_bit_numbers_crosses(self, child: Child) -> None:
        largest = Number(U128(U128_MAX))
        word = Word("数", largest, (largest, Number(U128(1))))
        async with neighbour(child.port) as sample:
            answer = await sample.echo(word)
        assert answer == word
        assert type(answer.number) is U128

    async def test_a_refusal_crosses_as_the_same_class(self, child: Child) -> None:
        async with neighbour(child.port) as sample:
            with pytest.raises(TooRude) as refused:
                await sample.echo(Word("rude"))
        assert type(refused.value) is TooRude
        assert refused.value.detail == "please"
        assert refused.value.param == "text"
        assert refused.value.facts == {"word": "rude"}

    async def test_a_fault_is_logged_there_once_and_is_no_refusal(self, child: Child) -> None:
        async with neighbour(child.port) as sample:
            with pytest.raises(rpc.RemoteFault):
                await sample.fail(Word("me"))
        logged = await child.kill()
        assert logged.count(b"a bug, found by me") == 1

    async def test_calls_in_flight_become_unavailable_when_the_process_dies(
        self, child: Child
    ) -> None:
        async with neighbour(child.port) as sample:
            await sample.echo(HELLO)
            waiting = asyncio.create_task(sample.wait(HELLO))
            await sample.echo(HELLO)
            await child.kill()
            with pytest.raises(Unavailable):
                await waiting

    async def test_calls_made_while_the_process_is_away_reach_the_next_one(
        self, child: Child
    ) -> None:
        async with neighbour(child.port) as sample:
            waiting = asyncio.create_task(sample.wait(HELLO))
            await sample.echo(HELLO)
            await child.kill()
            with pytest.raises(Unavailable):
                await waiting
            made_while_away = asyncio.create_task(sample.echo(HELLO))
            next_one = await Child.start(child.port)
            try:
                assert await made_while_away == HELLO
            finally:
                await next_one.kill()

    async def test_draining_finishes_calls_in_flight_and_exits_0(self, child: Child) -> None:
        """RE2."""
        assert child.process.stdin is not None
        async with neighbour(child.port) as sample, neighbour(child.port) as other:
            await other.echo(HELLO)
            waiting = asyncio.create_task(sample.wait(HELLO))
            await sample.echo(HELLO)
            child.process.stdin.close()
            await other.open_gate(Nothing())
            assert await waiting == HELLO
        assert await child.process.wait() == 0

    async def test_many_callers_share_frames(self, child: Child) -> None:
        async with neighbour(child.port) as sample:
            calls, frames = sent("calls"), sent("frames")

            async def caller() -> None:
                for _ in range(20):
                    await sample.echo(HELLO)

            await asyncio.gather(*(caller() for _ in range(64)))
            assert sent("calls") - calls == 64 * 20
            assert sent("frames") - frames < 64 * 20 / 4


class TestOneProcess:
    async def test_no_answer_waits_for_a_slower_one(self, service: Service) -> None:
        async with serving(service) as server, neighbour(server.port) as sample:
            slow = asyncio.create_task(sample.wait(HELLO))
            await asyncio.gather(*(sample.echo(HELLO) for _ in range(10)))
            assert not slow.done()
            service.gate.set()
            assert await slow == HELLO

    async def test_remaining_time_is_passed_on(self, service: Service) -> None:
        """RE3."""
        async with serving(service) as server, neighbour(server.port) as sample:
            with deadline.within(5):
                assert 0 < (await sample.look(Nothing())).remaining_s <= 5
            assert 5 < (await sample.look(Nothing())).remaining_s <= deadline.DEFAULT_S

    async def test_expiry_raises_here_and_cancels_there(self, service: Service) -> None:
        """RE3."""
        async with serving(service) as server, neighbour(server.port) as sample:
            with deadline.within(0.05), pytest.raises(DeadlineExceeded):
                await sample.wait(HELLO)
            await service.cancelled.wait()

    async def test_a_call_without_time_left_is_not_sent(self, service: Service) -> None:
        async with serving(service) as server, neighbour(server.port) as sample:
            with deadline.within(-1), pytest.raises(DeadlineExceeded):
                await sample.wait(HELLO)
            assert not service.arrived.is_set()

    async def test_nobody_home_ends_with_the_deadline(self, service: Service) -> None:
        async with serving(service) as server:
            port = server.port
        async with neighbour(port) as sample:
            with deadline.within(0.05), pytest.raises(DeadlineExceeded):
                await sample.echo(HELLO)

    async def test_a_cancelled_caller_cancels_the_call(self, service: Service) -> None:
        async with serving(service) as server, neighbour(server.port) as sample:
            waiting = asyncio.create_task(sample.wait(HELLO))
            await service.arrived.wait()
            waiting.cancel()
            await service.cancelled.wait()
            assert await sample.echo(HELLO) == HELLO

    async def test_the_trace_travels(self, service: Service) -> None:
        """RE12."""
        async with serving(service) as server, neighbour(server.port) as sample:
            traceparent = trace.new()
            trace.begin(traceparent)
            assert (await sample.look(Nothing())).trace == traceparent

    async def test_a_disconnected_neighbour_is_unavailable(self, service: Service) -> None:
        async with serving(service) as server:
            async with neighbour(server.port) as sample:
                waiting = asyncio.create_task(sample.wait(HELLO))
                await service.arrived.wait()
            with pytest.raises(Unavailable):
                await waiting
            with pytest.raises(Unavailable):
                await sample.echo(HELLO)

    async def test_answers_too_many_for_one_frame_all_arrive(self, service: Service) -> None:
        async with serving(service) as server, neighbour(server.port) as sample:
            words = [Word(str(number)) for number in range(2_000)]
            assert await asyncio.gather(*map(sample.echo, words)) == words

    async def test_large_calls_travel_whole(self, service: Service) -> None:
        word = Word("x" * 5_000_000)
        async with serving(service) as server, neighbour(server.port) as sample:
            assert await asyncio.gather(*map(sample.echo, [word, word])) == [word, word]

    async def test_calls_during_a_drain_go_to_the_next_server(self, service: Service) -> None:
        """RE2: a rolling restart fails no call."""
        async with serving(service) as server, neighbour(server.port) as sample:
            waiting = asyncio.create_task(sample.wait(HELLO))
            await service.arrived.wait()
            draining = asyncio.create_task(server.drain())
            later = [asyncio.create_task(sample.echo(HELLO)) for _ in range(10)]
            service.gate.set()
            assert await waiting == HELLO
            await draining
            async with serving(Service(), address=f"127.0.0.1:{server.port}"):
                assert await asyncio.gather(*later) == [HELLO] * 10
                assert await sample.echo(HELLO) == HELLO

    async def test_a_rolling_restart_under_load_fails_no_call(self) -> None:
        """RE2."""
        async with serving(Service()) as first, neighbour(first.port) as sample:
            restarted = asyncio.Event()

            async def caller() -> None:
                while not restarted.is_set():
                    assert await sample.echo(HELLO) == HELLO

            callers = [asyncio.create_task(caller()) for _ in range(16)]
            await sample.echo(HELLO)
            await first.drain()
            async with serving(Service(), address=f"127.0.0.1:{first.port}"):
                assert await sample.echo(HELLO) == HELLO
                restarted.set()
                await asyncio.gather(*callers)

    async def test_the_standard_health_service_answers(self, service: Service) -> None:
        async with (
            serving(service) as server,
            grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
        ):
            stub = health_pb2_grpc.HealthStub(channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest(service="sample"))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


class TestMutualTls:
    """PH1: processes know each other by certificates of the installation's own authority."""

    ours = tls.new_authority()
    foreign = tls.new_authority()

    async def test_certificates_of_one_authority_understand_each_other(
        self, service: Service
    ) -> None:
        server_identity = tls.issue(self.ours, ["sample"])
        async with (
            serving(service, server_identity) as server,
            neighbour(server.port, tls.issue(self.ours, ["payments"])) as sample,
        ):
            assert await sample.echo(HELLO) == HELLO

    async def test_a_plain_caller_is_refused(self, service: Service) -> None:
        await self._refused(service, None)

    async def test_a_foreign_caller_is_refused(self, service: Service) -> None:
        certificate = tls.issue(self.foreign, ["payments"])
        stranger = tls.Tls(certificate.certificate, certificate.key, self.ours.certificate)
        await self._refused(service, stranger)

    async def test_a_foreign_server_is_refused(self, service: Service) -> None:
        await self._refused(service, tls.issue(self.foreign, ["payments"]))

    async def test_another_service_cannot_pose_as_this_one(self, service: Service) -> None:
        await self._refused(service, tls.issue(self.ours, ["payments"]), serves="notify")

    async def _refused(
        self, service: Service, identity: tls.Tls | None, serves: str = "sample"
    ) -> None:
        async with (
            serving(service, tls.issue(self.ours, [serves])) as server,
            neighbour(server.port, identity) as sample,
        ):
            with deadline.within(0.3), pytest.raises(DeadlineExceeded):
                await sample.wait(HELLO)
        assert not service.arrived.is_set()
