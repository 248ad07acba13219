"""Failures on purpose, and the causes that explain() must name: a file for each table of nscore.running.causes."""

from tests.running.provoked import creating, identifying, joining, mounting, processes
from tests.running.provoked.ways import BEFORE, NEED_IDS, PROVOKED, SINCE, Scenario

__all__ = ["BEFORE", "NEED_IDS", "PROVOKED", "SINCE", "Scenario", "creating", "identifying", "joining", "mounting", "processes"]
