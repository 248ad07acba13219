"""Tasks and what threads of a process share.  Models include/linux/sched.h and sched/signal.h.

Plain slotted classes, compared by identity; a field keeps its C name.  A collection that few tasks need is None until then, and what
fork shares is shared by reference until somebody writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.interface.backend import Args, Plain

if TYPE_CHECKING:
    from nscore_sim.cred import Cred
    from nscore_sim.file import FilesStruct
    from nscore_sim.fs_struct import FsStruct
    from nscore_sim.kernel import Kernel
    from nscore_sim.nsproxy import NsProxy
    from nscore_sim.pid import Pid
    from nscore_sim.program import Program
    from nscore_sim.sched import Restart, Sleep, WaitQueueHead
    from nscore_sim.ucount import Ucounts
    from nscore_sim.user_namespace import UserNamespace

#: Task.state.  include/linux/sched.h
TASK_RUNNING = 0x0
TASK_INTERRUPTIBLE = 0x1
TASK_UNINTERRUPTIBLE = 0x2
_TASK_STOPPED = 0x4
TASK_DEAD = 0x80
TASK_WAKEKILL = 0x100
TASK_NOLOAD = 0x400
TASK_KILLABLE = TASK_WAKEKILL | TASK_UNINTERRUPTIBLE
TASK_STOPPED = TASK_WAKEKILL | _TASK_STOPPED
TASK_IDLE = TASK_UNINTERRUPTIBLE | TASK_NOLOAD
TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE

#: Task.exit_state; 0 while it lives.
EXIT_DEAD = 0x10
EXIT_ZOMBIE = 0x20

#: Task.flags, of what /proc shows and the model asks for.
PF_EXITING = 0x4
PF_FORKNOEXEC = 0x40
PF_SUPERPRIV = 0x100
PF_SIGNALED = 0x400
PF_NPROC_EXCEEDED = 0x1000

#: Task.jobctl: the signal that stops the process, and how far the stop is.  include/linux/sched/jobctl.h
JOBCTL_STOP_SIGMASK = 0xFFFF
JOBCTL_STOP_DEQUEUED = 1 << 16
JOBCTL_STOP_PENDING = 1 << 17
JOBCTL_STOP_CONSUME = 1 << 18

#: The roles of a Pid.  include/linux/pid_types.h
PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX = range(5)

#: SignalStruct.flags.  include/linux/sched/signal.h
SIGNAL_STOP_STOPPED = 0x1
SIGNAL_STOP_CONTINUED = 0x2
SIGNAL_GROUP_EXIT = 0x4
SIGNAL_CLD_STOPPED = 0x10
SIGNAL_CLD_CONTINUED = 0x20
SIGNAL_CLD_MASK = SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED
SIGNAL_STOP_MASK = SIGNAL_CLD_MASK | SIGNAL_STOP_STOPPED | SIGNAL_STOP_CONTINUED
SIGNAL_UNKILLABLE = 0x40

#: One action a signal, at the signal's number: (handler, flags, mask).  handler is a nscore.flags.Disposition as int.
Action = tuple[int, int, int]


class Mm:
    """An address space: what fork copies, CLONE_VM shares and exec replaces.  include/linux/mm_types.h"""

    __slots__ = ("dumpable", "exe", "received", "user_ns", "users")

    def __init__(self, user_ns: UserNamespace, exe: str) -> None:
        self.users = 1
        self.user_ns = user_ns  #: of the last exec
        self.dumpable = 1
        self.exe = exe
        self.received: list[Args] | None = None  #: what the recording handler saw, as fields of Siginfo


class SighandStruct:
    """The table of actions, shared by CLONE_SIGHAND.  action is shared by reference until written."""

    __slots__ = ("action", "count")

    def __init__(self, action: tuple[Action, ...]) -> None:
        self.count = 1
        self.action = action


class SigQueue:
    """One queued signal.  include/linux/signal_types.h:sigqueue"""

    __slots__ = ("info", "ucounts")

    def __init__(self, info: tuple[int, ...], ucounts: Ucounts) -> None:
        self.info = info  #: the fields of Siginfo: (si_signo, si_code, si_pid, si_uid, si_status, si_value)
        self.ucounts = ucounts  #: whom it is charged to


class SigPending:
    """The queue in order of arrival, and the mask of what is pending, queued or not.  include/linux/signal_types.h:sigpending"""

    __slots__ = ("list", "signal")

    def __init__(self, signal: int = 0) -> None:
        self.list: list[SigQueue] = []
        self.signal = signal  #: bit (sig - 1)


class SigkillPending(SigPending):
    """SIGKILL and nothing else: what everybody shares that is about to end.  The mask cannot be written."""

    __slots__ = ()

    signal = 1 << 8

    def __init__(self) -> None:
        self.list = []


KILLED = SigkillPending()


class SignalStruct:
    """What the threads of a process share whatever the clone flags.  include/linux/sched/signal.h:signal_struct"""

    __slots__ = (
        "curr_target",
        "flags",
        "group_exec_task",
        "group_exit_code",
        "group_stop_count",
        "has_child_subreaper",
        "is_child_subreaper",
        "leader",
        "live",
        "notify_count",
        "nr_threads",
        "oom_score_adj",
        "oom_score_adj_min",
        "pgrp",
        "quick_threads",
        "rlim",
        "serial",
        "session",
        "shared_pending",
        "threads",
        "wait_chldexit",
    )

    def __init__(self, leader: Task, pgrp: Pid, session: Pid, rlim: tuple[tuple[int, int], ...], serial: int) -> None:
        self.live = self.nr_threads = self.quick_threads = 1
        self.threads: dict[Task, None] = {leader: None}  #: in order of creation
        self.pgrp = pgrp
        self.session = session
        self.serial = serial  #: its place in the kernel's list of processes
        self.leader = False  #: leads its session
        self.flags = self.group_exit_code = self.group_stop_count = self.notify_count = 0
        self.group_exec_task: Task | None = None  #: the thread whose execve ends the others
        self.curr_target: Task | None = None  #: the thread that got the last signal; None: the leader
        self.shared_pending: SigPending | None = None
        self.is_child_subreaper = self.has_child_subreaper = False
        self.rlim = rlim  #: (soft, hard) at RLIMIT_*; shared by reference
        self.oom_score_adj = self.oom_score_adj_min = 0
        self.wait_chldexit: WaitQueueHead | None = None


class Task:
    """A thread.  include/linux/sched.h:task_struct"""

    __slots__ = (
        "__weakref__",
        "blocked",
        "call",
        "children",
        "comm",
        "cred",
        "exit_code",
        "exit_signal",
        "exit_state",
        "files",
        "flags",
        "fs",
        "group_leader",
        "jobctl",
        "kernel",
        "mm",
        "no_new_privs",
        "nsproxy",
        "parent_exec_id",
        "pdeath_signal",
        "pending",
        "pid",
        "program",
        "real_blocked",
        "real_parent",
        "restart",
        "result",
        "resume",
        "self_exec_id",
        "sighand",
        "signal",
        "sigpending",
        "start_time",
        "state",
        "thread_pid",
        "timeout",
        "user_dumpable",
        "vfork_done",
        "wait_heads",
    )

    kernel: Kernel
    thread_pid: Pid
    pid: int  #: its number in its own PID namespace, thread_pid.numbers' last
    signal: SignalStruct
    sighand: SighandStruct
    group_leader: Task
    real_parent: Task
    children: dict[Task, None] | None  #: in order of birth or adoption
    exit_state: int
    exit_code: int
    exit_signal: int  #: -1 for a thread that does not lead
    pdeath_signal: int
    blocked: int  #: bit (sig - 1)
    real_blocked: int  #: blocked as it was before sigtimedwait(2) opened it
    pending: SigPending | None
    sigpending: bool  #: TIF_SIGPENDING: look at the signals before going back to user mode
    jobctl: int
    nsproxy: NsProxy | None  #: None once the namespaces are given up
    mm: Mm | None
    user_dumpable: bool  #: what mm.dumpable said when mm was given up: it was 1
    files: FilesStruct | None
    fs: FsStruct | None
    cred: Cred
    flags: int
    self_exec_id: int
    parent_exec_id: int
    no_new_privs: bool
    comm: bytes
    start_time: int
    vfork_done: Task | None  #: who waits for this task to exec or exit, while it is a vfork child
    # What the scheduler and the way in and out of the kernel keep: see sched.py and entry.py.
    state: int
    wait_heads: tuple[WaitQueueHead, ...]  #: where it sleeps
    call: tuple[Callable[..., Plain | Sleep | Restart], Args] | None  #: the system call it is in
    resume: Callable[[Task], None]  #: what it does when it next gets the processor
    restart: object  #: what a call that sleeps has to remember from one try to the next; None when it begins
    timeout: int | None  #: the time at which its sleep ends
    result: Plain | Errno | Restart  #: what the call returned, on its way to user mode
    program: Program | None  #: the program that runs as this task; None: it is driven


def thread_group_empty(task: Task) -> bool:
    """Whether task is the only thread of its process.  include/linux/sched/signal.h:thread_group_empty"""
    return task.signal.nr_threads == 1


def other_threads(task: Task) -> list[Task]:
    """The other threads of its process, from the next one round.  include/linux/sched/signal.h:for_other_threads"""
    threads = list(task.signal.threads)
    place = threads.index(task)
    return threads[place + 1 :] + threads[:place]


def delay_group_leader(task: Task) -> bool:
    """Whether it leads a process with other threads: then its end is not the process's.  include/linux/sched/signal.h"""
    return task.exit_signal >= 0 and task.signal.nr_threads > 1


def thread_group_leader(task: Task) -> bool:
    """include/linux/sched/signal.h:thread_group_leader"""
    return task.exit_signal >= 0
