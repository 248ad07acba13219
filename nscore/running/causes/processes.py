"""Why processes are not found, signalled, looked into or waited for: kill, pidfds, waitid."""

from __future__ import annotations

from nscore.running.causes.cause import DESCRIPTORS, FILTERED, Cause, always, both, target
from nscore.running.causes.joining import NOT_OPEN
from nscore.running.facts import Facts
from nscore.running.failures import Failure

SIGCHLD = 17
WCLONE, WALL, EXITED = 0x80000000, 0x40000000, 4


def foreign_proc(failure: Failure, facts: Facts) -> bool:
    """The /proc that is mounted has other numbers."""
    return facts.pid is not None and facts.shown not in (None, str(facts.pid))


GONE = (
    Cause(
        "foreign_proc",
        "ESRCH",
        foreign_proc,
        "no process of this PID namespace has that number, and /proc shows those of another one (it calls this process {facts.shown!r}, "
        "whose PID is {facts.pid})",
        "Mount proc on /proc in this PID namespace, or translate the number (nscore.tools.translate)",
        "kernel/pid.c:find_vpid; rules VIS",
    ),
    Cause(
        "no_such_process",
        "ESRCH",
        always,
        "no process has that number in this PID namespace: it has been reaped, never was, or the number is of another namespace's view",
        "Hold a pidfd while it lives; translate numbers that come from elsewhere (nscore.tools.translate)",
        "kernel/pid.c:find_vpid; rules VIS",
    ),
)
NOT_YOURS = Cause(
    "not_yours",
    "EPERM",
    always,
    "the process belongs to another user (its real and saved ids count), and the caller has no CAP_KILL in its user namespace",
    "Ask its owner, or run it as root there",
    "kernel/signal.c:kill_ok_by_cred; rule KILL",
)
NO_SIGNAL = Cause("no_signal", "EINVAL", always, "no such signal: they are 1 to 64, 0 only asks", "Pass another", "kernel/signal.c")
FORGED = Cause(
    "forged_siginfo",
    "EPERM",
    lambda failure, facts: failure.number("code", -1) >= 0 or failure.arguments.get("siginfo") is not None,
    "si_code says that the kernel or kill(2) sent it, and that can be said to oneself alone",
    "Pass a negative si_code, such as SI_QUEUE",
    "kernel/signal.c:do_rt_sigqueueinfo; rule PREC-07",
)
KILL = (FILTERED, *GONE, NO_SIGNAL, NOT_YOURS)
QUEUE_FULL = Cause(
    "rlimit_sigpending",
    "EAGAIN",
    always,
    "as many signals are pending for the sender's user as RLIMIT_SIGPENDING allows",
    "Have them taken, or raise the limit (ulimit -i)",
    "kernel/signal.c:__send_signal_locked; rule SIG-18",
)
SIGQUEUE = (FILTERED, FORGED, *KILL[1:], QUEUE_FULL)
PIDFD_OPEN = (
    FILTERED,
    Cause(
        "thread",
        "EINVAL ENOENT",
        target(leads=False),
        "the number is that of a thread which does not lead its process",
        "Pass PidfdFlag.THREAD (Linux 6.9), or the process's own PID (Tgid in /proc/TID/status)",
        "kernel/fork.c:pidfd_prepare; rules PIDFD-OPEN",
    ),
    Cause(
        "not_a_pid",
        "EINVAL",
        always,
        "a PID is above 0, and pidfd_open knows no other flags than NONBLOCK and THREAD (6.9)",
        "Pass a process's PID; 0 stands for a parent or a group outside this PID namespace, which nobody can open",
        "kernel/pid.c:pidfd_open; rules PIDFD-OPEN",
    ),
    Cause(
        "no_such_process",
        "ENOENT",
        always,
        "the process has ended meanwhile",
        "Open it while it lives, or take CLONE_PIDFD",
        "kernel/fork.c:pidfd_prepare; rules PIDFD-OPEN",
    ),
    *GONE,
    DESCRIPTORS,
)
NO_PIDFD = Cause(
    "not_a_pidfd",
    "EBADF ENOTTY",
    lambda failure, facts: facts.target.exists is True and "[pidfd]" not in facts.target.path,
    "the descriptor is no pidfd: it is {target.path}",
    "Take one from pidfd_open or CLONE_PIDFD",
    "fs/pidfs.c:pidfd_pid; rules PIDFD-SEND",
)
REAPED = Cause(
    "reaped",
    "ESRCH",
    target(pidfd=-1),
    "the pidfd's process has ended and been reaped",
    "Ask before it is reaped; its exit status is kept for pidfd_get_info (Linux 6.15)",
    "fs/pidfs.c; rules PIDFD-SEND, PIDFD-INFO",
)


def numberless(failure: Failure, facts: Facts) -> bool:
    """The process has no number here: /proc says so, or nothing else is wrong with a signal."""
    if facts.target.pidfd == 0 or failure.errno == "EREMOTE":
        return True
    return (
        failure.errno == "EINVAL" and not failure.flags() and 0 <= failure.number("sig", 65) <= 64 and not failure.arguments.get("siginfo")
    )


NOT_BELOW = Cause(
    "no_number_here",
    "EINVAL EREMOTE ESRCH",
    numberless,
    "the pidfd's process has no number in the caller's PID namespace: it lies outside, above or beside",
    "Do it from its own PID namespace or from one above",
    "kernel/signal.c:access_pidfd_pidns; fs/pidfs.c:pidfd_info; rules PIDFD-SEND",
)
PTRACE = Cause(
    "ptrace_access",
    "EPERM EACCES",
    always,
    "the process may not look into that one: another user's, one that has changed its ids, or of a user namespace above",
    "Take CAP_SYS_PTRACE over its user namespace, or ask as the same user",
    "kernel/ptrace.c:__ptrace_may_access; rules PIDFD-GETFD",
)
PIDFD_SEND_SIGNAL = (FILTERED, NOT_OPEN, NO_PIDFD, NOT_BELOW, REAPED, FORGED, *GONE, NO_SIGNAL, NOT_YOURS)
PIDFD_GETFD = (
    FILTERED,
    Cause(
        "no_such_descriptor",
        "EBADF",
        lambda failure, facts: "[pidfd]" in facts.target.path,
        "the other process has no such descriptor open",
        "Look into its /proc/PID/fd",
        "kernel/pid.c:pidfd_getfd; rules PIDFD-GETFD",
    ),
    *(NOT_OPEN, NO_PIDFD, REAPED),
    Cause(
        "zombie", "ESRCH", always, "the process is a zombie: its descriptors are closed", "Ask while it lives", "kernel/pid.c:__pidfd_fget"
    ),
    PTRACE,
    DESCRIPTORS,
)
ZOMBIE = Cause(
    "namespaces_given_up",
    "ESRCH",
    always,
    "the process is a zombie, which has given up its namespaces",
    "Ask while it lives, or hold a descriptor of the namespace",
    "fs/pidfs.c:pidfd_ioctl; rules PIDFD-NSIOC",
)
OLD_PIDFS = Cause(
    "kernel_too_old",
    "ENOTTY EINVAL",
    always,
    "this kernel's pidfds have no such ioctl: namespaces came with 6.11, PIDFD_GET_INFO with 6.13, exit statuses with 6.15",
    "Use a newer kernel; waitid(P_PIDFD) gives the status of one's own child on every kernel",
    "fs/pidfs.c:pidfd_ioctl; rules PIDFD-INFO",
)
PIDFD_GET_INFO = (NOT_OPEN, NO_PIDFD, OLD_PIDFS, NOT_BELOW, REAPED, ZOMBIE)
PIDFD_GET_NAMESPACE = (NOT_OPEN, NO_PIDFD, OLD_PIDFS, REAPED, ZOMBIE, PTRACE, DESCRIPTORS)


def names_one(failure: Failure) -> bool:
    """One process is waited for, by its PID or a pidfd."""
    return failure.number("idtype", -1) in (1, 3) or failure.number("pid", 0) > 0


def another_child(failure: Failure, facts: Facts) -> bool:
    """It lives, and is somebody else's child."""
    return names_one(failure) and facts.target.ppid is not None and facts.target.ppid != facts.pid


def own_child(failure: Failure, facts: Facts) -> bool:
    """It is the caller's own."""
    return names_one(failure) and facts.target.ppid is not None and facts.target.ppid == facts.pid


def of_clone(failure: Failure, facts: Facts) -> bool:
    """The children that are there do not send SIGCHLD, so that they are waited for with WALL or WCLONE alone."""
    if failure.number("options", 0) & (WCLONE | WALL):
        return False
    return facts.target.exit_signal not in (None, SIGCHLD) if names_one(failure) else bool(facts.children)


ECHILD = (
    Cause(
        "sigchld_ignored",
        "ECHILD",
        lambda failure, facts: bool(facts.sigchld_ignored) and not own_child(failure, facts),
        "SIGCHLD is ignored (or has SA_NOCLDWAIT), so that the kernel reaps children as they end and their status is lost",
        "Set SIGCHLD to its default before the child is made; nscore.run then tells the status all the same on Linux 6.15",
        "kernel/signal.c:do_notify_parent; rule WAIT",
    ),
    Cause(
        "not_your_child",
        "ECHILD",
        another_child,
        "the process is no child of the caller's, but of PID {target.ppid} (0: of one outside this PID namespace)",
        "Wait in its parent; for anybody's end poll a pidfd",
        "kernel/exit.c:do_wait; rule WAIT",
    ),
    Cause(
        "exit_signal",
        "ECHILD",
        both(of_clone),
        "the child was cloned with another exit signal than SIGCHLD, and such children are waited for only when that is asked for",
        "Pass WaitOption.ALL (__WALL)",
        "kernel/exit.c:eligible_child; rule EXITSIG-05",
    ),
    Cause(
        "reaped",
        "ECHILD",
        lambda failure, facts: names_one(failure) and (facts.target.exists is False or facts.target.pidfd == -1),
        "the process has been reaped already, here or by another thread's wait, or never was a child",
        "Wait for each child once, in one place; on Linux 6.15 pidfd_get_info still has the exit status",
        "kernel/exit.c:do_wait; rule WAIT",
    ),
    Cause(
        "no_children",
        "ECHILD",
        always,
        "the process has no children, or none that the call asks for; what its children started are not its children",
        "Make it a subreaper (prctl SET_CHILD_SUBREAPER) or PID 1, where it is to get the orphans too",
        "kernel/exit.c:do_wait; rule WAIT",
    ),
)
WAIT = (
    FILTERED,
    *ECHILD,
    Cause(
        "not_open", "EBADF", always, "id is no pidfd of this process", "Pass one", "kernel/exit.c:kernel_waitid_prepare; rule PIDFD-WAITID"
    ),
    Cause(
        "wait_options",
        "EINVAL",
        always,
        "waitid needs at least one of EXITED, STOPPED and CONTINUED, no unknown option, and an id that suits idtype",
        "Add WaitOption.EXITED",
        "kernel/exit.c:kernel_waitid_prepare; rule WAIT",
    ),
    Cause(
        "no_group",
        "ESRCH",
        always,
        "the least int has no counterpart above 0",
        "Pass another",
        "kernel/exit.c:wait4",
    ),
    Cause(
        "not_ended",
        "EAGAIN",
        always,
        "the pidfd is non-blocking, and its process lives",
        "Poll it until it is readable",
        "kernel/exit.c:do_wait; rule PIDFD-WAITID",
    ),
)
