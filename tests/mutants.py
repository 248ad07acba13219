"""Broken lines of the model, each of which the case of its rule must notice.

A row is a rule, a file, a line of the model as it stands and the broken line.  In every run each row still matches exactly once
(test_mutants.py); `python3 -m tests.long mutants` applies each in a copy, and that rule's own cases must fail there by an assertion.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One broken line: the text before and after, without indentation."""

    rule: str
    file: str
    line: str
    broken: str

    def matches(self) -> int:
        """How often the line stands in the file."""
        return sum(line.strip() == self.line for line in (ROOT / "nscore_sim" / self.file).read_text().splitlines())

    def apply(self, tree: Path) -> None:
        """Break the line in a copy of the project."""
        path = tree / "nscore_sim" / self.file
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line.replace(self.line, self.broken) if line.strip() == self.line else line for line in lines))


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
    Mutant("CREATE-04", "pid_namespace.py", "if old is not task.thread_pid.ns:", "if False:"),
    Mutant("CREATE-08", "pid_namespace.py", "if parent.level >= MAX_PID_NS_LEVEL:", "if parent.level > MAX_PID_NS_LEVEL:"),
    Mutant("CREATE-09", "pid_namespace.py", "if not in_userns(parent.user_ns, user_ns):", "if False:"),
    Mutant(
        "SETNS-02",
        "pid_namespace.py",
        "if not pidns_is_ancestor(new, task.thread_pid.ns):",
        "if new is not task.thread_pid.ns and new.parent is not task.thread_pid.ns:",
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
    noticed = done.returncode == 1 and any(word in done.stdout for word in ("AssertionError", "Blocked", "Gone"))
    return None if noticed else f"{mutant.rule} in {mutant.file}: {mutant.broken!r}: {done.stdout[-300:]}{done.stderr[-300:]}"


def main(rows: Sequence[Mutant] = MUTANTS) -> int:
    """Apply each; how many nobody noticed."""
    survivors = [text for mutant in rows if (text := survivor(mutant)) is not None]
    print("\n".join(survivors))
    print(f"{len(rows)} mutants, {len(survivors)} survive")
    return len(survivors)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
