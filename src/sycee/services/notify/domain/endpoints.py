"""How an update changes an endpoint."""

from __future__ import annotations

import msgspec

from sycee.services.notify.contract import Endpoint, EndpointStatus, UpdateEndpoint


def changed(before: Endpoint, command: UpdateEndpoint) -> Endpoint:
    """The endpoint after an update; what the command leaves out stays."""
    wanted, described = command.enabled_events, command.description
    return msgspec.structs.replace(
        before,
        url=before.url if command.url is None else command.url,
        enabled_events=before.enabled_events if wanted is None else wanted,
        status=_status(before, command.disabled),
        description=before.description if described is None else described or None,
        metadata=_metadata(before, command.metadata),
    )


def _status(before: Endpoint, disabled: bool | None) -> EndpointStatus:
    if disabled is None:
        return before.status
    return EndpointStatus.DISABLED if disabled else EndpointStatus.ENABLED


def _metadata(before: Endpoint, given: dict[str, str] | None) -> dict[str, str]:
    merged = {**before.metadata, **(given or {})}
    return {name: value for name, value in merged.items() if value}
