from __future__ import annotations


def run(proc, body):
    raise NotImplementedError
