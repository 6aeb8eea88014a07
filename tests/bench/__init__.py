"""Tests of what the platform is measured against."""
