"""Sycee through the eyes of the official Node SDK."""
