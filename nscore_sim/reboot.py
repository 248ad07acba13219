"""reboot(2) in a PID namespace.  Models kernel/reboot.c and kernel/pid_namespace.c:reboot_pid_ns.

Left out: the initial namespace, where it is real.
"""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import Capability, Reboot
from nscore_sim.capability import ns_capable
from nscore_sim.exit import do_exit
from nscore_sim.sched import SLEEP, Sleep
from nscore_sim.signal import send_sig
from nscore_sim.sigpending import SIGHUP, SIGINT, SIGKILL
from nscore_sim.task import Task

CAP_SYS_BOOT = int(Capability.SYS_BOOT)

#: The signal that init seems to have died of.
SIGNALS = {Reboot.RESTART: SIGHUP, Reboot.RESTART2: SIGHUP, Reboot.POWER_OFF: SIGINT, Reboot.HALT: SIGINT}


def reboot(task: Task, cmd: int) -> Sleep:
    """kernel/reboot.c:sys_reboot; the magic numbers are right."""
    ns = task.thread_pid.ns
    if not ns_capable(task, ns.user_ns, CAP_SYS_BOOT):
        raise Errno("EPERM")
    sig = next((sig for known, sig in SIGNALS.items() if known == cmd), None)
    if sig is None or ns.parent is None:
        raise Errno("EINVAL")
    ns.reboot = sig
    assert ns.child_reaper is not None
    send_sig(SIGKILL, ns.child_reaper, force=True)
    do_exit(task, 0)
    return SLEEP
