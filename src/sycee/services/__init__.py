"""One folder per service, each built on the same plan."""
