"""Conformance: what a backend must do, as cases that anyone can run against theirs.

No pytest inside: `python3 -m conformance`.
"""
