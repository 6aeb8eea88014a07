"""One contract, two ways to reach it: the service itself, or a stand-in that calls another process.

A contract is a Protocol whose operations each take one Struct and return one Struct. Calls to one
neighbour share one long-lived gRPC stream of frames; a frame carries all calls that were made while
the one before it was being written, so many callers cost little more than one, and no answer waits
for a slower one.
"""

from sycee.runtime.rpc.conversation import RemoteFault
from sycee.runtime.rpc.operations import Operation, operations
from sycee.runtime.rpc.remote import check, disconnect, remote
from sycee.runtime.rpc.server import Server, serve

__all__ = [
    "Operation",
    "RemoteFault",
    "Server",
    "check",
    "disconnect",
    "operations",
    "remote",
    "serve",
]
