"""Why ids are not mapped, taken or changed: uid_map and its like, setgroups, setuid, capset, sethostname."""

from __future__ import annotations

import os

from nscore.flags import Capability
from nscore.running.causes.cause import CONFINED, DESCRIPTORS, FILTERED, Cause, always, both, foreign, lacks, target
from nscore.running.facts import Facts
from nscore.running.failures import Failure
from nscore.running.target import MAPS


def file_name(facts: Facts) -> str:
    """The last part of the path."""
    return os.path.basename(facts.target.path)


def id_map(failure: Failure, facts: Facts) -> bool:
    """A map is to be written."""
    return file_name(facts) in MAPS[:3]


def written(failure: Failure, facts: Facts) -> bool:
    """The map is not empty any more."""
    return bool(facts.target.map)


def extents(failure: Failure) -> list[list[str]]:
    """The lines that were to be written."""
    data = failure.arguments.get("data")
    return [line.split() for line in data.decode(errors="replace").splitlines()] if isinstance(data, bytes) else []


def one_id(failure: Failure, facts: Facts) -> bool:
    """One id alone was to be mapped, as whoever made the namespace may."""
    lines = extents(failure)
    return len(lines) == 1 and lines[0][2:] == ["1"]


def confined_by_apparmor(failure: Failure, facts: Facts) -> bool:
    """AppArmor has given the process, at its unshare, a profile without capabilities."""
    return facts.apparmor == 1 and "unprivileged_userns" in str(facts.label)


WRITE = (
    Cause(
        "apparmor",
        "EPERM EACCES",
        both(id_map, confined_by_apparmor),
        "kernel.apparmor_restrict_unprivileged_userns is 1: AppArmor has made the user namespace, but gives no capability in it",
        "Set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0, or give the program a profile with the rule userns",
        "security/apparmor/lsm.c:apparmor_userns_create",
    ),
    Cause(
        "map_written",
        "EPERM",
        both(id_map, written),
        "{target.path} has been written, and a map is written once",
        "Write all of it in one write(2)",
        "kernel/user_namespace.c:map_write; rules USER",
    ),
    Cause(
        "setgroups_allowed",
        "EPERM",
        both(lambda failure, facts: file_name(facts) == "gid_map", one_id, target(setgroups="allow")),
        "without CAP_SETGID in the user namespace above one group can be mapped only when setgroups(2) has been given up",
        'Write "deny" to /proc/PID/setgroups before gid_map, or have newgidmap(1) write it',
        "kernel/user_namespace.c:new_idmap_permitted; rules USER",
    ),
    Cause(
        "foreign_ids",
        "EPERM",
        id_map,
        "the map has ids that the writer may not give away: without CAP_SETUID (CAP_SETGID) above that is one's own effective id alone; "
        "ids that are not mapped above are nobody's to give, and 0 there takes CAP_SETFCAP",
        "Map one's own id alone, or have newuidmap(1) and newgidmap(1) write what /etc/subuid and /etc/subgid grant",
        "kernel/user_namespace.c:new_idmap_permitted, verify_root_map; rules USER",
    ),
    Cause(
        "map_malformed",
        "EINVAL",
        id_map,
        "a map is up to 340 lines of three numbers (inside, outside, how many), without overlaps, below a page, in one write at offset 0",
        "Correct it",
        "kernel/user_namespace.c:map_write; rules USER",
    ),
    Cause(
        "setgroups_final",
        "EPERM",
        lambda failure, facts: file_name(facts) == "setgroups",
        'what setgroups says is final once gid_map is written, and "deny" is for ever',
        "Write it before gid_map, or make another user namespace",
        "kernel/user_namespace.c:proc_setgroups_write; rules USER",
    ),
    Cause(
        "setgroups_malformed",
        "EINVAL",
        lambda failure, facts: file_name(facts) == "setgroups",
        'the file takes "allow" or "deny"',
        "Correct it",
        "kernel/user_namespace.c:proc_setgroups_write; rules USER",
    ),
    Cause(
        "sysctl_value",
        "EINVAL",
        lambda failure, facts: facts.target.path.startswith("/proc/sys/"),
        "{target.path} does not take that value",
        "Look into its documentation for the range: pid_max is at least 301",
        "kernel/sysctl.c",
    ),
    Cause(
        "sysctl_capability",
        "EPERM EACCES",
        lambda failure, facts: facts.target.path.startswith("/proc/sys/"),
        "{target.path} is for who has the capability over the namespace that it belongs to: CAP_SYS_RESOURCE for user.*, CAP_SYS_ADMIN or "
        "CAP_CHECKPOINT_RESTORE for pid_max and ns_last_pid",
        "Write it as root there",
        "kernel/ucount.c:set_permissions; kernel/pid.c:pid_table_root_permissions",
    ),
)
OPEN = (
    Cause(
        "foreign_proc",
        "ENOENT",
        both(
            lambda failure, facts: facts.target.path.startswith("/proc/"),
            lambda failure, facts: facts.pid is not None and facts.shown != str(facts.pid),
        ),
        "/proc is not of this process's PID namespace (it calls the process {facts.shown!r}, whose PID is {facts.pid}), or is not mounted",
        "Mount proc on /proc in this PID namespace",
        "fs/proc/root.c; rules MNT",
    ),
    Cause(
        "no_init_yet",
        "ENOENT",
        lambda failure, facts: facts.target.path.endswith("/ns/pid_for_children"),
        "the PID namespace for children has no init yet: it is there when the first child is born",
        "Fork first",
        "kernel/pid_namespace.c:pidns_for_children_get; rule CREATE",
    ),
    Cause(
        "process_gone",
        "ENOENT ESRCH",
        lambda failure, facts: facts.target.path.startswith("/proc/") and (not facts.target.leads or facts.target.state == "Z"),
        "no process has that number here, or it is a zombie, which has given up its namespaces",
        "Hold a pidfd, or a descriptor of the namespace, while the process lives",
        "fs/proc/base.c:proc_pid_lookup; fs/proc/namespaces.c",
    ),
    Cause(
        "no_such_path",
        "ENOENT ENOTDIR",
        always,
        "the path does not exist",
        "In a chroot or after pivot_root paths begin there",
        "fs/namei.c",
    ),
    Cause(
        "not_dumpable",
        "EACCES EPERM",
        lambda failure, facts: facts.target.path.startswith(("/proc/self/", "/proc/thread-self/", f"/proc/{facts.pid}/")),
        "the process has changed its ids or capabilities, or was started from an unreadable file, so that its files in /proc are root's",
        "Execute something (that resets it), or prctl(PR_SET_DUMPABLE, 1); or have another process write them",
        "fs/proc/base.c:task_dump_owner; prctl(2), PR_SET_DUMPABLE; rules PROC",
    ),
    Cause(
        "ptrace_access",
        "EACCES EPERM",
        lambda failure, facts: facts.target.path.startswith("/proc/") and not facts.target.path.startswith("/proc/sys/"),
        "the process may not look into that one: another user's, one that has changed its ids or has an unreadable executable, or of a "
        "user namespace above",
        "Take CAP_SYS_PTRACE over its user namespace, or ask as the same user",
        "kernel/ptrace.c:__ptrace_may_access; rules MNT",
    ),
    *WRITE[-1:],
    DESCRIPTORS,
    CONFINED,
)
UNMAPPED = Cause(
    "unmapped_id",
    "EINVAL",
    always,
    "the id is not mapped in the process's user namespace: {facts.uid_map} and {facts.gid_map} are",
    "Map it when the namespace is made: uid_map and gid_map are written once",
    "kernel/sys.c:__sys_setuid; rules USER",
)
SETGROUPS = (
    FILTERED,
    Cause(
        "cap_setgid",
        "EPERM",
        lacks(Capability.SETGID),
        "setgroups takes CAP_SETGID in the process's user namespace",
        "Run it as root, or do it before giving up one's rights",
        "kernel/groups.c:may_setgroups; rule USER-26",
    ),
    Cause(
        "gid_map_missing",
        "EPERM",
        lambda failure, facts: facts.gid_map == (),
        "gid_map of the user namespace is not written",
        "Write it first",
        "kernel/user_namespace.c:userns_may_setgroups; rule USER-26",
    ),
    Cause(
        "setgroups_denied",
        "EPERM",
        lambda failure, facts: facts.setgroups == "deny",
        'setgroups has been given up in this user namespace (/proc/self/setgroups is "deny")',
        "Have gid_map written by who has CAP_SETGID above, such as newgidmap(1), without that",
        "kernel/user_namespace.c:userns_may_setgroups; rule USER-26",
    ),
    UNMAPPED,
)


def ids(capability: Capability) -> tuple[Cause, ...]:
    """The rows of setuid or setgid and their variants."""
    name = f"CAP_{capability.name}"
    return (
        FILTERED,
        UNMAPPED,
        Cause(
            name.lower(),
            "EPERM",
            lacks(capability),
            f"without {name} an id can only become one that the process has: the real, the effective or the saved one",
            "Do it before giving up one's rights",
            "kernel/sys.c; rules USER",
        ),
    )


SETHOSTNAME = (
    FILTERED,
    Cause(
        "foreign_uts_namespace",
        "EPERM",
        foreign("uts"),
        "the UTS namespace is owned by a user namespace above the process's own",
        "Make one with or after the user namespace (CLONE_NEWUTS)",
        "kernel/sys.c:sethostname",
    ),
    Cause(
        "cap_sys_admin",
        "EPERM",
        lacks(Capability.SYS_ADMIN),
        "sethostname takes CAP_SYS_ADMIN in the user namespace that owns the UTS namespace",
        "Run it as root, or in namespaces of one's own (CLONE_NEWUSER | CLONE_NEWUTS)",
        "kernel/sys.c:sethostname",
    ),
    Cause("name_too_long", "EINVAL", always, "a host name has at most 64 bytes", "Shorten it", "kernel/sys.c:sethostname"),
)
CAPSET = (
    FILTERED,
    Cause(
        "beyond_permitted",
        "EPERM",
        always,
        "nobody gives himself a capability: effective and inheritable come from what is permitted, and that only shrinks",
        "Ask capget() for what there is; enter a user namespace of one's own for all of them there",
        "security/commoncap.c:cap_capset; rule USER-42",
    ),
)
REBOOT = (
    FILTERED,
    Cause(
        "cap_sys_boot",
        "EPERM",
        always,
        "reboot takes CAP_SYS_BOOT in the user namespace that owns the process's PID namespace",
        "Run it as that namespace's root",
        "kernel/reboot.c:reboot",
    ),
    Cause("reboot_command", "EINVAL", always, "no such command, or none for a namespace", "Pass another", "kernel/reboot.c:reboot"),
)
