"""/proc/PID/oom_score and oom_score_adj.  Models fs/proc/base.c:proc_oom_score, __set_oom_adj."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability
from nscore_sim.capability import capable

if TYPE_CHECKING:
    from nscore_sim.file import File
    from nscore_sim.pid import Pid
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.task import Task

CAP_SYS_RESOURCE = int(Capability.SYS_RESOURCE)
OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX = -1000, 1000


def proc_oom_score(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """What a process without memory has: two thirds of a thousand, moved by the adjustment.  fs/proc/base.c:proc_oom_score"""
    return b"%d\n" % (max(0, 1000 + p.signal.oom_score_adj) * 2 // 3)


def oom_adj_read(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """On the scale of old, from -17 to 15.  fs/proc/base.c:oom_adj_read"""
    adj = p.signal.oom_score_adj
    return b"%d\n" % (15 if adj == OOM_SCORE_ADJ_MAX else abs(adj) * 17 // OOM_SCORE_ADJ_MAX * (1 if adj >= 0 else -1))


def oom_score_adj_read(task: Task, file: File, p: Task, pid: Pid, ns: PidNamespace) -> bytes:
    """fs/proc/base.c:oom_score_adj_read"""
    return b"%d\n" % p.signal.oom_score_adj


def oom_score_adj_write(task: Task, file: File, p: Task | None, data: bytes, pos: int) -> int:
    """fs/proc/base.c:oom_score_adj_write, __set_oom_adj"""
    try:
        value = int(data[:12].split(b"\0")[0].strip(b" \t\n"))
    except ValueError:
        raise Errno("EINVAL") from None
    if not OOM_SCORE_ADJ_MIN <= value <= OOM_SCORE_ADJ_MAX:
        raise Errno("EINVAL")
    if p is None:
        raise Errno("ESRCH")
    if value < p.signal.oom_score_adj_min and not capable(task, CAP_SYS_RESOURCE):
        raise Errno("EACCES")
    p.signal.oom_score_adj = value
    if capable(task, CAP_SYS_RESOURCE):
        p.signal.oom_score_adj_min = value
    return len(data)
