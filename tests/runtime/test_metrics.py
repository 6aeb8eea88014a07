"""Metrics come out in Prometheus' text format."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sycee.runtime import metrics


def samples() -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_is_counted_is_exposed() -> None:
    labels = {"door": "rest", "operation": "create_payment", "answer": "2xx"}
    metrics.request_seconds("rest", "create_payment", "2xx").observe(0.002)
    metrics.group_units("test").observe(7)
    metrics.commit_seconds("test").observe(0.001)
    metrics.outbox_lag("test").set(3)
    metrics.rpc_faults("test").inc()
    found = samples()
    assert found["sycee_request_seconds_count", frozenset(labels.items())] == 1
    database = frozenset({("database", "test")})
    assert found["sycee_database_group_units_sum", database] == 7
    assert found["sycee_database_commit_seconds_count", database] == 1
    assert found["sycee_outbox_lag_events", database] == 3
    assert found["sycee_rpc_faults_total", frozenset({("service", "test")})] == 1


def test_children_are_made_once() -> None:
    assert metrics.rpc_calls("ledger") is metrics.rpc_calls("ledger")
