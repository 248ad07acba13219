"""Broken lines of the model, each of which the case of its rule must notice.

A row is a rule, a file, a line of the model as it stands and the broken line.  In every run each row still matches exactly once
(test_mutants.py); `python3 -m tests.long mutants` applies each in a copy, and that rule's own cases must fail there by an assertion;
`python3 -m tests.mutants PATTERN...` those of some rules or files.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: How a case ends that notices: by an assertion, or because the process that it drives is not where it has to be.
ASSERTED = re.compile(r"^(AssertionError|nscore\.errors\.(Blocked|Gone))\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken line: the text before and after, without indentation; an elif is an if."""

    rule: str
    file: str
    line: str
    broken: str

    def matches(self) -> int:
        """How often the line stands in the file."""
        return sum(map(self._is_it, (ROOT / "nscore_sim" / self.file).read_text().splitlines()))

    def apply(self, tree: Path) -> None:
        """Break the line in a copy of the project."""
        path = tree / "nscore_sim" / self.file
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([line.replace(self.line, self.broken) if self._is_it(line) else line for line in lines]))

    def _is_it(self, line: str) -> bool:
        return line.strip().removeprefix("el") == self.line


#: See the module's docstring.
MUTANTS: tuple[Mutant, ...] = (
    Mutant("SIG-01", "signal.py", "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not (force and only):", "if False:"),
    Mutant(
        "SIG-02",
        "signal.py",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not (force and only):",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE:",
    ),
    Mutant(
        "SIG-04",
        "signal.py",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not (force and only):",
        "if handler == SIG_DFL and t.signal.flags & SIGNAL_UNKILLABLE and not force:",
    ),
    Mutant("SIG-03", "signal.py", "return info.si_code == SI_KERNEL", "return True"),
    Mutant("SIG-06", "signal.py", "if (t.blocked | t.real_blocked) & bit:", "if t.real_blocked & bit:"),
    Mutant(
        "SIG-06",
        "signal.py",
        "spared = SIGNAL_GROUP_EXIT if sig == SIGKILL else SIGNAL_GROUP_EXIT | SIGNAL_UNKILLABLE",
        "spared = SIGNAL_GROUP_EXIT",
    ),
    Mutant("SIG-08", "signal.py", "flush_process(p, sigmask(SIGCONT))", "pass"),
    Mutant("SIG-08", "signal.py", "flush_process(p, SIG_KERNEL_STOP_MASK)", "pass"),
    Mutant("SIG-16", "signal.py", "info.si_pid = 0", "info.si_pid = 0; return False"),
    Mutant(
        "SIG-18",
        "signal.py",
        "force = has_si_pid_and_uid(info.si_signo, info.si_code) and _translate(task, info, t)",
        "force = _translate(task, info, t)",
    ),
    Mutant("SINFO-02", "signal.py", "info.si_pid = 0", "pass"),
    Mutant("SINFO-08", "signal.py", "info.si_uid = _translate_uid(ours, theirs, info.si_uid)", "pass"),
    Mutant("SINFO-09", "signal.py", "if sig < SIGRTMIN and pending.signal & bit:", "if pending.signal & bit:"),
    Mutant(
        "KILL-01",
        "kill.py",
        "processes = [p for p in processes if p.signal is not task.signal]",
        "processes = [p for p in processes if p is not task]",
    ),
    Mutant(
        "KILL-02",
        "kill.py",
        "processes = [pid.tgid for number, pid in here.idr.entries.items() if number > 1 and pid.tgid is not None]",
        "processes = [pid.tgid for number, pid in here.idr.entries.items() if pid.tgid is not None]",
    ),
    Mutant("KILL-05", "kill.py", "processes.sort(key=lambda p: p.signal.serial)", "processes.sort(key=lambda p: -p.signal.serial)"),
    Mutant("KILL-08", "signal.py", "if sig != SIGCONT or t.signal.session is not task.signal.session:", "if sig != SIGCONT:"),
    Mutant("THREAD-02", "exit.py", "if heir is None:", "if True:"),
    Mutant(
        "THREAD-05",
        "exit.py",
        "if not signal.quick_threads and not signal.flags & SIGNAL_GROUP_EXIT and task.kernel.release.last_thread_decides:",
        "if False:",
    ),
    Mutant("THREAD-07", "exit.py", "if reaper.signal is not father.signal:", "if True:"),
    Mutant(
        "THREAD-08",
        "wait.py",
        "return parent is task or (not wo.flags & WNOTHREAD and parent.signal is task.signal)",
        "return parent is task or parent.signal is task.signal",
    ),
    Mutant("THREAD-08", "wait.py", "for thread in (*threads[at:], *threads[:at]):", "for thread in threads:"),
    Mutant("EXITSIG-05", "wait.py", "return bool(wo.flags & WALL) or (p.exit_signal != SIGCHLD) == bool(wo.flags & WCLONE)", "return True"),
    Mutant("EXITSIG-07", "signal.py", "if sig != SIGCHLD and t.parent_exec_id != parent.self_exec_id:", "if False:"),
    Mutant("EXITSIG-08", "exit.py", "p.exit_signal = SIGCHLD", "pass"),
    Mutant("EXITSIG-11", "signal.py", "if handler == SIG_IGN:", "if True:"),
    Mutant("EXITSIG-10", "signal.py", "if handler == SIG_IGN or flags & SA_NOCLDWAIT:", "if handler == SIG_IGN:"),
    Mutant("WAIT-05", "wait.py", "if wo.again:", "if False:"),
    Mutant("WAIT-08", "wait.py", "signal.group_exit_code = 0", "pass"),
    Mutant("WAIT-08", "wait.py", "signal.flags &= ~SIGNAL_STOP_CONTINUED", "pass"),
    Mutant("WAIT-09", "wait.py", "if exit_state == EXIT_ZOMBIE and p.signal.nr_threads == 1:", "if exit_state == EXIT_ZOMBIE:"),
    Mutant("WAIT-03", "wait.py", "if upid == INT_MIN:", "if False:"),
    Mutant(
        "REPARENT-03",
        "exit.py",
        "while reaper.thread_pid.level == level and reaper is not father.kernel.init_task:",
        "while reaper is not father.kernel.init_task:",
    ),
    Mutant("REPARENT-04", "exit.py", "if father.signal.has_child_subreaper:", "if False:"),
    Mutant(
        "REPARENT-10",
        "exit.py",
        "if p.exit_state == EXIT_ZOMBIE and p.signal.nr_threads == 1 and do_notify_parent(p, SIGCHLD):",
        "if False:",
    ),
    Mutant("PDEATH-04", "exit.py", "if t.pdeath_signal:", "if t.pdeath_signal and reaper.signal is not father.signal:"),
    Mutant(
        "PDEATH-06",
        "exit.py",
        "group_send_sig_info(father, t.pdeath_signal, NOINFO, t, PIDTYPE_TGID)",
        "group_send_sig_info(t, t.pdeath_signal, NOINFO, t, PIDTYPE_TGID)",
    ),
    Mutant(
        "PDEATH-07", "signal.py", "if prepare_signal(sig, t, not pid_nr_ns(task.thread_pid, here)):", "if prepare_signal(sig, t, False):"
    ),
    Mutant("SINFO-07", "signal.py", "number = pid_nr_ns(task.group_leader.thread_pid, here)", "number = 0"),
    Mutant("INIT-02", "zap.py", "for pid in ns.idr.walk(2):", "for pid in ns.idr.walk(3):"),
    Mutant("INIT-05", "zap.py", "wo = WaitOpts(PIDTYPE_MAX, None, WEXITED | WALL)", "wo = WaitOpts(PIDTYPE_MAX, None, WEXITED)"),
    Mutant("INIT-06", "zap.py", "if ns.pid_allocated != (1 if task.exit_signal >= 0 else 2):", "if False:"),
    Mutant("INIT-13", "zap.py", "set_action(task.sighand, SIGCHLD, (SIG_IGN, *task.sighand.action[SIGCHLD][1:]))", "pass"),
    Mutant("INIT-14", "zap.py", "disable_pid_allocation(ns)", "pass"),
    Mutant("REBOOT-01", "zap.py", "task.signal.group_exit_code = ns.reboot", "pass"),
    Mutant("REBOOT-02", "reboot.py", "if not ns_capable(task, ns.user_ns, CAP_SYS_BOOT):", "if False:"),
    Mutant("REBOOT-03", "reboot.py", "do_exit(task, 0)", "do_exit(task, 9)"),
    Mutant("VFORK-01", "exit.py", "try_to_wake_up(parent, TASK_NORMAL | TASK_WAKEKILL)", "pass"),
    Mutant(
        "PGRP-16",
        "exit.py",
        "if parent.signal.pgrp is not pgrp and parent.signal.session is p.signal.session:",
        "if parent.signal.pgrp is not pgrp:",
    ),
    Mutant("SIG-13", "fork.py", "signal.flags = SIGNAL_UNKILLABLE", "pass"),
    Mutant(
        "ALLOC-05",
        "pid.py",
        "number = idr.alloc_cyclic(RESERVED_PIDS if idr.idr_next > RESERVED_PIDS else 1, at.pid_max)",
        "number = idr.alloc_cyclic(1, at.pid_max)",
    ),
    Mutant("ALLOC-10", "pid.py", "at.idr.remove(number)", "at.idr.remove(number); at.idr.idr_next = number"),
    Mutant("SETTID-05", "pid.py", "if not 1 <= tid < ns.pid_max:", "if not 1 <= tid <= ns.pid_max:"),
    Mutant("SETTID-06", "pid.py", "if needs_init and tid != 1 and ns.child_reaper is None:", "if False:"),
    Mutant("SETTID-03", "pid.py", "if len(set_tid) > ns.level + 1:", "if len(set_tid) > ns.level + 2:"),
    Mutant("CREATE-04", "pid_namespace.py", "if old is not task.thread_pid.ns:", "if False:"),
    Mutant("CREATE-08", "pid_namespace.py", "if parent.level >= MAX_PID_NS_LEVEL:", "if parent.level > MAX_PID_NS_LEVEL:"),
    Mutant("SETNS-03", "pid_namespace.py", "if not pidns_is_ancestor(new, task.thread_pid.ns):", "if False:"),
    Mutant("CREATE-14", "fork.py", "if task.nsproxy.pid_ns_for_children is not task.thread_pid.ns:", "if False:"),
    Mutant(
        "EXITSIG-03", "fork.py", "if flags & (CLONE_THREAD | CLONE_PARENT) and exit_signal:", "if flags & CLONE_THREAD and exit_signal:"
    ),
    Mutant(
        "EXITSIG-02",
        "fork.py",
        "if len(set_tid) > MAX_SET_TID or not 0 <= exit_signal <= NSIG:",
        "if len(set_tid) > MAX_SET_TID or not 0 <= exit_signal <= 255:",
    ),
    Mutant(
        "ALLOC-14",
        "pid.py",
        "if not ns.pid_allocated & PIDNS_ADDING or (task.kernel.release.ancestors_deny_fork and _dying(ns)):",
        "if False:",
    ),
    Mutant("CREATE-09", "pid_namespace.py", "if not in_userns(parent.user_ns, user_ns):", "if False:"),
    Mutant(
        "SETNS-02",
        "pid_namespace.py",
        "if not pidns_is_ancestor(new, task.thread_pid.ns):",
        "if new.level < task.thread_pid.ns.level:",
    ),
    Mutant(
        "SETNS-03",
        "pid_namespace.py",
        "if not (ns_capable(task, new.user_ns, CAP_SYS_ADMIN) and ns_capable(task, nsset.cred.user_ns, CAP_SYS_ADMIN)):",
        "if not ns_capable(task, nsset.cred.user_ns, CAP_SYS_ADMIN):",
    ),
    Mutant(
        "PFC-02", "pid_namespace.py", "if ns.child_reaper is None and not task.kernel.release.pid_for_children_without_init:", "if False:"
    ),
    Mutant(
        "VIS-05",
        "sys.py",
        "return pid_nr_ns(task.real_parent.group_leader.thread_pid, task.thread_pid.ns)",
        "return pid_nr_ns(task.real_parent.group_leader.thread_pid, task.thread_pid.ns) or 1",
    ),
    Mutant("PREC-09", "sys.py", "if p.signal.session is not task.signal.session:", "if False:"),
    Mutant("PGRP-13", "sys.py", "if leader.signal.leader or sid.pgrp:", "if leader.signal.leader:"),
    Mutant("PGRP-15", "sys.py", "if p.signal.leader:", "if False:"),
    Mutant("USER-40", "commoncap.py", "if not old.securebits & SECBIT_KEEP_CAPS:", "if True:"),
    Mutant("USER-40", "commoncap.py", "if old.euid != root == new.euid:", "if False:"),
    Mutant("USER-11", "capability.py", "if parent is cred.user_ns and ns.owner == cred.euid:", "if parent is cred.user_ns:"),
    Mutant("MISC-02", "cred.py", "if changed or not cred_cap_issubset(old, new):", "if changed:"),
    Mutant("MISC-02", "cred.py", "if ns.parent is set.user_ns and ns.owner == set.euid:", "if ns.parent is set.user_ns:"),
    Mutant("MNT-13", "mount.py", "if flag & CL_SLAVE or (flag & CL_SHARED_TO_SLAVE and is_shared(old)):", "if flag & CL_SLAVE:"),
    Mutant("MNT-14", "mnt_namespace.py", "lock_mnt_tree(root)", "pass"),
    Mutant("MNT-42", "pivot_root.py", "if new.mnt is root.mnt or old.mnt is root.mnt:", "if False:"),
    Mutant(
        "PROC-10",
        "proc/base.py",
        "return [str(pid_nr_ns(thread.thread_pid, ns)) for thread in leader.signal.threads]",
        "return sorted([str(pid_nr_ns(thread.thread_pid, ns)) for thread in leader.signal.threads], key=int)",
    ),
    Mutant("PROC-43", "proc/array.py", "exit_code if permitted else 0,", "exit_code,"),
    Mutant(
        "USER-02", "user_namespace.py", "if from_kuid(parent, owner) == INVALID_ID or from_kgid(parent, group) == INVALID_ID:", "if False:"
    ),
    Mutant("USER-04", "user_namespace.py", "cred.cap_bset = CAP_FULL_SET", "pass"),
    Mutant(
        "USER-10",
        "user_namespace.py",
        "if user_ns is task.cred.user_ns or task.signal.nr_threads > 1 or task.fs.users != 1:",
        "if task.signal.nr_threads > 1 or task.fs.users != 1:",
    ),
    Mutant("NSFS-IOC-04", "user_namespace.py", "if owner is None or not in_userns(task.cred.user_ns, owner):", "if owner is None:"),
    Mutant("USER-27", "user_namespace.py", "return OVERFLOW_ID if uid == INVALID_ID else uid", "return uid"),
    Mutant(
        "USER-26",
        "user_namespace.py",
        "self.flags: int = USERNS_SETGROUPS_ALLOWED if parent is None else parent.flags",
        "self.flags: int = USERNS_SETGROUPS_ALLOWED",
    ),
    Mutant("USER-24", "uid_map.py", "return ns.parent_could_setfcap", "return True"),
    Mutant(
        "USER-23",
        "uid_map.py",
        "if len(wanted) == 1 and count == 1 and ns.owner == cred.euid:",
        "if len(wanted) == 1 and ns.owner == cred.euid:",
    ),
    Mutant("USER-21", "uid_map.py", "if pos or len(data) >= PAGE_SIZE:", "if len(data) >= PAGE_SIZE:"),
    Mutant(
        "USER-21",
        "uid_map.py",
        "if old or (cap_setid is not None and not file_ns_capable(file, ns, CAP_SYS_ADMIN)):",
        "if cap_setid is not None and not file_ns_capable(file, ns, CAP_SYS_ADMIN):",
    ),
    Mutant("USER-25", "uid_map.py", "if lower is ns and ns.parent is not None:", "if False:"),
    Mutant("USER-26", "uid_map.py", "if ns.gid_map:", "if False:"),
    Mutant(
        "USER-22",
        "uid_map.py",
        "if first + count & U32 <= first or lower + count & U32 <= lower:",
        "if first + count & U32 < first or lower + count & U32 < lower:",
    ),
    Mutant("USER-40", "commoncap.py", "if old.euid == root != new.euid:", "if False:"),
    Mutant(
        "USER-42",
        "commoncap.py",
        "if not cap_issubset(permitted, old.cap_permitted) or not cap_issubset(effective, permitted):",
        "if not cap_issubset(effective, permitted):",
    ),
    Mutant("USER-43", "commoncap.py", "if (is_setid or gained) and (task.no_new_privs or unsafe_exec(task)):", "if False:"),
    Mutant("MISC-05", "commoncap.py", "if task.cred.securebits & SECBIT_KEEP_CAPS_LOCKED:", "if False:"),
    Mutant("PDEATH-02", "cred.py", "task.pdeath_signal = 0", "pass"),
    Mutant("PIDFD-GETFD-04", "cred.py", "task.mm.dumpable = SUID_DUMP_DISABLE", "pass"),
    Mutant(
        "USER-31",
        "ptrace.py",
        "same = uid == tcred.euid == tcred.suid == tcred.uid and gid == tcred.egid == tcred.sgid == tcred.gid",
        "same = uid == tcred.euid == tcred.uid and gid == tcred.egid == tcred.gid",
    ),
    Mutant(
        "USER-31",
        "ptrace.py",
        "if cred.user_ns is tcred.user_ns and cap_issubset(tcred.cap_permitted, caps):",
        "if cred.user_ns is tcred.user_ns:",
    ),
    Mutant(
        "PIDFD-POLL-01",
        "pidfs.py",
        "return POLL_DEAD if target.exit_state and not delay_group_leader(target) else 0",
        "return POLL_DEAD if target.exit_state else 0",
    ),
    Mutant("PIDFD-FDINFO-05", "pidfs.py", "nr = pid_nr_ns(pid, ns) if pid.task is not None else -1", "nr = pid_nr_ns(pid, ns)"),
    Mutant(
        "PIDFD-FDINFO-03",
        "pidfs.py",
        "below = pid.numbers[ns.level + 1 :] if nr > 0 else ()",
        "below = pid.numbers[ns.level :] if nr > 0 else ()",
    ),
    Mutant("PIDFD-OPEN-03", "pidfs.py", "if not flags & PIDFD_THREAD and pid.tgid is None:", "if False:"),
    Mutant("PIDFD-GETFD-01", "pidfs.py", "if not ptrace_may_access(task, target, PTRACE_MODE_ATTACH_REALCREDS):", "if False:"),
    Mutant("PIDFD-INFO-10", "pidfs.py", "if not pid_in_current_pidns(task, pid):", "if False:"),
    Mutant("PIDFD-NSIOC-02", "pidfs.py", "if not ptrace_may_access(task, target, PTRACE_MODE_READ_FSCREDS):", "if False:"),
    Mutant("PIDFD-SEND-02", "pidfd_signal.py", "return pid_vnr(task, pid) != 0", "return True"),
    Mutant(
        "PIDFD-SEND-05", "pidfd_signal.py", "scope = PIDTYPE_PID if file.f_flags & PIDFD_THREAD else PIDTYPE_TGID", "scope = PIDTYPE_TGID"
    ),
    Mutant(
        "PIDFD-SEND-09",
        "pidfd_signal.py",
        "if (task.thread_pid is not pid or scope == PIDTYPE_PGID) and (info.si_code >= 0 or info.si_code == SI_TKILL):",
        "if task.thread_pid is not pid and (info.si_code >= 0 or info.si_code == SI_TKILL):",
    ),
    Mutant("NSFS-IOC-08", "nsfs.py", "return from_kuid_munged(task.cred.user_ns, to_user_ns(ns).owner)", "return to_user_ns(ns).owner"),
    Mutant(
        "NSFS-IOC-05",
        "nsfs.py",
        "return translate(task, find_task_by_pid_ns(id, fget_pid_ns(task, fd)), task.thread_pid.ns, task_tgid_nr_ns)",
        "return translate(task, find_task_by_pid_ns(id, fget_pid_ns(task, fd)), task.thread_pid.ns, task_pid_nr_ns)",
    ),
    Mutant("NSFS-LINK-05", "nsfs.py", "if mask & MAY_WRITE:", "if False:"),
    Mutant("SETNS-05", "nsproxy.py", "target.thread_pid.ns.ns,", "nsp.pid_ns_for_children.ns,"),
    Mutant("PIDFD-SETNS-01", "nsproxy.py", "if not flags or flags & ~CLONE_NEW_ALL:", "if flags & ~CLONE_NEW_ALL:"),
    Mutant("SETNS-04", "nsproxy.py", "if nstype and nstype != flags:", "if nstype and not nstype & flags:"),
    Mutant(
        "USER-05",
        "nsproxy.py",
        "new = create_new_namespaces(flags, task, cred.user_ns, new_fs)",
        "new = create_new_namespaces(flags, task, task.cred.user_ns, new_fs)",
    ),
    Mutant("UTS-09", "nsproxy.py", "if flags & CLONE_NEWIPC and flags & CLONE_SYSVSEM:", "if False:"),
    Mutant("USER-01", "unshare.py", "(CLONE_NEWUSER, CLONE_THREAD | CLONE_FS),", "(CLONE_NEWUSER, CLONE_FS),"),
    Mutant("MNT-10", "unshare.py", "(CLONE_NEWNS, CLONE_FS),", "(CLONE_NEWNS, 0),"),
    Mutant(
        "PERM-05",
        "ucount.py",
        "if any(each.ucount[kind] >= each.ns.ucount_max[kind] for each in upwards(ucounts)):",
        "if ucounts.ucount[kind] >= ucounts.ns.ucount_max[kind]:",
    ),
    Mutant("PGRP-15", "sys.py", "if not p.flags & PF_FORKNOEXEC:", "if False:"),
    Mutant(
        "PGRP-15",
        "sys.py",
        "if pgrp is None or member is None or member.signal.session is not task.signal.session:",
        "if pgrp is None or member is None:",
    ),
    Mutant("REPARENT-07", "sys.py", "left = [task] if arg else []", "left = []"),
    Mutant("MISC-01", "sys.py", "TASK_COMM_LEN = 15", "TASK_COMM_LEN = 16"),
    Mutant(
        "UTS-01",
        "utsname.py",
        "return old if ns is None else UtsNamespace(ns, copy.copy(old.name))",
        "return old if ns is None else UtsNamespace(ns, old.name)",
    ),
    Mutant(
        "SINFO-06", "jobctl.py", "number = pid_nr_ns(leader.thread_pid, parent.thread_pid.ns)", "number = leader.thread_pid.numbers[-1]"
    ),
    Mutant("PDEATH-02", "exec.py", "if secure_exec(old, new):", "if True:"),
    Mutant("EXITSIG-07", "exec.py", "task.self_exec_id += 1", "pass"),
    Mutant(
        "MNT-18",
        "namespace.py",
        "if not path_mounted(path) or kind & ~MS_PROPAGATION or kind & (kind - 1) or ns is None:",
        "if not path_mounted(path) or kind & ~MS_PROPAGATION or ns is None:",
    ),
    Mutant("MNT-19", "namespace.py", "if is_shared(mnt.mnt_parent):", "if False:"),
    Mutant("MNT-14", "namespace.py", "if not recurse and has_locked_children(mnt, old.dentry):", "if False:"),
    Mutant(
        "MNT-14",
        "namespace.py",
        "if not path_mounted(path) or not check_mnt(task, mnt) or mnt.mnt_flags & MNT_LOCKED:",
        "if not path_mounted(path) or not check_mnt(task, mnt):",
    ),
    Mutant(
        "MNT-31",
        "namespace.py",
        "if not flags & MNT_DETACH and propagate_mount_busy(mnt):",
        "if not flags & MNT_DETACH and mnt.mnt_mounts:",
    ),
    Mutant("MNT-40", "namespace.py", "if d_is_dir(path.dentry) != d_is_dir(mnt.mnt_root):", "if False:"),
    Mutant(
        "MNT-05",
        "namespace.py",
        "if all(child.mnt_mountpoint.d_inode.empty_dir() for child in mnt.mnt_mounts.values() if child.mnt_flags & MNT_LOCKED):",
        "if True:",
    ),
    Mutant("MNT-02", "namespace.py", "mnt_flags |= MNT_RELATIME", "pass"),
    Mutant("PROC-05", "namespace.py", "fc.reconfigure(sb)", "pass"),
    Mutant("MNT-11", "mount.py", "if is_shared(old):", "if False:"),
    Mutant("MNT-14", "mount_tree.py", "mnt.mnt_flags |= MNT_LOCK_ATIME | MNT_LOCKED", "mnt.mnt_flags |= MNT_LOCK_ATIME"),
    Mutant("MNT-16", "mount_tree.py", "attach_mnt(covering, top, top.mnt_root)", "pass"),
    Mutant("MNT-17", "pnode.py", "if len(child.mnt_mounts) == (topper is not None) and child.mnt_count:", "if False:"),
    Mutant("MNT-18", "pnode.py", "source = leave_peers(mnt) or source", "leave_peers(mnt)"),
    Mutant("MNT-16", "pnode.py", "propagate_slaves(dest, mountpoint, copies[-1][1] if copies else source, copies)", "pass"),
    Mutant("PIDFD-SETNS-03", "mnt_namespace.py", "if nsset.fs.users != 1:", "if False:"),
    Mutant("MNT-51", "mnt_namespace.py", "set_fs_root(nsset.fs, root)", "pass"),
    Mutant("MNT-43", "pivot_root.py", "if fs.root == old:", "if False:"),
    Mutant("PIDFD-OBJ-05", "file.py", "if file.f_flags & O_PATH:", "if False:"),
    Mutant("SIG-12", "pipe.py", 'raise Errno("EPIPE")', "return 0"),
    Mutant("PIDFD-SELF-02", "select.py", "if fd < 0:", "if fd == -1:"),
    Mutant(
        "SCM-01", "scm.py", "pid = 0 if scm.pid is None else pid_vnr(task, scm.pid)", "pid = 0 if scm.pid is None else scm.pid.numbers[-1]"
    ),
    Mutant("SCM-06", "scm.py", "if INVALID_ID in (kuid, kgid):", "if False:"),
    Mutant(
        "SCM-07",
        "scm.py",
        "if pid != own and not ns_capable(task, task_active_pid_ns(task).user_ns, CAP_SYS_ADMIN):",
        "if pid != own and not ns_capable(task, task.cred.user_ns, CAP_SYS_ADMIN):",
    ),
    Mutant(
        "NSFS-LIFE-05",
        "scm.py",
        "fd_install(task, fd, get_file(file), bool(flags & MSG_CMSG_CLOEXEC))",
        "fd_install(task, fd, get_file(file), True)",
    ),
    Mutant(
        "SCM-03",
        "af_unix.py",
        "if message.scm.pid is None and (sock.passcred or peer.passcred):",
        "if message.scm.pid is None and peer.passcred:",
    ),
    Mutant(
        "SCM-03",
        "af_unix.py",
        "scm_set_cred(message.scm, tgid, task.cred.uid, task.cred.gid)",
        "scm_set_cred(message.scm, tgid, task.cred.euid, task.cred.egid)",
    ),
    Mutant(
        "SCM-10",
        "af_unix.py",
        "if scms and sock.passcred and (scm.pid, scm.uid, scm.gid) != (scms[0].pid, scms[0].uid, scms[0].gid):",
        "if False:",
    ),
    Mutant(
        "PROC-21",
        "proc/array.py",
        "return tuple(pid_nr_ns(role, each) for each in own[ns.level :])",
        "return tuple(pid_nr_ns(role, each) for each in own)",
    ),
    Mutant(
        "PROC-23",
        "proc/array.py",
        "return pid_nr_ns(p.real_parent.group_leader.thread_pid, ns)",
        "return pid_nr_ns(p.real_parent.thread_pid, ns)",
    ),
    Mutant(
        "PROC-41",
        "proc/array.py",
        'return comm.replace(b"\\\\", b"\\\\\\\\").replace(b"\\n", b"\\\\n")',
        'return comm.replace(b"\\n", b"\\\\n")',
    ),
    Mutant("PROC-06", "proc/base.py", "for pid in sb.pid_ns.idr.walk(1):", "for pid in list(sb.pid_ns.idr.entries.values()):"),
    Mutant(
        "PROC-10",
        "proc/base.py",
        "if leader is None or thread is None or thread.task is None or thread.task.signal is not leader.signal:",
        "if leader is None or thread is None or thread.task is None:",
    ),
    Mutant(
        "PROC-74",
        "proc/base.py",
        "if sb.hide_pid == HIDEPID_NOT_PTRACEABLE and not has_pid_permissions(sb, task, p, HIDEPID_NO_ACCESS):",
        "if False:",
    ),
    Mutant(
        "PROC-71",
        "proc/internal.py",
        "if sb.hide_pid != HIDEPID_NOT_PTRACEABLE and (sb.hide_pid < hide_pid_min or in_group(task, sb.pid_gid)):",
        "if sb.hide_pid < hide_pid_min or in_group(task, sb.pid_gid):",
    ),
    Mutant("PROC-73", "proc/internal.py", 'raise Errno("ENOENT" if sb.hide_pid == HIDEPID_INVISIBLE else "EPERM")', 'raise Errno("EPERM")'),
    Mutant("MISC-03", "proc/internal.py", "if mm.dumpable != SUID_DUMP_USER:", "if False:"),
    Mutant("PROC-11", "proc/root.py", "if not tgid:", "if False:"),
    Mutant("PROC-70", "proc/root.py", "if number not in HIDEPID_NAMES:", "if not 0 <= number <= 4:"),
    Mutant("PROC-03", "proc/root.py", "if container.level < active.level or container.path[active.level] is not active:", "if False:"),
    Mutant(
        "PROC-30",
        "proc/root.py",
        'return b"0.00 0.00 0.00 1/%d %d\\n" % (task.kernel.nr_threads, task_active_pid_ns(task).idr.idr_next - 1)',
        'return b"0.00 0.00 0.00 1/%d %d\\n" % (task.kernel.nr_threads, file.f_path.dentry.d_inode.i_sb.pid_ns.idr.idr_next - 1)',
    ),
    Mutant("SYSCTL-02", "proc/sysctl.py", "ns.idr.idr_next = last + 1", "ns.idr.idr_next = last"),
    Mutant("SYSCTL-05", "proc/sysctl.py", "if not checkpoint_restore_ns_capable(task, ns.user_ns):", "if False:"),
    Mutant("SYSCTL-11", "proc/sysctl.py", "PID_MAX_MIN = 301", "PID_MAX_MIN = 300"),
    Mutant(
        "SYSCTL-09",
        "proc/sysctl.py",
        "return task_active_pid_ns(task) if task.kernel.release.pid_max_per_namespace else task.kernel.init_pid_ns",
        "return task.kernel.init_pid_ns",
    ),
    Mutant("UTS-05", "proc/sysctl.py", 'added = re.split(rb"[\\0\\n]", data, maxsplit=1)[0]', "added = data"),
    Mutant("PERM-08", "proc/sysctl.py", "if ns_capable(task, as_user_ns(bound), CAP_SYS_RESOURCE):", "if True:"),
    Mutant(
        "SYSCTL-13", "proc/sysctl.py", 'return b"%d\\n" % as_pid_ns(bound).pid_max', 'return b"%d\\n" % task_active_pid_ns(task).pid_max'
    ),
    Mutant(
        "PROC-09",
        "proc/fd.py",
        'if not (name.isascii() and name.isdigit()) or (name[0] == "0" and name != "0") or int(name) >= 0xFFFFFFFF:',
        "if not (name.isascii() and name.isdigit()) or int(name) >= 0xFFFFFFFF:",
    ),
    Mutant(
        "PIDFD-FDINFO-01",
        "proc/fd.py",
        "flags = file.f_flags | (O_CLOEXEC if p.files.fdt.close_on_exec >> fd & 1 else 0)",
        "flags = file.f_flags",
    ),
    Mutant(
        "MNT-20",
        "proc_namespace.py",
        "return {mnt: place for mnt, (place, reached) in places.items() if reached}",
        "return {mnt: place for mnt, (place, reached) in places.items()}",
    ),
    Mutant(
        "NSFS-IOC-03", "pid_namespace.py", "if parent is None or not pidns_is_ancestor(parent, task.thread_pid.ns):", "if parent is None:"
    ),
    Mutant("CREATE-13", "fork.py", "if flags & CLONE_PARENT and task.signal.flags & SIGNAL_UNKILLABLE:", "if False:"),
    Mutant(
        "EXITSIG-03",
        "fork.py",
        "p.exit_signal = -1 if flags & CLONE_THREAD else task.group_leader.exit_signal",
        "p.exit_signal = -1 if flags & CLONE_THREAD else exit_signal",
    ),
    Mutant("VFORK-02", "fork.py", "if not fatal_signal_pending(task):", "if True:"),
    Mutant("SETTID-12", "idr.py", "self.idr_next = number + 1", "self.idr_next = cursor + 1"),
    Mutant("ALLOC-04", "idr.py", "if number >= end:", "if number > end:"),
    Mutant("VIS-09", "kill.py", "if p is None or (tgid > 0 and task_tgid_nr_ns(p, task.thread_pid.ns) != tgid):", "if p is None:"),
    Mutant("PREC-07", "kill.py", "if (code >= 0 or code == SI_TKILL) and task.pid != pid:", "if code >= 0 and task.pid != pid:"),
    Mutant(
        "USER-26",
        "setids.py",
        "return ns_capable(task, user_ns, CAP_SETGID) and userns_may_setgroups(user_ns)",
        "return ns_capable(task, user_ns, CAP_SETGID)",
    ),
    Mutant("USER-41", "commoncap.py", "effective = privileged and new.euid == root", "effective = privileged"),
    Mutant("SIG-05", "sigaction.py", "if sig_handler_ignored(action, sig):", "if False:"),
    Mutant(
        "SIG-05",
        "sigaction.py",
        "task.sighand.action = tuple([(ignored if old[0] == ignored and not force_default else SIG_DFL, 0, 0) for old in kept])",
        "pass",
    ),
    Mutant("WAIT-10", "jobctl.py", "if handler != SIG_IGN and not flags & SA_NOCLDSTOP:", "if handler != SIG_IGN:"),
    Mutant("WAIT-08", "jobctl.py", "signal.group_exit_code = signr", "pass"),
    Mutant("MISC-02", "exec.py", "task.mm.dumpable = SUID_DUMP_USER if same else SUID_DUMP_DISABLE", "task.mm.dumpable = SUID_DUMP_USER"),
    Mutant(
        "MNT-05",
        "namespace.py",
        "if mnt.mnt_sb.s_type != sb.s_type or mnt.mnt_root is not mnt.mnt_sb.s_root:",
        "if mnt.mnt_sb.s_type != sb.s_type:",
    ),
    Mutant("MNT-35", "namei.py", "detach_mounts(dentry)", "pass"),
    Mutant("PIDFD-OBJ-02", "file.py", "if fd >= rlimit_nofile(task):", "if fd > rlimit_nofile(task):"),
    Mutant("PROC-76", "proc/root.py", "sb.pidonly = sb.pidonly or self.pidonly", "sb.pidonly = self.pidonly"),
    Mutant("PROC-63", "proc/fd.py", "if p is None or p.signal is not task.signal:", "if True:"),
    Mutant(
        "USER-30",
        "nscommon.py",
        "if not (ns_capable(nsset.task, ns.user_ns, CAP_SYS_ADMIN) and ns_capable(nsset.task, nsset.cred.user_ns, CAP_SYS_ADMIN)):",
        "if not ns_capable(nsset.task, ns.user_ns, CAP_SYS_ADMIN):",
    ),
    Mutant("SIG-06", "signal_delivery.py", "if task.signal.flags & SIGNAL_UNKILLABLE and not bit & SIG_KERNEL_ONLY_MASK:", "if False:"),
    Mutant(
        "WAIT-10", "signal_delivery.py", "why = CLD_CONTINUED if signal.flags & SIGNAL_CLD_CONTINUED else CLD_STOPPED", "why = CLD_STOPPED"
    ),
    Mutant("MNT-19", "mount_tree.py", "set_mnt_shared(mnt)", "pass"),
    Mutant("USER-27", "setids.py", "return Ids(old.real, id, old.saved, id)", "return Ids(id, id, old.saved, id)"),
    Mutant("USER-03", "user_namespace.py", "if parent.level > 32:", "if parent.level > 33:"),
    Mutant("MNT-33", "namespace.py", "if not mnt.mnt_flags & MNT_EXPIRY_MARK:", "if False:"),
    Mutant(
        "MNT-35", "mount.py", "return bool(dentry.d_mounts) and any(check_mnt(task, mnt) for mnt in dentry.d_mounts or ())", "return False"
    ),
    Mutant(
        "SYSCTL-15", "proc/sysctl.py", "if ns_capable(task, user_ns, CAP_SYS_ADMIN) or task.cred.euid == make_kuid(user_ns, 0):", "if True:"
    ),
    Mutant("UTS-04", "proc/sysctl.py", "if task.cred.euid == 0:", "if True:"),
    Mutant("MISC-10", "proc/oom.py", "if value < p.signal.oom_score_adj_min and not capable(task, CAP_SYS_RESOURCE):", "if False:"),
    Mutant("KILL-04", "kill.py", 'if error.name != "EPERM":', "if False:"),
    Mutant("UTS-02", "sys.py", "if len(encoded) > NEW_UTS_LEN:", "if len(encoded) > NEW_UTS_LEN + 1:"),
    Mutant(
        "SYSCTL-03",
        "proc/sysctl.py",
        "last, taken = proc_get_int(data, 0, bound_pid_ns(task).pid_max)",
        "last, taken = proc_get_int(data, 0, bound_pid_ns(task).pid_max + 1)",
    ),
    Mutant("SIG-02", "signal_delivery.py", "if bit & SIG_KERNEL_IGNORE_MASK:", "if True:"),
    Mutant(
        "MNT-18",
        "namespace.py",
        "for mnt in list(mount_tree(path.mnt)) if flags & MS_REC else [path.mnt]:",
        "for mnt in list(mount_tree(path.mnt)):",
    ),
    Mutant(
        "MNT-40",
        "namespace.py",
        "if not path_mounted(old) or d_is_dir(new.dentry) != d_is_dir(old.dentry):",
        "if d_is_dir(new.dentry) != d_is_dir(old.dentry):",
    ),
)


def copy_project(tree: Path) -> None:
    """What the cases need, in a folder of its own."""
    for top in ("nscore", "nscore_sim", "conformance"):
        shutil.copytree(ROOT / top, tree / top, ignore=shutil.ignore_patterns("__pycache__"))


def survivor(mutant: Mutant) -> str | None:
    """None if the rule's cases notice the broken line, otherwise what they said."""
    with tempfile.TemporaryDirectory(prefix="nscore-mutant-") as folder:
        tree = Path(folder)
        copy_project(tree)
        mutant.apply(tree)
        command = [sys.executable, "-m", "conformance", "--backend", "sim", "-k", mutant.rule]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=120, check=False)
    noticed = done.returncode == 1 and ASSERTED.search(done.stdout)
    return None if noticed else f"{mutant.rule} in {mutant.file}: {mutant.broken!r}: {done.stdout[-300:]}{done.stderr[-300:]}"


def survivors(rows: Sequence[Mutant]) -> list[str]:
    """Apply each, two at a time; what those said that nobody noticed."""
    with ThreadPoolExecutor(2) as pool:
        return [text for text in pool.map(survivor, rows) if text is not None]


def main(patterns: Sequence[str]) -> int:
    """Apply the rows whose rule or file contains a pattern, all without one; 1 where nobody noticed one."""
    rows = [row for row in MUTANTS if not patterns or any(text in row.rule or text in row.file for text in patterns)]
    left = survivors(rows)
    print("\n".join([*left, f"{len(rows)} mutants, {len(left)} survive"]))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
