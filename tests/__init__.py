"""Tests mirror ``src/sycee``; ``system/`` holds stories."""
