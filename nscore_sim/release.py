"""Release profiles: one row a kernel build, one field a difference; code reads the field, never a version number."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One kernel build."""

    name: str
    uts_release: str  #: uname -r
    set_tid_checked_first: bool  #: clone3 judges all of set_tid before it takes a number, since 7.2 (SETTID-10)
    ancestors_deny_fork: bool  #: a dead namespace refuses processes of namespaces below it too, since 7.2 (SETNS-10)
    first_failure_is_final: bool  #: a namespace whose first process fails late can have no other, until 7.2 (ALLOC-15)
    pid_max_per_namespace: bool  #: since 6.14 (SYSCTL-09)
    unbindable_copied: bool  #: what is unbindable is so in a copied mount namespace, but from 6.17.8 to 6.18 (MNT-11)
    proc_pidns: bool  #: proc has the option pidns=, since 6.18 (PROC-03)
    pid_for_children_without_init: bool  #: the link exists before the first process, since 7.2 (PFC-02)
    siginfo_copied: bool  #: each target of a group has its own siginfo, since 7.2 and some stable updates (SINFO-05)
    si_pid_translated: bool  #: kill(2) upwards says the sender's number there, since 7.3 (SINFO-04)
    last_thread_decides: bool  #: the exit code is that of the last thread, since 6.0 (THREAD-05)
    zap_is_idle: bool  #: an init waits for its namespace in state I, since 7.2.13 and some stable updates (INIT-09)
    dumpable_outlives_mm: bool  #: a zombie is as dumpable as it was, since 7.2 and some stable updates (PIDFD-GETFD-04)
    pidfd_ns_released_first: bool  #: PIDFD_GET_*_NAMESPACE of a zombie is ESRCH before EACCES, until 7.2 (PIDFD-NSIOC-02)
    nsfs_absent_pid_is_esrch: bool  #: NS_GET_*PID*_PIDNS says so of no such number, since 7.2 and some stable updates (NSFS-IOC-06)
    setns_mnt_checks_copy: bool  #: setns of NEWNS among others does not see who shares the directories, until 7.3 (PIDFD-SETNS-07)
    exec_securebits: bool  #: the two securebits about scripts, since 6.14
    map_numbers_wrap: bool  #: numbers of uid_map beyond 64 bits wrap, until 7.2 (USER-22)


#: Newest last; boot(release="6.18") is the newest row of the series.
RELEASES = {
    release.name: release
    for release in (
        Release(
            "6.18.44",
            uts_release="6.18.44",
            set_tid_checked_first=False,
            ancestors_deny_fork=False,
            first_failure_is_final=True,
            pid_max_per_namespace=True,
            unbindable_copied=False,
            proc_pidns=True,
            pid_for_children_without_init=False,
            siginfo_copied=False,
            si_pid_translated=False,
            last_thread_decides=True,
            zap_is_idle=False,
            dumpable_outlives_mm=True,
            pidfd_ns_released_first=True,
            nsfs_absent_pid_is_esrch=True,
            setns_mnt_checks_copy=True,
            exec_securebits=True,
            map_numbers_wrap=True,
        ),
    )
}
