"""The public doors: REST, gRPC."""
