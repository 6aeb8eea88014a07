"""The gRPC door: the contracts of payments and ledger, for programs outside."""
