"""The file systems that mount(2) knows.  Models fs/filesystems.c."""

from __future__ import annotations

from nscore_sim.fs_context import FileSystems
from nscore_sim.proc.root import ProcFsContext
from nscore_sim.ramfs import RamfsContext, ShmemContext

FILE_SYSTEMS: FileSystems = {"proc": ProcFsContext, "ramfs": RamfsContext, "tmpfs": ShmemContext}
