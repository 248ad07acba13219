"""Why there is no room for a process: limits, numbers, and namespaces that have lost their init."""

from __future__ import annotations

from nscore.flags import Capability
from nscore.running.causes.cause import Cause, always, lacks, pending
from nscore.running.facts import RESERVED, Facts
from nscore.running.failures import Failure


def too_many_processes(failure: Failure, facts: Facts) -> bool:
    """RLIMIT_NPROC, of which root and capabilities over the initial user namespace are exempt."""
    numbers = facts.numbers
    exempt = facts.initial_user and (facts.uid == 0 or not lacks(Capability.SYS_RESOURCE, Capability.SYS_ADMIN)(failure, facts))
    return not exempt and numbers.nproc is not None and numbers.nproc_used is not None and numbers.nproc_used >= numbers.nproc


def no_number(failure: Failure, facts: Facts) -> bool:
    """All numbers are taken; those below 300 are used in the first round only."""
    numbers = facts.numbers
    if numbers.pids is None or numbers.pid_max is None:
        return False
    low = RESERVED if (numbers.last_pid or 0) >= RESERVED - 1 else 1
    return len([pid for pid in numbers.pids if pid >= low]) >= numbers.pid_max - low


def threads_max(failure: Failure, facts: Facts) -> bool:
    """The kernel has as many threads as it may."""
    numbers = facts.numbers
    return numbers.threads is not None and numbers.threads_max is not None and numbers.threads >= numbers.threads_max


FULL_OF_PROCESSES = (
    Cause(
        "rlimit_nproc",
        "EAGAIN",
        too_many_processes,
        "RLIMIT_NPROC is {numbers.nproc}, and the user has {numbers.nproc_used} threads already, as far as can be seen here",
        "Raise it (ulimit -u, LimitNPROC=), or end some of the user's processes",
        "kernel/fork.c:copy_process; rule ALLOC-13",
    ),
    Cause(
        "threads_max",
        "EAGAIN",
        threads_max,
        "kernel.threads-max is {numbers.threads_max}, and so many threads exist",
        "Raise the sysctl kernel.threads-max, or end some processes",
        "kernel/fork.c:copy_process; rule ALLOC-13",
    ),
    Cause(
        "pid_max",
        "EAGAIN",
        no_number,
        "no number below kernel.pid_max, {numbers.pid_max}, is free in the PID namespace",
        "Raise the sysctl kernel.pid_max of the namespace, or reap zombies",
        "kernel/pid.c:alloc_pid; rules ALLOC-05, ALLOC-09",
    ),
    Cause(
        "pids_cgroup",
        "EAGAIN",
        lambda failure, facts: facts.numbers.cgroup is not None,
        "the cgroup {numbers.cgroup} has as many tasks as its pids.max allows: {numbers.cgroup_max}",
        "Raise pids.max (TasksMax= of systemd, --pids-limit of Docker), or end what runs in it",
        "kernel/cgroup/pids.c:pids_can_fork; rule ALLOC-12",
    ),
    Cause(
        "processes",
        "EAGAIN",
        always,
        "one of these is reached, here or above: RLIMIT_NPROC ({numbers.nproc}), kernel.threads-max ({numbers.threads_max}), kernel."
        "pid_max ({numbers.pid_max}), pids.max of a cgroup",
        "Raise it, or end some processes",
        "kernel/fork.c:copy_process",
    ),
)
LIFELESS = (
    Cause(
        "dead_init",
        "ENOMEM",
        pending,
        "the PID namespace for the process's children has lost its init, and with it the right to have processes",
        "Make another namespace: setns back to /proc/self/ns/pid, then unshare again; keep its first child alive while it is needed",
        "kernel/pid.c:alloc_pid; rule ALLOC-14",
    ),
    Cause(
        "no_memory",
        "ENOMEM",
        always,
        "the kernel has no memory, or the init of the process's own PID namespace or of one above is ending",
        "Free memory; where an init is ending nothing helps",
        "kernel/fork.c:copy_process",
    ),
)
