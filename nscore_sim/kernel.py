"""A kernel: what is global in Linux is a field here, and how it begins.  Models init/main.c and init/init_task.c.

Nothing in the model is global to Python, so that any number of kernels live side by side and each is copied, compared and thrown away
as plain data.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from nscore_sim.cred import init_cred
from nscore_sim.do_mounts import console_on_rootfs, init_fs, prepare_namespace
from nscore_sim.entry import exit_to_user_mode
from nscore_sim.hrtimer import Timers
from nscore_sim.ida import Ida
from nscore_sim.nscommon import PROC_DYNAMIC_FIRST
from nscore_sim.nsproxy import init_nsproxy
from nscore_sim.pid import alloc_pid, attach_group
from nscore_sim.pid_namespace import PID_MAX_LIMIT, init_pid_ns
from nscore_sim.sigaction import DEFAULT_ACTIONS
from nscore_sim.sigpending import SIGCHLD
from nscore_sim.task import SIGNAL_UNKILLABLE, TASK_INTERRUPTIBLE, Mm, SighandStruct, SignalStruct, Task
from nscore_sim.user_namespace import init_user_ns

if TYPE_CHECKING:
    from nscore_sim.chooser import Chooser
    from nscore_sim.fault_inject import Faults
    from nscore_sim.mount import MountIds
    from nscore_sim.pid_namespace import PidNamespace
    from nscore_sim.release import Release
    from nscore_sim.user_namespace import UserNamespace

#: What there is to execute: an image that goes on being driven, and one that nobody drives.
IMAGE, OTHER_IMAGE = "/usr/lib/nscore/image", "/bin/true"

#: kernel/fork.c:set_max_threads, on a machine with memory enough.
MAX_THREADS = 1 << 22
RLIM_INFINITY = (1 << 64) - 1
#: (soft, hard) of each RLIMIT_*, by its number.  include/asm-generic/resource.h:INIT_RLIMITS, kernel/fork.c:fork_init
INIT_RLIMITS = (
    (RLIM_INFINITY, RLIM_INFINITY),  # CPU
    (RLIM_INFINITY, RLIM_INFINITY),  # FSIZE
    (RLIM_INFINITY, RLIM_INFINITY),  # DATA
    (8 << 20, RLIM_INFINITY),  # STACK
    (0, RLIM_INFINITY),  # CORE
    (RLIM_INFINITY, RLIM_INFINITY),  # RSS
    (MAX_THREADS // 2, MAX_THREADS // 2),  # NPROC
    (1024, 1 << 19),  # NOFILE
    (8 << 20, 8 << 20),  # MEMLOCK
    (RLIM_INFINITY, RLIM_INFINITY),  # AS
    (RLIM_INFINITY, RLIM_INFINITY),  # LOCKS
    (MAX_THREADS // 2, MAX_THREADS // 2),  # SIGPENDING
    (819200, 819200),  # MSGQUEUE
    (0, 0),  # NICE
    (0, 0),  # RTPRIO
    (RLIM_INFINITY, RLIM_INFINITY),  # RTTIME
)


class Kernel:
    """The globals of Linux."""

    __slots__ = (
        "chooser",
        "clock",
        "faults",
        "image",
        "init_pid_ns",
        "init_task",
        "init_user_ns",
        "inums",
        "max_threads",
        "mount_ids",
        "nr_threads",
        "ns_id",
        "pidfs_ino",
        "release",
        "runqueue",
        "timers",
        "total_forks",
    )

    chooser: Chooser  #: decides what Linux leaves to chance
    clock: int  #: CLOCK_MONOTONIC in ns; time is virtual
    faults: Faults | None  #: failures that were asked for
    image: str  #: the path of an executable that goes on being driven
    init_task: Task  #: PID 1 of the initial namespace
    init_pid_ns: PidNamespace
    init_user_ns: UserNamespace
    inums: Ida  #: inode numbers of namespaces.  fs/proc/generic.c:proc_inum_ida
    max_threads: int  #: kernel/fork.c
    mount_ids: MountIds  #: numbers of mounts and file systems, and the mounts that no namespace has
    nr_threads: int  #: kernel/fork.c
    ns_id: int  #: of the last namespace made
    pidfs_ino: int  #: of the last Pid made.  fs/pidfs.c
    release: Release  #: which kernel build this is
    runqueue: deque[Task]  #: tasks that can take a step, in the order in which they were woken
    timers: Timers  #: sleeps that end by themselves
    total_forks: int  #: tasks made so far: the order of creation.  kernel/fork.c

    def __init__(self, chooser: Chooser, release: Release) -> None:
        self.chooser = chooser
        self.release = release
        self.clock = self.nr_threads = self.ns_id = self.pidfs_ino = self.total_forks = 0
        self.faults = None
        self.image = IMAGE
        self.max_threads = MAX_THREADS
        self.runqueue = deque()
        self.timers = Timers()
        self.inums = Ida(PROC_DYNAMIC_FIRST)
        self.init_user_ns = init_user_ns(self)
        self.init_pid_ns = init_pid_ns(self, self.init_user_ns, PID_MAX_LIMIT)
        self.init_task = kernel_init(self)


def kernel_init(kernel: Kernel) -> Task:
    """PID 1 of the initial namespace: root with all capabilities, leader of a session, its own parent.  init/main.c:kernel_init"""
    task = Task()
    task.kernel = kernel
    user_ns = kernel.init_user_ns
    mnt_ns = prepare_namespace(kernel, (IMAGE, OTHER_IMAGE))
    task.nsproxy = init_nsproxy(kernel, user_ns, mnt_ns, kernel.init_pid_ns)
    task.cred = init_cred(user_ns)
    task.fs = init_fs(mnt_ns)
    task.files = console_on_rootfs(task)
    task.mm = Mm(user_ns, IMAGE)
    task.sighand = SighandStruct(DEFAULT_ACTIONS)
    task.thread_pid = pid = alloc_pid(task, kernel.init_pid_ns)
    task.signal = SignalStruct(task, pid, pid, INIT_RLIMITS, 0)
    task.signal.leader = True
    task.signal.flags = SIGNAL_UNKILLABLE
    task.pid = 1
    task.group_leader = task.real_parent = pid.task = pid.tgid = kernel.init_pid_ns.child_reaper = task
    task.children = task.pending = task.vfork_done = task.call = task.restart = task.timeout = task.result = task.program = None
    task.exit_state = task.exit_code = task.pdeath_signal = task.jobctl = task.real_blocked = task.blocked = task.flags = 0
    task.self_exec_id = task.parent_exec_id = task.start_time = 0
    task.exit_signal = SIGCHLD
    task.sigpending = task.no_new_privs = False
    task.comm = b"init"
    task.state = TASK_INTERRUPTIBLE
    task.wait_heads = ()
    task.resume = exit_to_user_mode
    attach_group(task, pid, pid)
    kernel.nr_threads = kernel.total_forks = 1
    return task
