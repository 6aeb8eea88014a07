"""Campaigns of faults: break the platform on purpose, and look for money that was lost or doubled.

Each program here is a campaign; what they share stands in ``lab``.
"""
