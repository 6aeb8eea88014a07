"""One program per published number; each prints JSON with baseline and machine."""
