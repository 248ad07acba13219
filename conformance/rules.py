"""The catalogue: what a Linux kernel does, a row a rule.

A rule is cited by its id alone.  In the statements "A ▷ B" means that A is reported where both hold, and -ENAME that the call fails so;
pfc is a task's PID namespace for children, zap what the last thread of a namespace's init does when it exits.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        source: Where the kernel has it.
        since: The first release with it, "" where it is older than any that is in use.
    """

    statement: str
    source: str
    since: str = ""


RULES: dict[str, Rule] = {
    "ALLOC-01": Rule(
        "A new task receives one number in its innermost namespace and one in every ancestor up to level 0; the numbers are independent.",
        "kernel/pid.c:alloc_pid",
    ),
    "ALLOC-02": Rule(
        "fork/vfork/clone return (and CLONE_PARENT_SETTID stores) the number in the *caller's active* namespace; "
        "CLONE_CHILD_SETTID stores, and set_tid_address/gettid return, the number in the child's own namespace.",
        "kernel/fork.c:kernel_clone",
    ),
    "ALLOC-03": Rule(
        "Allocation is cyclic: each namespace keeps a cursor = last cyclically allocated number + 1; the next task gets the "
        "lowest free number ≥ cursor. A number freed by reaping is therefore *not* reused at once.",
        "lib/idr.c:idr_alloc_cyclic",
        since="4.15",
    ),
    "ALLOC-04": Rule("Numbers are < pid_max of the respective namespace (pid_max itself is never given out).", "kernel/pid.c"),
    "ALLOC-05": Rule(
        "Lower bound of the search is 1 while the cursor is ≤ 300, and 300 (RESERVED_PIDS) once the cursor is > 300. First pass"
        " searches [max(cursor,low), pid_max); if empty, second pass searches [low, pid_max).",
        "kernel/pid.c",
    ),
    "ALLOC-06": Rule(
        "Consequence: the first run through the numbers uses 2..299 normally, 300 and 301 are not skipped, and after the first "
        "wrap 1..299 are never used again (unless ns_last_pid is rewritten to ≤ 299).",
        "kernel/pid.c",
    ),
    "ALLOC-07": Rule("Corner: if the cursor is ≤ 300 when the upper part is full, the wrap goes to 1, not to 300.", "kernel/pid.c"),
    "ALLOC-08": Rule(
        "Corner: with the minimal pid_max 301 the usable range after the first wrap is only {300}: forks alternate between "
        '"300" and -EAGAIN while a task 300 exists.',
        "kernel/pid.c",
    ),
    "ALLOC-09": Rule("No free number at *any* level → -EAGAIN for the whole call. (Before 4.1: ENOMEM.)", "kernel/pid.c"),
    "ALLOC-10": Rule(
        "Numbers are taken innermost level first, then outwards. If an outer level fails, inner numbers are released but the "
        "inner *cursor stays advanced*: each failed fork leaves a gap in the inner namespace.",
        "kernel/pid.c",
    ),
    "ALLOC-11": Rule(
        "Exception: if the failing namespace never had a task (its init is being created) the inner cursor is reset, so the "
        "next attempt gives PID 1 again.",
        "kernel/pid.c",
    ),
    "ALLOC-12": Rule(
        "Failures *after* allocation burn the number at every level: pidfd pointer not writable (-EFAULT), pids-cgroup limit "
        "(-EAGAIN), dying namespace (-ENOMEM), fatal signal pending (internal EINTR).",
        "kernel/pid.c",
    ),
    "ALLOC-13": Rule(
        "Failures *before* allocation burn nothing: all flag checks, EPERM, RLIMIT_NPROC/threads-max -EAGAIN, ENOSPC.", "kernel/pid.c"
    ),
    "ALLOC-14": Rule(
        "Each failed fork into a dead namespace burns one number in *every ancestor level including the caller's own* (the loop"
        " allocates at all levels before the dead check).",
        "kernel/pid.c",
    ),
    "ALLOC-15": Rule(
        "If the very first task of a namespace fails after allocation (ALLOC-12), the namespace becomes permanently unusable on"
        " ≤ 6.18: all later forks into it give -ENOMEM, although it never had an init. In 7.2/7.3 it stays usable and the next "
        "fork gets PID 1.",
        "kernel/pid.c:free_pid",
    ),
    "ALLOC-16": Rule(
        "Threads consume numbers from the same space and the same cursor at every level (tid of the leader = tgid).", "kernel/pid.c"
    ),
    "ALLOC-17": Rule("Forks inside a descendant namespace advance the cursor of every ancestor namespace.", "kernel/pid.c"),
    "ALLOC-18": Rule(
        "A number stays allocated while the struct pid is used in *any* role: thread id, thread-group id, process-group id or session id.",
        "kernel/pid.c:__change_pid",
    ),
    "ALLOC-19": Rule(
        "While a number survives only as pgid/sid: kill(n), getpgid(n), getsid(n), setpgid(n,…) → -ESRCH; pidfd_open(n) → "
        "-EINVAL ≤ 6.12, -ESRCH from 6.16 (PIDFD-OPEN-04); waitpid(n) → -ECHILD; kill(-n) works; setpgid(0,n) works; cyclic "
        "allocation skips it; set_tid = n → -EEXIST.",
        "kernel/pid.c",
    ),
    "ALLOC-20": Rule(
        "The number is released when the last role ends, synchronously with the syscall that ends it (wait, setpgid, setsid, exit).",
        "kernel/pid.c",
    ),
    "ALLOC-21": Rule("A zombie keeps its numbers at all levels until reaped.", "kernel/pid.c"),
    "ALLOC-22": Rule(
        "exec never changes numbers; an exec from a non-leader thread takes over the leader's number (tid = tgid = old tgid) "
        "and the thread's own tid disappears.",
        "fs/exec.c:de_thread",
    ),
    "ALLOC-23": Rule(
        "A namespace's init is by definition the task whose innermost number is 1; being number 1 in an outer level means "
        "nothing for the inner one.",
        "pid.h:is_child_reaper",
    ),
    "ALLOC-24": Rule(
        "The first task put into a fresh namespace gets 1, whoever forks it (creator, CLONE_PARENT sibling of the creator's "
        "child, vfork child, a helper that joined by setns).",
        "kernel/pid.c",
    ),
    "ALLOC-25": Rule(
        "After creating init, further forks by the unsharing process give 2,3,… in the namespace interleaved with forks done "
        "inside it (one shared cursor).",
        "kernel/pid.c",
    ),
    "ALLOC-26": Rule(
        "A fork interrupted by an ordinary pending signal is restarted before allocation and burns nothing.", "kernel/fork.c:copy_process"
    ),
    "ALLOC-27": Rule(
        "System-wide default pid_max is max(32768, 1024·possible CPUs) capped at 4194304 (64-bit); distributions often raise "
        "it, so level-0 numbers must never be assumed < 32768.",
        "kernel/pid.c:pid_idr_init, threads",
    ),
    "SYSCTL-01": Rule(
        "/proc/sys/kernel/ns_last_pid (CONFIG_CHECKPOINT_RESTORE, since 3.3) reads cursor-1 and writes cursor = value+1 of the "
        "*accessing task's active namespace at read/write time*; neither the proc mount, nor the fd's opener, nor pfc matters.",
        "kernel/pid_namespace.c:pid_ns_ctl_handler",
        since="3.3",
    ),
    "SYSCTL-02": Rule("Effect of writing v: next task gets the lowest free number > v (then ALLOC-05 rules).", "kernel/pid_namespace.c"),
    "SYSCTL-03": Rule(
        "Accepted range 0 … pid_max of that ns *inclusive* (on kernels < 6.14: global pid_max); otherwise -EINVAL; non-number "
        "-EINVAL; trailing junk after a blank is ignored.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-04": Rule(
        "Writing pid_max or pid_max-1 makes the next number 300. Writing 0 makes it the lowest free ≥ 1.", "kernel/pid_namespace.c"
    ),
    "SYSCTL-05": Rule(
        "Writing needs CAP_SYS_ADMIN or (≥5.9) CAP_CHECKPOINT_RESTORE in the user ns owning the active PID ns, else -EPERM; the"
        " file mode is 0666 so open() succeeds for anybody.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-06": Rule("set_tid allocations do not move the cursor and are not shown by ns_last_pid.", "kernel/pid_namespace.c"),
    "SYSCTL-07": Rule(
        "In a namespace whose init was made with set_tid=1 the file initially reads -1; the next cyclic fork gives 2. Otherwise"
        " it reads 1 right after init was created.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-08": Rule("A failed-but-burnt allocation shows up in ns_last_pid (ALLOC-12).", "kernel/pid_namespace.c"),
    "SYSCTL-09": Rule(
        "pid_max is per namespace since 6.14; before it is one global value. A new namespace starts with 4194304 "
        "(PID_MAX_LIMIT), *not* with the parent's value.",
        "kernel/pid_namespace.c:create_pid_namespace",
        since="6.14",
    ),
    "SYSCTL-10": Rule(
        "Allocation at each level obeys that level's own pid_max, so a small ancestor limit also limits descendants, although "
        "the descendant's own file shows a large value.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-11": Rule("Valid values: max(301, 8·possible CPUs) … 4194304, else -EINVAL.", "kernel/pid_namespace.c"),
    "SYSCTL-12": Rule(
        "Lowering pid_max below existing numbers is allowed; existing tasks keep their numbers; the next allocation wraps to 300.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-13": Rule(
        "pid_max is bound when the file is *opened* (path lookup picks the table of the opener's active ns); an inherited fd "
        "keeps showing the opener's namespace — the opposite of ns_last_pid.",
        "kernel/pid_namespace.c",
    ),
    "SYSCTL-14": Rule(
        "Opening pid_max by path through an ancestor's proc mount still gives the opener's own namespace.", "kernel/pid_namespace.c"
    ),
    "SYSCTL-15": Rule(
        "Permission for pid_max: owner bits apply to a task with CAP_SYS_ADMIN in the owning user ns *or whose euid is that "
        'user ns\'s uid 0*; others get the "other" bits (read only; open for write -EACCES). No capability is needed for a uid-0'
        " owner.",
        "kernel/pid.c:pid_table_root_permissions",
    ),
    "SETTID-01": Rule(
        "set_tid[0] is the number in the child's innermost namespace, set_tid[1] in its parent, …; levels beyond set_tid_size "
        "are allocated cyclically. Since 5.5.",
        "kernel/pid.c",
    ),
    "SETTID-02": Rule(
        "set_tid_size > 32 → -EINVAL; set_tid NULL with size>0 or non-NULL with size 0 → -EINVAL (all at argument copy).", "kernel/pid.c"
    ),
    "SETTID-03": Rule(
        "set_tid_size > level(child ns)+1 → -EINVAL. With a new namespace the child's level counts (level 1 caller + "
        "CLONE_NEWPID → at most 3).",
        "kernel/pid.c",
    ),
    "SETTID-04": Rule(
        "At the deepest level (32, i.e. 33 levels) only 32 can be given: 33 is rejected by SETTID-02; the level-0 number can "
        "then not be chosen.",
        "kernel/pid.c",
    ),
    "SETTID-05": Rule("Each entry must satisfy 1 ≤ tid < pid_max of its level, else -EINVAL.", "kernel/pid.c"),
    "SETTID-06": Rule(
        "If the namespace has no init yet, its entry must be 1, else -EINVAL; after that failure the namespace is still fresh.",
        "kernel/pid.c",
    ),
    "SETTID-07": Rule(
        "Needs CAP_SYS_ADMIN or (≥5.9) CAP_CHECKPOINT_RESTORE in the user ns owning *each* namespace that has an entry; else "
        "-EPERM. Levels without an entry need nothing.",
        "kernel/pid.c",
    ),
    "SETTID-08": Rule("Number already allocated in any role (task, zombie, pgid, sid) → -EEXIST.", "kernel/pid.c"),
    "SETTID-09": Rule(
        "Order ≤ 6.18: levels are processed innermost → outermost and for each level range → needs-1 → permission → EEXIST; so "
        "an inner EEXIST beats an outer EINVAL or EPERM: [1 in use, 0] → EEXIST.",
        "kernel/pid.c",
    ),
    "SETTID-10": Rule(
        'Order 7.2+: first range and permission for *all* levels, then allocation; "PID 1 must come first" is checked after '
        "the number was found free. So [in use, 0] → EINVAL, [in use, no cap] → EPERM, and set_tid=[2] without capability in a "
        "fresh ns → EPERM (6.18: EINVAL).",
        "kernel/pid.c",
    ),
    "SETTID-11": Rule("set_tid entries may be reused at once after the holder was reaped.", "kernel/pid.c"),
    "SETTID-12": Rule("A set_tid number ahead of the cursor is simply skipped when the cursor arrives (if still held) .", "kernel/pid.c"),
    "SETTID-13": Rule("Combination with CLONE_THREAD is allowed and chooses the tid.", "kernel/pid.c"),
    "SETTID-14": Rule(
        "Into a dead namespace: range errors first ([0] → EINVAL), then -ENOMEM for [1] and [7] alike (the dead init still "
        'counts as "has an init").',
        "kernel/pid.c",
    ),
    "SETTID-15": Rule("RLIMIT_NPROC EAGAIN ▷ set_tid value errors, but SETTID-02 ▷ EAGAIN.", "kernel/pid.c"),
    "CREATE-01": Rule(
        "unshare(CLONE_NEWPID) changes only pfc of the calling *thread*; getpid, active ns, existing children are unchanged.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-02": Rule(
        "clone(CLONE_NEWPID) creates the namespace and puts the child in it as PID 1; the caller's pfc is unchanged.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-03": Rule(
        "The parent of a new namespace is the creator's active namespace (always equal to its pfc at that time, see 04).",
        "kernel/pid_namespace.c",
    ),
    "CREATE-04": Rule(
        "unshare or clone with CLONE_NEWPID while pfc ≠ active ns → -EINVAL (after a first unshare, after setns to a "
        "descendant; no matter whether that ns has no init, a live one or a dead one).",
        "kernel/pid_namespace.c:copy_pid_ns",
    ),
    "CREATE-05": Rule(
        "setns(own active ns) makes pfc = active again; afterwards unshare(CLONE_NEWPID) works again, any number of times. (The"
        ' man page\'s "only once" is wrong in this sense.)',
        "kernel/pid_namespace.c",
    ),
    "CREATE-06": Rule(
        "Children inherit the parent's pfc as their *active* ns, so in the child pfc = active and it may unshare again at once.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-07": Rule("pfc survives exec.", "kernel/pid_namespace.c"),
    "CREATE-08": Rule(
        "Nesting limit: level 32 is the deepest (32 namespaces below the initial one); creating level 33 → -ENOSPC. EINVAL in "
        '3.7-4.8, ENOSPC since 4.9 (commit df75e7748bae; man pages say "ENOSPC since 3.7", which the 3.9-era source '
        "contradicts).",
        "kernel/pid_namespace.c",
        since="4.9",
    ),
    "CREATE-09": Rule(
        "The user ns that will own the new PID ns must be the owner of the parent PID ns or a descendant of it, else -EINVAL "
        "(even for fully privileged callers, and even with CLONE_NEWUSER). Happens after a privileged process entered a PID ns "
        "owned by a child user ns. Absent in the 4.9 tree read, present in 6.1+.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-10": Rule("CLONE_NEWPID|CLONE_THREAD → -EINVAL.", "kernel/pid_namespace.c"),
    "CREATE-11": Rule(
        "CLONE_NEWPID with CLONE_VM, CLONE_VM|CLONE_SIGHAND, CLONE_VFORK, CLONE_FILES, CLONE_FS is allowed (VM since 3.12, "
        "SIGHAND since 4.3 per man page).",
        "kernel/pid_namespace.c",
        since="3.12",
    ),
    "CREATE-12": Rule(
        "CLONE_NEWPID|CLONE_PARENT is allowed for a caller that is not an ns init (child = PID 1 of the new ns, child of the "
        "caller's parent). clone(2) still lists EINVAL for this; same for CLONE_NEWUSER|CLONE_PARENT.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-13": Rule("CLONE_PARENT (any combination) by a process that is an ns init → -EINVAL.", "kernel/pid_namespace.c"),
    "CREATE-14": Rule(
        "CLONE_THREAD while pfc ≠ active → -EINVAL: after unshare/setns a thread cannot create threads until it returns to its "
        "own ns. Other threads are unaffected.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-15": Rule(
        "unshare(CLONE_NEWPID) is allowed in multithreaded processes (each thread has its own pfc); with "
        "CLONE_THREAD/VM/SIGHAND or CLONE_NEWUSER added it is -EINVAL when multithreaded.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-16": Rule(
        "The child of a thread that unshared has the *process* as parent; it survives the thread's exit and can be waited for "
        "by any thread.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-17": Rule(
        "A namespace that never got a task is charged like any other and vanishes with its last reference (thread exit, setns "
        "away, closing fds).",
        "kernel/pid_namespace.c",
    ),
    "CREATE-18": Rule("unshare in a vfork child affects only the child (nsproxy is per task).", "kernel/pid_namespace.c"),
    "CREATE-19": Rule(
        "clone(CLONE_NEWUSER|CLONE_NEWPID): the user ns is made first, so no capability is needed in the caller's user ns, and "
        "the PID ns is owned by the new user ns.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-20": Rule(
        "A fresh init inherits signal dispositions, mask, pgrp, session, tty as any fork; nothing is reset except that it is unkillable.",
        "kernel/pid_namespace.c",
    ),
    "CREATE-21": Rule("fork/clone into a namespace whose init is stopped works normally.", "kernel/pid_namespace.c"),
    "PREC-01": Rule(
        "clone3 (first match wins): size > page → E2BIG; size < 64 → EINVAL; unreadable → EFAULT; unknown tail bytes non-zero →"
        " E2BIG → set_tid_size/NULL mismatches EINVAL → exit_signal > 64 EINVAL → cgroup fd arg EINVAL → set_tid array "
        "unreadable EFAULT → unknown flags, CLONE_DETACHED, CSIGNAL bits EINVAL → SIGHAND+CLEAR_SIGHAND EINVAL → (THREAD or "
        "PARENT)+exit_signal≠0 EINVAL → stack/stack_size EINVAL → then PREC-02.",
        "kernel/fork.c",
    ),
    "PREC-02": Rule(
        "clone/clone3/fork common part : PIDFD & PARENT_SETTID same address EINVAL → NEWNS|FS, NEWUSER|FS EINVAL → "
        "(Debian/Ubuntu patch: NEWUSER with unprivileged_userns_clone=0 → EPERM) → THREAD without SIGHAND, SIGHAND without VM "
        "EINVAL → PARENT by ns init EINVAL → THREAD with NEWUSER/NEWPID or pfc≠active EINVAL → PIDFD|DETACHED EINVAL → user-ns "
        "creation errors → RLIMIT_NPROC, threads-max EAGAIN → missing CAP_SYS_ADMIN for any NEW* EPERM → NEWIPC|SYSVSEM EINVAL "
        "→ namespaces in order mnt, uts, ipc, pid, cgroup, net, time → set_tid_size > level+1 EINVAL → per-level SETTID-09 / "
        "EAGAIN → dead ns ENOMEM → pidfd EMFILE/EFAULT → cgroup EAGAIN → dying ns ENOMEM → EINTR.",
        "kernel/fork.c",
    ),
    "PREC-03": Rule(
        "PID part of namespace creation : pfc≠active EINVAL ▷ owner-user-ns EINVAL ▷ depth ENOSPC ▷ ucount ENOSPC ▷ ENOMEM.",
        "kernel/fork.c",
    ),
    "PREC-04": Rule(
        "unshare : unknown flag EINVAL → (NEWUSER implies THREAD|FS) multithreaded/shared-sighand EINVAL → user-ns errors → "
        "EPERM → as PREC-03.",
        "kernel/fork.c",
    ),
    "PREC-05": Rule(
        "setns : EBADF → ns fd: type mismatch EINVAL; pidfd: nstype 0 or unknown bits EINVAL; other file EINVAL → (pidfd) no "
        "task ESRCH → no ptrace-read access EPERM → target already past namespace release (zombie) ESRCH → PID install: "
        "capability EPERM ▷ not-descendant EINVAL.",
        "kernel/fork.c",
    ),
    "PREC-06": Rule(
        "kill : target lookup ESRCH ▷ signal number EINVAL ▷ EPERM; i.e. kill(nonexistent, 65) = ESRCH, kill(existing-not-"
        "permitted, 65) = EINVAL.",
        "kernel/fork.c",
    ),
    "PREC-07": Rule(
        "rt_sigqueueinfo : forbidden si_code (≥0 or SI_TKILL to another process) EPERM ▷ ESRCH ▷ EINVAL(sig).", "kernel/fork.c"
    ),
    "PREC-08": Rule("reboot : EPERM ▷ EINVAL(magic) ▷ EINVAL(cmd).", "kernel/fork.c"),
    "PREC-09": Rule(
        "setpgid : pgid<0 EINVAL (also setpgid(-1,0), since 0 is replaced by pid) ▷ no such pid ESRCH ▷ not a leader EINVAL ▷ "
        "child in another session EPERM ▷ child has exec'ed EACCES ▷ not self/child ESRCH ▷ session leader EPERM ▷ target group"
        " absent or other session EPERM.",
        "kernel/fork.c",
    ),
    "SETNS-01": Rule("Sets pfc of the calling thread only; never the active ns.", "kernel/nsproxy.c"),
    "SETNS-02": Rule(
        "Allowed targets: the caller's active namespace or any descendant of it at any depth (skipping levels is fine); "
        "ancestors, siblings, cousins → -EINVAL. The test is against the *active* ns, so one may hop between different "
        "descendants freely.",
        "kernel/nsproxy.c",
    ),
    "SETNS-03": Rule(
        "Needs CAP_SYS_ADMIN in the user ns owning the target PID ns *and* in the caller's own (or, in a combined pidfd call "
        "with CLONE_NEWUSER, the new) user ns; else -EPERM, even for the no-op of entering the own ns.",
        "kernel/nsproxy.c",
    ),
    "SETNS-04": Rule(
        "nstype 0 or CLONE_NEWPID accepted for a PID ns fd; any other value (also with extra bits) -EINVAL.", "kernel/nsproxy.c"
    ),
    "SETNS-05": Rule("pidfd form (≥5.8): flags 0 → -EINVAL; CLONE_NEWPID takes the target's active ns (not its pfc).", "kernel/nsproxy.c"),
    "SETNS-06": Rule("pidfd of a zombie, of an init already inside zap, or of a reaped task → -ESRCH.", "kernel/nsproxy.c"),
    "SETNS-07": Rule("Entering a dead or dying namespace succeeds; only the following fork fails (-ENOMEM).", "kernel/nsproxy.c"),
    "SETNS-08": Rule("An ns fd may also be opened from a zombie's /proc/PID/ns/pid (works until it is reaped).", "kernel/nsproxy.c"),
    "SETNS-09": Rule(
        "Entering a namespace that has no init yet: impossible via /proc on ≤ 6.18 (link missing, PFC-02) but possible through "
        "the pidfd ioctl PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE, and through /proc from 7.2 on; then whoever forks first becomes "
        "init.",
        "kernel/nsproxy.c",
    ),
    "SETNS-10": Rule(
        "*Hazard*: on ≤ 6.18 alloc_pid checks only the innermost namespace for death, so injecting into an un-inited namespace "
        "whose parent namespace is already dead may make the kernel touch a freed task; 7.2+ checks every level and returns "
        "ENOMEM.",
        "kernel/nsproxy.c",
    ),
    "SETNS-11": Rule(
        "A task injected n levels down gets numbers in all intermediate namespaces and dies with any of their inits.", "kernel/nsproxy.c"
    ),
    "SETNS-12": Rule(
        "The man-page claim that a parent is in the same or the *immediate* parent ns is wrong: the distance can be any number of levels.",
        "kernel/nsproxy.c",
    ),
    "SETNS-13": Rule("Children of an injected task are ordinary members; an injected task is not unkillable.", "kernel/nsproxy.c"),
    "PFC-01": Rule("Since 4.12. Equal to ns/pid unless unshare/setns changed pfc.", "fs/proc/namespaces.c"),
    "PFC-02": Rule(
        "pfc without init (never had one): readlink and open → -ENOENT on ≤ 6.18; in 7.2+ it is readable (and usable with setns).",
        "kernel/pid_namespace.c:pidns_for_children_get",
    ),
    "PFC-03": Rule("After init exists it resolves; after init died it *still* resolves and can be opened.", "fs/proc/namespaces.c"),
    "PFC-04": Rule("In a zombie or an init inside zap: -ENOENT (nsproxy gone) while ns/pid still resolves.", "fs/proc/namespaces.c"),
    "PFC-05": Rule("It is per thread: /proc/PID shows the leader's.", "fs/proc/namespaces.c"),
    "PFC-06": Rule("Fork with pfc dead → -ENOMEM; fork with pfc without init → creates init.", "fs/proc/namespaces.c"),
    "PFC-07": Rule("Access needs ptrace-read permission, else -EACCES (readlink and open).", "fs/proc/namespaces.c"),
    "PERM-01": Rule(
        "unshare/clone with CLONE_NEWPID alone needs CAP_SYS_ADMIN in the caller's current user ns (with CLONE_NEWUSER: "
        "satisfied in the new one), else -EPERM.",
        "kernel/nsproxy.c",
    ),
    "PERM-02": Rule("Plain fork into an already unshared/entered pfc needs no capability.", "kernel/nsproxy.c"),
    "PERM-03": Rule(
        "The owner of a PID ns is the creator's user ns at creation (new one if made in the same call). It decides SETNS-03, "
        "SETTID-07, SYSCTL-05, reboot.",
        "kernel/nsproxy.c",
    ),
    "PERM-04": Rule(
        "After unshare(CLONE_NEWUSER) alone, the task has no capability over its own active PID ns (owned by the outer user "
        "ns): ns_last_pid write EPERM, setns(own ns) EPERM.",
        "kernel/nsproxy.c",
    ),
    "PERM-05": Rule(
        "/proc/sys/user/max_pid_namespaces of each user ns limits, per creating euid, the number of PID namespaces created in "
        "it; a creation is charged to the creator in the owning user ns and to the owners of all ancestor user namespaces; any "
        "limit hit → -ENOSPC. Since 4.9.",
        "kernel/ucount.c:inc_ucount",
    ),
    "PERM-06": Rule(
        "A PID ns created in one call with its user ns is charged to that *new* user ns: with limit 1 set inside, not even one "
        "further namespace is possible.",
        "kernel/nsproxy.c",
    ),
    "PERM-07": Rule(
        "The charge is dropped asynchronously after the last reference is gone (RCU, plus a work queue on newer kernels); a "
        "retry right after reaping init fails for roughly 15-35 ms here.",
        "kernel/nsproxy.c",
    ),
    "PERM-08": Rule(
        "Writing the limit needs CAP_SYS_RESOURCE in that user ns (open for write otherwise -EACCES); limit 0 forbids all.",
        "kernel/nsproxy.c",
    ),
    "PERM-09": Rule(
        "RLIMIT_NPROC is per real uid and user ns, ignores PID namespaces, and does not apply to global root or with "
        "CAP_SYS_ADMIN/CAP_SYS_RESOURCE in the initial user ns.",
        "kernel/nsproxy.c",
    ),
    "PERM-10": Rule(
        "Signal permission is by kuid (or CAP_KILL in the target's user ns) and has nothing to do with PID namespaces beyond visibility.",
        "kernel/nsproxy.c",
    ),
    "PERM-11": Rule("NEWUSER|NEWPID can be nested to PID level 32 (the user-ns depth limit is not reached first).", "kernel/nsproxy.c"),
    "VIS-01": Rule(
        "A PID argument is looked up in the caller's *active* ns only; numbers of tasks without a number there → -ESRCH (kill, "
        "getpgid, getsid, setpgid, sched_*, getpriority, prlimit, pidfd_open, fcntl F_SETOWN) or -ECHILD (wait family).",
        "kernel/pid.c",
    ),
    "VIS-02": Rule(
        "All descendants' tasks are visible in an ancestor under the ancestor's numbers; nothing of an ancestor or sibling is "
        "visible below.",
        "kernel/pid.c",
    ),
    "VIS-03": Rule(
        "A returned id that is not visible to the caller is 0 (never an error): getppid, getpgrp, getpgid, getsid, tcgetpgrp, "
        "tcgetsid, F_GETOWN, si_pid (ancestor senders), PPid/NSpgid/NSsid columns in /proc.",
        "kernel/pid.c",
    ),
    "VIS-04": Rule("getpid/gettid are always the numbers in the active ns. Changing pfc has no effect.", "kernel/pid.c"),
    "VIS-05": Rule(
        "getppid is the parent's tgid in the caller's active ns; 0 for init and every injected task, and it *stays* 0 when such"
        " a task is reparented to a task of an ancestor ns.",
        "kernel/pid.c",
    ),
    "VIS-06": Rule(
        "The real parent relation crosses namespaces freely; only its displayed number is 0. The parent can wait, receives "
        "SIGCHLD, pdeathsig works.",
        "kernel/pid.c",
    ),
    "VIS-07": Rule(
        'A task sees "0" as its pgrp/session when these are led from outside; such a group or session cannot be named by '
        "number, but 0-means-mine interfaces still reach it (PGRP-03).",
        "kernel/pid.c",
    ),
    "VIS-08": Rule(
        "kill/getpgid/getsid accept a thread id (any thread, any leader state) and act on its process; setpgid(tid) → -EINVAL; "
        "waitpid(tid) → -ECHILD; pidfd_open(tid) without PIDFD_THREAD → -ENOENT on 6.18 (EINVAL on older kernels).",
        "kernel/pid.c",
    ),
    "VIS-09": Rule("tgkill(tgid,tid) needs both numbers to match in the caller's ns (-ESRCH), ids ≤ 0 → -EINVAL.", "kernel/pid.c"),
    "VIS-10": Rule(
        "Zombies remain visible: kill(z,any)=0, getpgid/getsid work, even setpgid(zombie child) succeeds, pidfd_open works, "
        "getpriority works.",
        "kernel/pid.c",
    ),
    "VIS-11": Rule("After reaping: -ESRCH at once.", "kernel/pid.c"),
    "PGRP-01": Rule(
        "Group and session membership is by struct pid, inherited across CLONE_NEWPID: an ns init starts in its parent's group "
        "and session. (The 2007 original made init a group and session leader; not so in 6.1+.)",
        "kernel/sys.c",
    ),
    "PGRP-02": Rule("In the child ns these outside ids read 0; all members that inherited them read 0 as well.", "kernel/sys.c"),
    "PGRP-03": Rule("kill(0,s), waitpid(0), waitid(P_PGID,0) operate on the real group even if its number is invisible.", "kernel/sys.c"),
    "PGRP-04": Rule(
        "Therefore kill(0,s) from inside a child ns reaches members of the group in the *parent* and in *sibling* namespaces.",
        "kernel/sys.c",
    ),
    "PGRP-05": Rule(
        "kill(-g,s) with g visible in the caller's ns reaches all members of g in the caller's and deeper namespaces and also "
        "members living in ancestor namespaces that joined it.",
        "kernel/sys.c",
    ),
    "PGRP-06": Rule(
        "Order of delivery inside a group is most-recently-joined first (list head insertion at fork/setpgid).", "kernel/pid.c:attach_pid"
    ),
    "PGRP-07": Rule(
        "Return of a group kill: 0 if at least one delivery succeeded, otherwise the last error (so all-EPERM → -EPERM); "
        "empty/unknown group -ESRCH even for an invalid signal number.",
        "kernel/sys.c",
    ),
    "PGRP-08": Rule(
        "Group number 1 (led by an ns init) cannot be addressed numerically: killpg(1,s) is kill(-1,s) = broadcast; waitpid(-1)"
        " = any child. Use kill(0)/waitpid(0).",
        "kernel/sys.c",
    ),
    "PGRP-09": Rule(
        "An ns init may call setpgid(0,0) (then getpgrp=1, getsid still 0) or setsid() (then all 1). setsid after setpgid(0,0) → -EPERM.",
        "kernel/sys.c",
    ),
    "PGRP-10": Rule(
        "An ancestor may move a not-yet-exec'ed child that lives in a child ns: setpgid(child, child) and setpgid(child, own "
        "group) work; the child's view becomes 0 in the latter case.",
        "kernel/sys.c",
    ),
    "PGRP-11": Rule(
        "A process may join a group led by its child *in a child ns* if both are in one session; its getpgrp is then the "
        "leader's number in its own ns.",
        "kernel/sys.c",
    ),
    "PGRP-12": Rule(
        '"Same session" checks compare the session object; an invisible (0) session counts as the same if it is. So members of '
        "a fresh ns may form and join groups although getsid()=0.",
        "kernel/sys.c",
    ),
    "PGRP-13": Rule(
        "setsid: -EPERM if already session leader or if any group with the caller's own id still has members (even if the "
        "caller itself has left it).",
        "kernel/sys.c",
    ),
    "PGRP-14": Rule("Called from a non-leader thread, setpgid(0,…)/setsid act for the whole process.", "kernel/sys.c"),
    "PGRP-15": Rule(
        "setpgid on a child in another session → -EPERM; on an exec'ed child → -EACCES; session leader (self) → -EPERM; parent "
        "or stranger → -ESRCH; joining a group of another session or a non-existing one → -EPERM.",
        "kernel/sys.c",
    ),
    "PGRP-16": Rule(
        "Orphaned-group rule: when a parent exits and its child's group has a stopped member, the group gets SIGHUP+SIGCONT "
        "only if no member has a parent in another group *of the same session*. Only the *global* init is exempt from counting "
        "as such a parent: a container init in the same session (different group) keeps the group non-orphaned, so nothing is "
        "sent.",
        "kernel/exit.c:will_become_orphaned_pgrp",
    ),
    "PGRP-17": Rule(
        "tcsetpgrp(n): n looked up in the caller's ns (-ESRCH), must belong to the caller's session; may name a visible "
        "*process* number that is not yet a group. The outer side then sees that process's outer number.",
        "kernel/sys.c",
    ),
    "PGRP-18": Rule(
        "^C & co. reach the foreground group by object, across namespaces; an ns init with default disposition ignores them (SIG-04).",
        "kernel/sys.c",
    ),
    "PGRP-19": Rule("A pgid/sid object pins its namespace's shutdown (INIT-12).", "kernel/sys.c"),
    "THREAD-01": Rule(
        'All threads of a process share active ns, tgid, pgrp, session, "unkillable", subreaper flags; each has its own tid, '
        "pfc, pdeath signal, parent pointer target (the forking thread) and signal mask.",
        "kernel/exit.c",
    ),
    "THREAD-02": Rule(
        "If init's leader thread exits while others live: the namespace lives on, the leader is a zombie (state Z, Threads ≥ "
        "2), wait on it returns 0/blocks, pidfd poll not readable, kill works. getpid() in the remaining threads is still 1, "
        "orphans are adopted with getppid()=1.",
        "kernel/exit.c",
    ),
    "THREAD-03": Rule("Protection continues: SIGKILL from inside is dropped, from an ancestor it kills the whole init.", "kernel/exit.c"),
    "THREAD-04": Rule(
        "The namespace dies when the *last* thread of init exits (any thread) or on exit_group/fatal signal from any thread.",
        "kernel/exit.c",
    ),
    "THREAD-05": Rule(
        "Exit status of a process whose threads all used thread-exit is the code of the thread that exited *last* (since 6.0; "
        "earlier: the leader's code).",
        "kernel/exit.c",
        since="6.0",
    ),
    "THREAD-06": Rule(
        "exec in a non-leader thread of init: that thread becomes PID 1, namespace unaffected, still unkillable.", "kernel/exit.c"
    ),
    "THREAD-07": Rule(
        "When a thread exits its children move to another live thread of the same process: getppid unchanged, no SIGCHLD, "
        "exit_signal unchanged — but their pdeath signal *fires* (PDEATH-04).",
        "kernel/exit.c",
    ),
    "THREAD-08": Rule(
        "wait without __WNOTHREAD covers children of all threads; with it only the calling thread's.",
        "kernel/exit.c:__do_wait, is_effectively_child",
    ),
    "THREAD-09": Rule("pthread_join/CLEARTID completion does not mean the tid is free (DET-07).", "kernel/exit.c"),
    "EXITSIG-01": Rule(
        "fork/vfork children have exit signal SIGCHLD; clone uses the low 8 flag bits, clone3 its field; threads have none.",
        "kernel/signal.c",
    ),
    "EXITSIG-02": Rule(
        "clone3 rejects > 64 (and any bit above 8) with -EINVAL. Legacy clone accepts 65…255 on ≤ 6.18: the child then sends no"
        ' signal and counts as "clone child"; 7.2+ rejects it with -EINVAL.',
        "kernel/signal.c",
    ),
    "EXITSIG-03": Rule(
        "CLONE_PARENT: the child's exit signal is the caller's own (its thread-group leader's) exit signal; the given one is "
        "ignored by clone and must be 0 for clone3 (-EINVAL).",
        "kernel/signal.c",
    ),
    "EXITSIG-04": Rule("Exit signal 0 (or invalid) → no signal at death.", "kernel/signal.c"),
    "EXITSIG-05": Rule(
        "wait/waitid without __WALL/__WCLONE see only children with exit signal SIGCHLD; others need __WCLONE (only those) or "
        "__WALL (all). A wait that finds only ineligible children → -ECHILD.",
        "kernel/signal.c",
    ),
    "EXITSIG-06": Rule("A successful exec in the child resets its exit signal to SIGCHLD.", "kernel/signal.c"),
    "EXITSIG-07": Rule(
        "If the parent exec'ed since the clone, a non-SIGCHLD exit signal is sent as SIGCHLD, yet waiting still needs __WCLONE/__WALL.",
        "kernel/signal.c",
    ),
    "EXITSIG-08": Rule(
        "Reparenting to another *process* resets the exit signal to SIGCHLD (plain wait works for the new parent).", "kernel/signal.c"
    ),
    "EXITSIG-09": Rule(
        "An exit signal with terminating default kills the parent (SIGKILL too): the kernel is the sender. If the parent is an "
        "ns init, SIGKILL/default signals are dropped.",
        "kernel/signal.c",
    ),
    "EXITSIG-10": Rule(
        "Auto-reap at death iff exit signal is SIGCHLD, not traced, and the parent's SIGCHLD is SIG_IGN or has SA_NOCLDWAIT. "
        "Other exit signals never auto-reap.",
        "kernel/signal.c",
    ),
    "EXITSIG-11": Rule(
        "SIG_IGN: no SIGCHLD sent; SA_NOCLDWAIT with a handler: SIGCHLD is sent, child still auto-reaped.", "kernel/signal.c"
    ),
    "EXITSIG-12": Rule("Setting SIG_IGN later does not reap existing zombies.", "kernel/signal.c"),
    "EXITSIG-13": Rule(
        "A blocking wait while SIGCHLD is ignored returns -ECHILD only when the last matching child is gone.", "kernel/signal.c"
    ),
    "EXITSIG-14": Rule(
        "SIGCHLD siginfo: si_pid in the *parent's* active ns, si_uid in the parent's user ns, si_status/si_code from the exit code.",
        "kernel/signal.c",
    ),
    "EXITSIG-15": Rule(
        "Standard signals coalesce: two deaths while SIGCHLD is pending give one delivery carrying the *first* death's siginfo.",
        "kernel/signal.c",
    ),
    "EXITSIG-16": Rule(
        "7.x adds CLONE_AUTOREAP (clone3 bit 34: exit_signal must be 0; incompatible with THREAD/PARENT; child never a zombie, "
        "no signal, wait → ECHILD) and CLONE_NNP, CLONE_PIDFD_AUTOKILL; on ≤ 6.18 those bits are -EINVAL.",
        "kernel/signal.c",
    ),
    "WAIT-01": Rule("Results are numbers in the waiter's active ns. A waiter never has a child without a number there.", "kernel/exit.c"),
    "WAIT-02": Rule("Only own children (and other threads' children, tracees); grandchildren, parent, self → -ECHILD.", "kernel/exit.c"),
    "WAIT-03": Rule("wait4: INT_MIN → -ESRCH; unknown options → -EINVAL; unknown pid/pgid → -ECHILD.", "kernel/exit.c"),
    "WAIT-04": Rule(
        "waitid: no WEXITED/WSTOPPED/WCONTINUED → -EINVAL; P_PID ≤ 0, P_PGID < 0, P_PIDFD < 0 or unknown idtype → -EINVAL; "
        "P_PIDFD on a non-pidfd → -EBADF; P_PGID 0 = own group (≥5.4).",
        "kernel/exit.c",
    ),
    "WAIT-05": Rule(
        "waitid P_PIDFD with a non-blocking pidfd (≥5.10): -EAGAIN while the child is alive. Pidfd of a non-child → -ECHILD.",
        "kernel/exit.c",
    ),
    "WAIT-06": Rule(
        "With several zombies the first in the parent's children list wins: creation order, reparented children appended in "
        "their own order at the time of adoption. Not order of death.",
        "kernel/exit.c",
    ),
    "WAIT-07": Rule("WNOHANG with children but none ready → 0; waitid fills si_pid = si_signo = 0.", "kernel/exit.c"),
    "WAIT-08": Rule("WNOWAIT leaves the zombie. Stop and continue events are consumed once.", "kernel/exit.c"),
    "WAIT-09": Rule('A group leader zombie with live threads is not reapable and counts as "children exist".', "kernel/exit.c"),
    "WAIT-10": Rule("A stopped ns init (ancestor SIGSTOP) is reported via WUNTRACED and WCONTINUED like any child.", "kernel/exit.c"),
    "WAIT-11": Rule("Reaping frees all numbers before wait returns.", "kernel/exit.c"),
    "WAIT-12": Rule(
        "Once wait returned a father, all his children already have their final new parent and their pdeath signals are queued.",
        "kernel/exit.c",
    ),
    "REPARENT-01": Rule(
        "New parent of an exiting task's children, in this order: (a) another live thread of the same process; (b) nearest "
        "ancestor process marked subreaper *whose struct pid is at the same level* as the exiting father, walking up real "
        "parents and stopping at the first ancestor of another level; (c) the reaper of the *father's* namespace.",
        "kernel/exit.c:find_new_reaper",
    ),
    "REPARENT-02": Rule(
        "The father's namespace decides, not the child's: an injected child (or an ns init) whose outside father dies goes to "
        "the outer ns's subreaper/init, not to its own ns's init.",
        "kernel/exit.c",
    ),
    "REPARENT-03": Rule(
        "A subreaper outside the namespace never adopts orphans whose father is inside, even if the father is the subreaper's "
        "own child (injected).",
        "kernel/exit.c",
    ),
    "REPARENT-04": Rule("A subreaper inside the namespace beats the ns init.", "kernel/exit.c"),
    "REPARENT-05": Rule("Nearest subreaper wins; when it exits, children pass to the next.", "kernel/exit.c"),
    "REPARENT-06": Rule(
        "PR_SET_CHILD_SUBREAPER (3.4): any non-zero arg sets 1, other args ignored; not inherited by fork; kept across exec; "
        "per process. PR_GET bad pointer -EFAULT.",
        "kernel/exit.c",
    ),
    "REPARENT-07": Rule("Also effective for descendants forked *before* the prctl (since 4.11).", "kernel/exit.c", since="4.11"),
    "REPARENT-08": Rule("Clearing the flag takes effect for later deaths; existing adoptions stay.", "kernel/exit.c"),
    "REPARENT-09": Rule(
        "An orphan's getppid inside the ns becomes 1 (or the subreaper's number); for injected ones it stays 0.", "kernel/exit.c"
    ),
    "REPARENT-10": Rule(
        "A zombie orphan is re-notified: the new parent gets SIGCHLD for it and can reap it; if the new parent ignores SIGCHLD "
        "it is reaped on the spot.",
        "kernel/exit.c",
    ),
    "REPARENT-11": Rule("A stopped ns init still adopts.", "kernel/exit.c"),
    "REPARENT-12": Rule(
        "CLONE_PARENT makes the child a sibling: real parent = caller's real parent, which may be in an outer ns (getppid 0) "
        "even for a non-init member. The caller cannot wait for it.",
        "kernel/exit.c",
    ),
    "REPARENT-13": Rule("After the caller itself was reparented, CLONE_PARENT uses the *new* parent.", "kernel/exit.c"),
    "REPARENT-14": Rule(
        "If the creator of an ns init exits, the namespace lives on; init's parent becomes the outer reaper.", "kernel/exit.c"
    ),
    "INIT-01": Rule(
        "When the last thread of init exits (any reason, any code): new allocations in the ns are refused, init's SIGCHLD "
        "disposition becomes SIG_IGN, every task with a number ≥ 2 in the ns gets SIGKILL (kernel-sent), then init waits until "
        "no other struct pid with a number in the ns is left, then becomes a zombie.",
        "kernel/pid_namespace.c:zap_pid_ns_processes",
    ),
    "INIT-02": Rule(
        "The kill reaches all descendant namespaces (their tasks have numbers here), nested inits included; stopped tasks, "
        "tasks ignoring/blocking everything die too.",
        "kernel/pid_namespace.c",
    ),
    "INIT-03": Rule('Victims report "killed by signal 9" to their parents; init reports its own status.', "kernel/pid_namespace.c"),
    "INIT-04": Rule(
        "Invariant: when a wait for init returns (or its pidfd becomes readable), no task of the ns (or below) exists any more,"
        " not even as zombie, and all their numbers are free at every level.",
        "kernel/pid_namespace.c",
    ),
    "INIT-05": Rule("Zombie and later-dying children of init are reaped automatically.", "kernel/pid_namespace.c"),
    "INIT-06": Rule(
        "An injected victim whose outside parent does not reap it keeps init in the shutdown wait *indefinitely*: wait on init "
        "blocks/returns 0, pidfd not readable, further SIGKILL succeeds without effect.",
        "kernel/pid_namespace.c",
    ),
    "INIT-07": Rule(
        "Deadlock trap: a parent that waits for init *only* (by pid) while it also owns an injected victim never returns. "
        "Reaping the victim releases it.",
        "kernel/pid_namespace.c",
    ),
    "INIT-08": Rule(
        "It is also released when the outside parent dies (the zombie passes to the outer reaper) or ignores SIGCHLD (auto-reap).",
        "kernel/pid_namespace.c",
    ),
    "INIT-09": Rule(
        "/proc state of init in this wait: I where the newer uninterruptible-idle wait is used (live: 6.1.192, 6.12.117, "
        "7.2.13, 7.3.4), else S (live: 5.10.262, 6.1.190, 6.12.113, 6.16, 6.17, 6.18.5 … 6.18.44, 7.2.12). It is not a zombie: "
        "kill(init,0)=0, exe and pid_for_children links ENOENT, ns/pid readable.",
        "kernel/pid_namespace.c",
    ),
    "INIT-10": Rule("fork into a dying ns (members cannot, they are killed; outsiders with pfc) → -ENOMEM.", "kernel/pid_namespace.c"),
    "INIT-11": Rule(
        "In-ns members that are mid-fork at that time die by SIGKILL; user space in them never sees ENOMEM.", "kernel/pid_namespace.c"
    ),
    "INIT-12": Rule(
        "Pinning by id: if a process *outside* the ns is in a process group whose id belongs to a (dead) member, that struct "
        "pid survives and init stays in the shutdown wait until the outsider leaves the group or exits.",
        "kernel/pid_namespace.c",
    ),
    "INIT-13": Rule(
        'CLONE_SIGHAND trap: the "SIGCHLD := SIG_IGN" step writes the *shared* handler table; if init was cloned with '
        "CLONE_SIGHAND, its outside parent ends up with SIGCHLD ignored, and init and all later children are auto-reaped (wait "
        "→ ECHILD).",
        "kernel/pid_namespace.c",
    ),
    "INIT-14": Rule(
        "A dead namespace can never be revived: fork into it → -ENOMEM for ever; setns into it works.", "kernel/pid_namespace.c"
    ),
    "INIT-15": Rule(
        "SIGKILLs go out in ascending order of in-ns numbers; the order of actual deaths is unspecified.", "kernel/pid_namespace.c"
    ),
    "INIT-16": Rule(
        "If a nested init dies, only its own subtree dies. Any member of the outer ns (not only its init) with permission may "
        "kill a nested init, being an ancestor.",
        "kernel/pid_namespace.c",
    ),
    "INIT-17": Rule(
        "Killing init from outside by SIGKILL, exit(), fault, exit-group, RLIMIT_CPU hard limit, pdeathsig SIGKILL from "
        "outside, reboot(2) inside: all end in the same shutdown.",
        "kernel/pid_namespace.c",
    ),
    "LIFE-01": Rule(
        "The object outlives its tasks while referenced by: an open ns fd or bind mount, a mounted procfs instance, any task's "
        "pfc, un-freed struct pids (incl. pgid/sid use, open pidfds), child namespaces.",
        "kernel/pid_namespace.c",
    ),
    "LIFE-02": Rule(
        "Inode numbers of ns files are dynamic and may be reused after destruction; compare for equality among live objects only.",
        "kernel/pid_namespace.c",
    ),
    "LIFE-03": Rule(
        "Destruction (ucount, sysctl set) is asynchronous (PERM-07); since the 6.1x series by work queue.", "kernel/pid_namespace.c"
    ),
    "LIFE-04": Rule(
        "A dead but pinned namespace can still be entered and inspected; its cursor continues to move on failed forks.",
        "kernel/pid_namespace.c",
    ),
    "SIG-01": Rule(
        "A signal whose disposition in init is SIG_DFL and which is not blocked is *discarded when sent* and the sender gets 0 "
        "— whoever sends it, with the only exception of SIG-02.",
        "kernel/signal.c:sig_task_ignored",
    ),
    "SIG-02": Rule(
        'SIGKILL and SIGSTOP act on init iff the send is "forced": sender not visible in init\'s namespace (ancestor or '
        "sibling), or kernel-originated.",
        "kernel/signal.c",
    ),
    "SIG-03": Rule(
        "From inside (including init itself, and injected members, and tgkill/tkill/sigqueue) SIGKILL and SIGSTOP return 0 and do nothing.",
        "kernel/signal.c",
    ),
    "SIG-04": Rule(
        "From an ancestor: SIGTERM, SIGINT, SIGHUP, SIGSEGV, SIGABRT, SIGTSTP, SIGTTIN, real-time… with default disposition → "
        "0, no effect (not even a stop).",
        "kernel/signal.c",
    ),
    "SIG-05": Rule("Signals with a handler are delivered normally from anywhere; SIG_IGN as usual.", "kernel/signal.c"),
    "SIG-06": Rule(
        "Blocked signals are *queued* even with SIG_DFL (visible in ShdPnd, obtainable by sigtimedwait/signalfd). If unblocked "
        "with SIG_DFL they are discarded at delivery and init survives.",
        "kernel/signal.c",
    ),
    "SIG-07": Rule("A signal sent before init installs its handler is lost, not postponed.", "kernel/signal.c"),
    "SIG-08": Rule(
        "Side effects happen before the discard: any SIGCONT (also from a member) resumes a stopped init and produces a "
        "WCONTINUED event; any stop signal removes pending SIGCONT, SIGCONT removes pending stop signals, although the signal "
        "itself is dropped.",
        "kernel/signal.c",
    ),
    "SIG-09": Rule(
        "Stopping init does not stop other members; SIGKILL from a member to a stopped init is still dropped; ancestor SIGKILL "
        "works on a stopped init.",
        "kernel/signal.c",
    ),
    "SIG-10": Rule(
        "Real faults (SIGSEGV by bad access etc.) kill init: the kernel clears the protection when it forces a fault signal "
        "with default action. raise(SIGSEGV)/kill(self,SIGSEGV) do not.",
        "kernel/signal.c",
    ),
    "SIG-11": Rule(
        "abort() in init ends with SIGSEGV (glibc x86: SIGABRT is ignored, the fallback trap instruction faults), not SIGABRT.",
        "kernel/signal.c",
    ),
    "SIG-12": Rule(
        "SIGPIPE, SIGALRM and similar kernel-sent non-KILL/STOP signals with default disposition do not kill init (write returns EPIPE).",
        "kernel/signal.c",
    ),
    "SIG-13": Rule(
        "The protection survives exec (handlers reset → protected again), is shared by all threads, is not inherited by children.",
        "kernel/signal.c",
    ),
    "SIG-14": Rule("It ends when the process starts to exit; from then on signals to it return 0 and are dropped.", "kernel/signal.c"),
    "SIG-15": Rule(
        "Protection is relative to the *init's own* ns only: nested init versus members of the outer ns = ancestors.", "kernel/signal.c"
    ),
    "SIG-16": Rule(
        '"Forced" is decided by *sender invisible in the target\'s active ns*, so a sibling ns qualifies: an init that shares a '
        "process group with a sibling ns's init kills that one with kill(0,SIGKILL) while itself surviving; the common non-init"
        " parent dies too.",
        "kernel/signal.c",
    ),
    "SIG-17": Rule(
        "A member of a *descendant* ns is visible in the outer ns, hence not forced: kill(0,SIGKILL) from a child-ns task does "
        "not kill the outer ns's init in the group.",
        "kernel/signal.c",
    ),
    "SIG-18": Rule(
        "Forged-origin trap: rt_sigqueueinfo (and pidfd_send_signal with siginfo) using a si_code without pid/uid layout "
        '(SI_TIMER, SI_SIGIO) is never "forced": an *ancestor\'s* SIGKILL sent that way returns 0 and init survives; with '
        "SI_QUEUE or SI_ASYNCIO it dies.",
        "kernel/signal.c",
    ),
    "SIG-19": Rule("A traced init gets default-disposition signals queued for the tracer (except SIGKILL from inside).", "kernel/signal.c"),
    "SIG-20": Rule("Existence probe kill(init,0) follows ordinary permission rules.", "kernel/signal.c"),
    "KILL-01": Rule(
        "kill(-1,s): every process visible in the caller's ns with number > 1 there, except the caller's own process; includes "
        "descendant namespaces' tasks and nested inits (these under ancestor rules), zombies included. Never anything outside "
        "the ns.",
        "kernel/signal.c",
    ),
    "KILL-02": Rule("The ns's own init is never a target; called by init it spares only init itself.", "kernel/signal.c"),
    "KILL-03": Rule(
        'Result: -ESRCH iff there is no candidate at all; otherwise the last result that was not EPERM, or 0 — so "all EPERM" '
        "gives 0 (unlike a group kill).",
        "kernel/signal.c",
    ),
    "KILL-04": Rule("kill(-1, invalid): -ESRCH when alone, -EINVAL when a candidate (even a zombie) exists.", "kernel/signal.c"),
    "KILL-05": Rule("Iteration order = creation order of processes (global task list).", "kernel/signal.c"),
    "KILL-06": Rule("kill(INT_MIN) → -ESRCH. kill(pid>0) works on any visible thread id (process-wide signal).", "kernel/signal.c"),
    "KILL-07": Rule("kill(-1,SIGKILL) run by an outer member kills nested inits (and thereby their namespaces).", "kernel/signal.c"),
    "KILL-08": Rule("SIGCONT needs no uid match within the same session (object identity).", "kernel/signal.c"),
    "KILL-09": Rule("pidfd_send_signal to a pid whose ns is not the caller's or a descendant → -EINVAL.", "kernel/signal.c"),
    "SINFO-01": Rule(
        "kill/tgkill/pidfd_send: si_pid is the sender's tgid in the *sender's* active ns (7.3: in the target's, SINFO-04), "
        "replaced by 0 if the sender is not visible in the target's ns.",
        "kernel/signal.c",
    ),
    "SINFO-02": Rule("Ancestor → child ns: si_pid = 0, si_code unchanged (SI_USER/SI_TKILL/SI_QUEUE).", "kernel/signal.c"),
    "SINFO-03": Rule(
        "sigqueue by an ancestor: a user-supplied si_pid is overwritten with 0; within one ns it is passed through unchanged "
        "(forgeable); codes without pid layout pass through everywhere.",
        "kernel/signal.c",
    ),
    "SINFO-04": Rule(
        "Upward (child ns → parent ns via kill(0)), ≤ 7.2.13: si_pid is not translated (7.3.4: translated, the sender's number "
        "in the receiver's namespace; run-on-kernel 7.3 -- probe signals); the receiver sees the sender's number in the "
        "sender's namespace (e.g. 1 or 7), which names somebody else or nobody there.",
        "kernel/signal.c",
    ),
    "SINFO-05": Rule(
        "Multi-target leak (live: 5.10.262, ≤ 6.1.187, ≤ 6.12.105, 6.16, 6.17, 6.18.5 … 6.18.44): the siginfo is modified in "
        "place while walking the targets, so after one target that cannot see the sender, *all later targets* get si_pid 0 "
        "(kill(0)/kill(-g): newest member first; kill(-1): oldest first). Same for si_uid (65534 leaks).",
        "kernel/signal.c",
    ),
    "SINFO-06": Rule("SIGCHLD (exit, stop, continue): si_pid translated correctly to the parent's ns.", "kernel/signal.c"),
    "SINFO-07": Rule(
        "Kernel-internal \"no info\" sends (pdeathsig): si_code SI_USER, si_pid = dying parent's number in the *target's* ns (0 "
        "if invisible) — correctly translated.",
        "kernel/signal.c",
    ),
    "SINFO-08": Rule("si_uid: sender's uid mapped into the target's user ns, 65534 if unmapped.", "kernel/signal.c"),
    "SINFO-09": Rule("A second standard signal while one is pending is dropped together with its siginfo.", "kernel/signal.c"),
    "PDEATH-01": Rule("PR_SET_PDEATHSIG: > 64 or negative → -EINVAL; 0 clears.", "kernel/exit.c"),
    "PDEATH-02": Rule(
        "Cleared in fork children, on credential changes (uid/gid/caps changes, set-id exec); kept across plain exec, setsid, "
        "unshare(CLONE_NEWUSER).",
        "kernel/exit.c",
    ),
    "PDEATH-03": Rule("Sent when the parent *at that time* exits, and again for every later adoptive parent that exits.", "kernel/exit.c"),
    "PDEATH-04": Rule(
        '"Parent" is the forking *thread*: it fires when that thread exits although the process lives and getppid is unchanged.',
        "kernel/exit.c",
    ),
    "PDEATH-05": Rule("Not sent retroactively if the parent is already gone.", "kernel/exit.c"),
    "PDEATH-06": Rule(
        "Subject to kill permission of the dying parent: a parent that dropped to another uid cannot signal a root child → "
        "silently nothing.",
        "kernel/exit.c",
    ),
    "PDEATH-07": Rule(
        "Parent in an ancestor ns, child = ns init: SIGKILL/SIGSTOP are forced and kill/stop the init (basis of unshare --kill-"
        "child); SIGTERM with default disposition is dropped.",
        "kernel/exit.c",
    ),
    "PDEATH-08": Rule("When it is delivered the child is already reparented (getppid shows the new parent).", "kernel/exit.c"),
    "REBOOT-01": Rule(
        'Inside a non-initial PID ns (since 3.4): RESTART/RESTART2 → wait status of init "killed by SIGHUP (1)"; POWER_OFF/HALT'
        ' → "killed by SIGINT (2)"; every other cmd (CAD_ON/OFF, KEXEC, SW_SUSPEND, unknown) → -EINVAL.',
        "kernel/pid_namespace.c",
        since="3.4",
    ),
    "REBOOT-02": Rule("Acts on the caller's *active* ns (not pfc). Needs CAP_SYS_BOOT in its owning user ns.", "kernel/pid_namespace.c"),
    "REBOOT-03": Rule(
        "The call never returns on success: the calling thread exits with code 0. An injected caller is seen by its outside "
        "parent as exit(0) (only its SIGKILLed peers show signal 9).",
        "kernel/pid_namespace.c",
    ),
    "REBOOT-04": Rule(
        "SIGCHLD siginfo disagrees with the wait status: CLD_EXITED/0 if init itself called, CLD_KILLED/9 if a member called, "
        "while wait says SIGHUP/SIGINT.",
        "kernel/pid_namespace.c",
    ),
    "REBOOT-05": Rule("RESTART2's string argument is not read (bad pointer is fine) in a child ns.", "kernel/pid_namespace.c"),
    "REBOOT-06": Rule("Never call it from the initial ns in a test: it is real.", "kernel/pid_namespace.c"),
    "VFORK-01": Rule("vfork after unshare makes the child PID 1; parent sleeps (state D) until exec/exit.", "kernel/fork.c"),
    "VFORK-02": Rule(
        "The suspended parent can be SIGKILLed; the vfork child (ns init) then continues as an orphan of the outer reaper.", "kernel/fork.c"
    ),
    "VFORK-03": Rule("vfork into a dead ns → -ENOMEM at once.", "kernel/fork.c"),
    "DET-01": Rule(
        "Run each scenario in a fresh *arena* namespace created for it; exact numbers are then independent of the host because "
        "only the arena's and its descendants' forks move its cursor. Level-0 numbers and the runner's own numbers are never "
        "comparable.",
        "",
    ),
    "DET-02": Rule(
        "Count *every* allocation: threads, helper processes, vfork'ed tools, io_uring/user workers created by members, failed "
        "late forks (ALLOC-12..14). Actors should be single-threaded loops executing one raw syscall per command; a language "
        "runtime's subprocess/threads burn numbers.",
        "",
    ),
    "DET-03": Rule(
        "One fork at a time over the whole arena *including descendants*: two concurrent forkers race for the shared ancestor "
        "cursor. Seen live in this very suite: v_childorder swapped 4 and 5 in 1 of 4 runs.",
        "",
    ),
    "DET-04": Rule(
        "Rewrite ns_last_pid (needs CONFIG_CHECKPOINT_RESTORE and privilege over the owner) to pin a start value; use per-ns "
        "pid_max (≥ 6.14) for wrap tests; the lower bound depends on CPU count (max(301, 8·CPUs)), so keep tests ≥ that or "
        "compute it.",
        "",
    ),
    "DET-05": Rule(
        "Start children with a rendezvous before using their signals: parent/child run order after fork is unspecified. (Seen "
        "live: a child with exit signal 64 killed its parent before the parent had set SIG_IGN, 1 of 4 runs.)",
        "",
    ),
    "DET-06": Rule(
        "Treat as unordered/unspecified: order of deaths in a shutdown, order of SIGCHLD relative to other signals, number of "
        "coalesced standard signals, ns inode numbers, rusage, timing of ucount release (retry with back-off up to ~1 s), /proc"
        " state letters of running tasks (R/S/D), INIT-09 letter.",
        "",
    ),
    "DET-07": Rule(
        "Known short races (measured, 2 CPUs): right after kill(SIGKILL) wait(WNOHANG) was still 0 in 999/1000; after "
        "kill(SIGSTOP) state ≠ T in 493/500; auto-reaped child: pidfd readable but kill(pid,0) still 0 in 383/2000; thread: "
        "CLEARTID word 0 but tkill(tid,0) still 0 in 731/1905.",
        "",
    ),
    "DET-08": Rule(
        "Group/broadcast siginfo content and delivery order depend on membership history; compare only who got the signal "
        "unless a probe shows the fixed kernel (SINFO-05).",
        "",
    ),
    "DET-09": Rule(
        "Feature-probe at start and put the result into the model's configuration (table §20a): per-ns pid_max, PFC-02, "
        "ALLOC-15, SETTID order, SINFO-05, EXITSIG-02, ns_last_pid presence, unprivileged user namespaces, missing capabilities"
        " (here CAP_SYS_RESOURCE).",
        "",
    ),
    "DET-10": Rule(
        "Give every wait a timeout (INIT-06/12 and x_sighand can block for ever) and kill the arena's init from outside as "
        "clean-up; then the parent must reap all its injected children *before* or together with init (use wait on -1 with "
        "__WALL, never on init alone).",
        "",
    ),
    "DET-11": Rule(
        "Forbidden on a shared machine: reboot(2) or kill(-1) unless getpid-in-arena is asserted and the ns inode differs from "
        "the initial one; writing pid_max/ns_last_pid without the same assertion; SETNS-10.",
        "",
    ),
    "PIDFD-OBJ-01": Rule(
        "A pidfd refers to a *struct pid*, not to a task or a number. It keeps that object alive but not the number: after "
        "reaping, the number can go to another task while the old pidfd stays dead for ever.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-02": Rule(
        "Every pidfd is created close-on-exec, O_RDWR, at the lowest free fd number. F_GETFL = 02, + 04000 with PIDFD_NONBLOCK,"
        " + 0200 (O_EXCL) for a thread pidfd.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-03": Rule(
        "O_NONBLOCK can be switched later by F_SETFL or FIONBIO, and waitid obeys the current state; O_EXCL can neither be set "
        "nor cleared by F_SETFL.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-04": Rule(
        "Thread-ness belongs to the open file, not to the inode: re-opening /proc/self/fd/N (even with O_EXCL) always gives a "
        "*process-type* file, also for a thread pidfd (signals through it have process scope). Re-open: -ENXIO before pidfs (≤ "
        "6.8); 6.12, 6.16: O_RDONLY ok, O_RDWR -EPERM; 6.17+: both ok.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-05": Rule("O_PATH re-opens succeed everywhere but are not pidfds: pidfd_send_signal → -EBADF.", "fs/pidfs.c"),
    "PIDFD-OBJ-06": Rule(
        "readlink(/proc/self/fd/N) is anon_inode:[pidfd] on *every* release; there is no pidfd:[N] text (pidfs keeps the old "
        "one deliberately). src pidfs_dname.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-07": Rule(
        "Up to 6.8 all pidfds share the one anon-inode inode: st_ino equal for all processes, f_type 0x09041934, mode 0600. "
        "With pidfs (6.9+, 64-bit): f_type 0x50494446, st_mode exactly 0700 (no S_IFMT type), uid 0, nlink 1, size 0; st_ino "
        "identifies the struct pid: equal for all its pidfds whatever flags, opener or namespace, unchanged after all fds are "
        "closed and re-opened, never reused before reboot.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-08": Rule(
        "The inode number is assigned when the *struct pid* is created (fork), in creation order, not when a pidfd is first "
        "opened; each fork at any level consumes one. One global counter on 6.12 and 6.18; on 7.3 per-CPU batches (fork on "
        "cpu0: 92, 93, 94; then on cpu1: 4161…), so only uniqueness may be assumed.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-09": Rule(
        "A leader's thread pidfd and process pidfd have the same inode; exec keeps it, also exec by a non-leader.", "fs/pidfs.c"
    ),
    "PIDFD-OBJ-10": Rule(
        "read/write -EINVAL, lseek -ESPIPE, mmap -ENODEV, fsync -EINVAL, flock works; bind mount of it -EINVAL; mount -t "
        "pidfs/nsfs -ENODEV. fchmod/fchown/futimens: succeed ≤ 6.8, -EPERM 6.12, 6.16, -EOPNOTSUPP 6.17+.",
        "fs/pidfs.c",
    ),
    "PIDFD-OBJ-11": Rule("trusted.* xattrs: settable on 6.17+ (user.* -EOPNOTSUPP), -EPERM 6.12, 6.16, -EOPNOTSUPP ≤ 6.8.", "fs/pidfs.c"),
    "PIDFD-OBJ-12": Rule(
        "Passing (fork, SCM_RIGHTS, dup, pidfd_getfd) never changes what it refers to; validity is re-evaluated at each use "
        "against the *user's* active ns.",
        "fs/pidfs.c",
    ),
    "PIDFD-OPEN-01": Rule(
        "Order: unknown flag EINVAL ▷ pid ≤ 0 EINVAL ▷ no such number in the caller's active ns ESRCH ▷ role check (03, 04) ▷ "
        "EMFILE/ENFILE. Known flags: PIDFD_NONBLOCK (= O_NONBLOCK, 5.10), PIDFD_THREAD (= O_EXCL, 6.9); O_CLOEXEC, O_RDWR, "
        "O_TRUNC, 1 are all -EINVAL.",
        "fs/pidfs.c",
    ),
    "PIDFD-OPEN-02": Rule(
        "No permission check of any kind (uid, dumpable, user ns). Self, parent, ns init, kernel threads are legal. Numbers of "
        "other namespaces cannot be named.",
        "fs/pidfs.c",
    ),
    "PIDFD-OPEN-03": Rule("Tid of a non-leader without PIDFD_THREAD: -EINVAL ≤ 6.12, -ENOENT 6.16+.", "fs/pidfs.c"),
    "PIDFD-OPEN-04": Rule("Number in use only as pgid/sid: -EINVAL ≤ 6.12 (also with PIDFD_THREAD), -ESRCH 6.16+.", "fs/pidfs.c"),
    "PIDFD-OPEN-05": Rule(
        "A zombie can be opened, with or without PIDFD_THREAD, until reaped. So can a process whose leader has exited while "
        "threads live, and that dead leader as a thread.",
        "fs/pidfs.c",
    ),
    "PIDFD-OPEN-06": Rule(
        "PIDFD_THREAD takes any tid, including leaders. After a thread's exit, or after an exec by a non-leader (which drops "
        "its tid), opening the tid → -ESRCH.",
        "fs/pidfs.c",
    ),
    "PIDFD-CLONE-01": Rule(
        "Legacy clone returns the fd through parent_tid (third raw argument): CLONE_PIDFD|CLONE_PARENT_SETTID → -EINVAL. clone3"
        " has its own pointer and allows both, but if both flags are given and the pointers are equal (NULL = NULL too) → "
        "-EINVAL, as the first check of the common part (PREC-02). src kernel_clone.",
        "fs/pidfs.c",
    ),
    "PIDFD-CLONE-02": Rule("The old content of the variable is irrelevant; a pidfd pointer without the flag is ignored.", "fs/pidfs.c"),
    "PIDFD-CLONE-03": Rule("CLONE_DETACHED alone is ignored, with CLONE_PIDFD -EINVAL (legacy clone).", "fs/pidfs.c"),
    "PIDFD-CLONE-04": Rule(
        "CLONE_PIDFD|CLONE_THREAD: -EINVAL ≤ 6.8; 6.9+ allowed, the result is a *thread* pidfd (F_GETFL 0202).", "fs/pidfs.c"
    ),
    "PIDFD-CLONE-05": Rule(
        "EMFILE ▷ EFAULT. Both occur after PID allocation: a number is burnt at every level (ALLOC-12); no fd slot is lost. "
        "NULL pointer = EFAULT.",
        "fs/pidfs.c",
    ),
    "PIDFD-CLONE-06": Rule(
        "The fd is created after the fd table was copied: a fork-like child never owns it (and its private copy of the variable"
        " has the old value); with CLONE_FILES both own it, the child may signal itself through it, waitid on it → -ECHILD.",
        "fs/pidfs.c",
    ),
    "PIDFD-CLONE-07": Rule(
        "Combines with CLONE_NEWPID (fdinfo NSpid: 14 1), CLONE_VFORK, CLONE_PARENT, any exit signal. exit_signal 0 children "
        "still need __WCLONE/__WALL in waitid(P_PIDFD), else -ECHILD.",
        "fs/pidfs.c",
    ),
    "PIDFD-CLONE-08": Rule(
        "7.x only: CLONE_AUTOREAP (1<<34), CLONE_NNP (1<<35), CLONE_PIDFD_AUTOKILL (1<<36); AUTOREAP forbids THREAD, PARENT and"
        " exit_signal ≠ 0, and the child is never waitable (-ECHILD). AUTOKILL requires PIDFD and AUTOREAP (else EINVAL) and "
        "NNP or CAP_SYS_ADMIN (else EPERM). The *creation* file has F_GETFL 01002; when its last reference (dups included) "
        "goes, the process gets SIGKILL; closing other pidfds does nothing. ≤ 6.18: -EINVAL.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-01": Rule(
        "Order: unknown flag EINVAL ▷ more than one scope flag EINVAL ▷ fd not open/not usable EBADF ▷ pid not *seen* EINVAL ▷ "
        "info unreadable EFAULT ▷ si_signo ≠ sig EINVAL ▷ forbidden si_code EPERM ▷ nothing to signal ESRCH ▷ sig > 64 or < 0 "
        "EINVAL ▷ permission EPERM.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-02": Rule(
        "A target in an ancestor or sibling namespace gives -EINVAL (not ESRCH, not EPERM), whether it lives, is a zombie or is"
        " long reaped, and for sig 0 too. Only pids of the active ns or its descendants are reachable. src access_pidfd_pidns.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-03": Rule(
        "Accepted files: pidfds, and an O_RDONLY directory fd of /proc/PID (incl. /proc/self, and /proc/TID of a non-leader: "
        "/proc root accepts any tid). Not accepted (-EBADF): O_PATH fds of either, /proc/PID/task/TID, /proc/thread-self, "
        "/proc/PID/fd, /proc, files inside.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-04": Rule(
        "A /proc/PID dir fd is a pidfd *only* for pidfd_send_signal: waitid and pidfd_getfd -EBADF, setns -EINVAL. The ns rule "
        "(02) applies to it as well; after reaping -ESRCH.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-05": Rule(
        "flags 0: scope from the file: thread pidfd → that thread only, other → whole process. Flags (6.9): 1 THREAD, 2 "
        "THREAD_GROUP, 4 PROCESS_GROUP override it. ≤ 6.8 any flag ≠ 0 -EINVAL.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-06": Rule(
        "THREAD with a process pidfd targets the *leader thread*; THREAD_GROUP with a thread pidfd queues to the process; the "
        "addressed thread is the one the kernel wakes first, but another may take it (once in about 60 runs another thread "
        "did).",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-07": Rule(
        'PROCESS_GROUP means "the group whose pgid is this pid", not "the group this process is in": for a process that is not '
        "a group leader → -ESRCH; for a reaped leader whose group still has members → works (while flags 0 → ESRCH).",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-08": Rule(
        "Without info the receiver gets si_code SI_USER (0) for process and group scope, SI_TKILL (-6) for thread scope; si_pid"
        " = sender's number in the receiver's ns, 0 if the sender is not visible there.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-09": Rule(
        "With info: si_code ≥ 0 or == SI_TKILL is allowed only to oneself, i.e. the pidfd's struct pid is the *calling "
        "thread's* own and the scope is not PROCESS_GROUP; any other negative code is free (-1, -2, -4, -60). si_code is "
        "checked even for sig 0.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-10": Rule(
        "With info the kernel translates si_pid: sender from an ancestor ns → receiver sees si_pid 0 whatever the caller wrote,"
        " si_uid kept (uid-mapped); within one ns the caller's si_pid/si_uid pass unchanged (777/888).",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-11": Rule(
        "A zombie accepts every valid signal incl. SIGKILL with 0 and no effect (permission is still checked: EPERM); so does a"
        " dead leader with live threads for thread scope, while process scope reaches its live threads.",
        "fs/pidfs.c",
    ),
    "PIDFD-SEND-12": Rule(
        "Permission as kill(2) (PERM-10), incl. the SIGCONT same-session exception. An ns init is protected exactly as against "
        "kill: SIGKILL/SIGSTOP from inside → returns 0, nothing happens.",
        "fs/pidfs.c",
    ),
    "PIDFD-SELF-01": Rule(
        "-10000 = PIDFD_SELF = PIDFD_SELF_THREAD (calling thread), -10001 = PIDFD_SELF_PROCESS = PIDFD_SELF_THREAD_GROUP. ≤ "
        "6.12 -EBADF; 6.16: -10000 works but the process sentinel is -20000 (-10001 → -EBADF); 6.17+: -10000/-10001. First "
        "release 6.15.",
        "fs/pidfs.c",
    ),
    "PIDFD-SELF-02": Rule(
        "Understood only by pidfd_send_signal, process_madvise, process_mrelease. waitid → -EINVAL (negative), "
        "setns/ioctl/fstat/pidfd_getfd → -EBADF, poll ignores the entry (revents 0).",
        "fs/pidfs.c",
    ),
    "PIDFD-SELF-03": Rule(
        "As signal target: SELF has thread scope (si_code SI_TKILL, delivered in the caller), SELF_PROCESS process scope; scope"
        " flags override (SELF + PROCESS_GROUP → ESRCH unless the calling thread is the group leader). For SEND-09 SELF always "
        "counts as self, SELF_PROCESS only when called by the leader.",
        "fs/pidfs.c",
    ),
    "PIDFD-SELF-04": Rule("process_mrelease(SELF) → -EINVAL for a process that is not dying.", "fs/pidfs.c"),
    "PIDFD-SELF-05": Rule(
        "-10002 FD_PIDFS_ROOT, -10003 FD_NSFS_ROOT are valid only as mount fd of open_by_handle_at; everywhere else -EBADF.", "fs/pidfs.c"
    ),
    "PIDFD-GETFD-01": Rule(
        "Order: flags ≠ 0 EINVAL ▷ pidfd bad EBADF ▷ reaped ESRCH ▷ no PTRACE_MODE_ATTACH_REALCREDS access EPERM ▷ target "
        "exiting or zombie ESRCH ▷ target fd not open (or negative) EBADF ▷ EMFILE.",
        "fs/pidfs.c",
    ),
    "PIDFD-GETFD-02": Rule(
        "The result is CLOEXEC, at the lowest free number, and shares the open file description (kcmp equal). O_PATH fds are "
        "copied as O_PATH.",
        "fs/pidfs.c",
    ),
    "PIDFD-GETFD-03": Rule(
        "No PID-namespace condition at all: an ns member holding a pidfd of an ancestor's or sibling's process can take its fds"
        " if ptrace permits (root in the same user ns: yes).",
        "fs/pidfs.c",
    ),
    "PIDFD-GETFD-04": Rule(
        "The own process is always allowed, also when non-dumpable. A child made non-dumpable by setuid → -EPERM for its unpriv"
        " parent; its zombie too (but ESRCH for the zombie, whose dumpability they no longer check, on 6.12.43 … 6.12.86 and "
        "6.16.3-6.18.15; EBADF on 5.10.218 and 6.1.170, which look into its empty table).",
        "fs/pidfs.c",
    ),
    "PIDFD-GETFD-05": Rule(
        "Uses the task of the struct pid: thread pidfd → that thread's fd table; process pidfd → the leader's, so a dead leader"
        " with live threads → -ESRCH.",
        "fs/pidfs.c",
    ),
    "PIDFD-WAITID-01": Rule(
        "Order: bad options EINVAL ▷ no WEXITED/WSTOPPED/WCONTINUED EINVAL ▷ fd < 0 EINVAL ▷ not a pidfd EBADF ▷ ECHILD.", "fs/pidfs.c"
    ),
    "PIDFD-WAITID-02": Rule(
        "Non-blocking (O_NONBLOCK now set on the file, 5.10): where waitid would have slept → -EAGAIN; with explicit WNOHANG → "
        "0 with si_pid = 0, and the WNOHANG result wins. ECHILD ▷ EAGAIN (a non-child gives ECHILD). Applies to "
        "WSTOPPED/WCONTINUED too.",
        "fs/pidfs.c",
    ),
    "PIDFD-WAITID-03": Rule(
        "Waiting for the wrong state on a zombie (WSTOPPED only) → -ECHILD at once, also non-blocking. Already reaped, self, "
        "parent, grandchild → -ECHILD.",
        "fs/pidfs.c",
    ),
    "PIDFD-WAITID-04": Rule(
        "A *process* is waited for: a thread pidfd of the child's leader works like a process pidfd (reaps the process, honours"
        " O_NONBLOCK); a thread pidfd of a non-leader → -ECHILD, even with __WALL, unless that thread is a *tracee* of the "
        "caller (then normal ptrace waiting).",
        "fs/pidfs.c",
    ),
    "PIDFD-WAITID-05": Rule(
        "si_pid is the child's number in the caller's active ns (child in a nested ns: outer number). On error the siginfo is "
        "still written with si_pid = si_signo = 0.",
        "fs/pidfs.c",
    ),
    "PIDFD-WAITID-06": Rule("A bad infop → -EFAULT *after* the child was reaped.", "fs/pidfs.c"),
    "PIDFD-WAITID-07": Rule("Children with exit_signal ≠ SIGCHLD: see CLONE-07. P_PIDFD changes the selection only.", "fs/pidfs.c"),
    "PIDFD-POLL-01": Rule(
        "Alive or stopped: nothing. Process zombie: POLLIN|POLLRDNORM. Leader dead and other threads alive: nothing. Process "
        "reaped, or thread that does not lead ended: POLLHUP too (≤ 6.8: not).",
        "fs/pidfs.c",
    ),
    "PIDFD-POLL-02": Rule(
        "Requested events do not matter beyond the mask: events = 0 gives 0 for a zombie, POLLHUP after reaping (6.12+; nothing"
        " on ≤ 6.8). select(): zombie is readable only.",
        "fs/pidfs.c",
    ),
    "PIDFD-POLL-03": Rule(
        "POLLHUP is a second wake-up: EPOLLET reports twice (IN at death, IN|HUP at reap) on 6.12+, once on ≤ 6.8; a poller "
        "waiting only for HUP is woken by the reap.",
        "fs/pidfs.c",
    ),
    "PIDFD-POLL-04": Rule(
        "The wake-up at death comes with the exit notification, i.e. before or at the time the parent can reap. Auto-reaped "
        "children go straight to 0x11.",
        "fs/pidfs.c",
    ),
    "PIDFD-POLL-05": Rule(
        "exec by a non-leader: the process pidfd and the leader's thread pidfd stay 0 and continue to work (also when the "
        "leader had exited before); the execing thread's *own* thread pidfd becomes reaped (0x11). exec by the leader: other "
        "threads' pidfds become reaped.",
        "fs/pidfs.c",
    ),
    "PIDFD-POLL-06": Rule("exit_group from any thread: process zombie (0x1), thread pidfd of non-leaders 0x11 at once.", "fs/pidfs.c"),
    "PIDFD-POLL-07": Rule("poll has no visibility condition: a pidfd of an ancestor's process polls normally.", "fs/pidfs.c"),
    "PIDFD-FDINFO-01": Rule(
        "Lines in order: pos:\\t0, flags:\\t02000002 (octal F_GETFL | O_CLOEXEC; +04000, +0200), mnt_id:, ino: (absent on 5.10), "
        "Pid:\\tN, NSpid:\\tN[\\tN…].",
        "fs/pidfs.c",
    ),
    "PIDFD-FDINFO-02": Rule(
        "The view is that of the procfs instance through which fdinfo is read, not of the reader nor of the fd's owner: Pid = "
        "number in that instance's ns. A child-ns process reading the *ancestor's* procfs sees real numbers of ancestors (Pid: "
        "2) although it cannot signal them.",
        "fs/pidfs.c",
    ),
    "PIDFD-FDINFO-03": Rule("NSpid lists the numbers from the instance's level down to the pid's own level; first = Pid.", "fs/pidfs.c"),
    "PIDFD-FDINFO-04": Rule("Pid not visible in the instance's ns (ancestor, sibling): Pid: 0, NSpid: 0, one entry.", "fs/pidfs.c"),
    "PIDFD-FDINFO-05": Rule(
        "Reaped: Pid: -1, NSpid: -1, and -1 ▷ 0 (also for pids that would be invisible). Also -1 when the number survives as a "
        "pgid/sid. Zombie: real numbers.",
        "fs/pidfs.c",
    ),
    "PIDFD-FDINFO-06": Rule("Dead leader with live threads, and any process after exec: real numbers.", "fs/pidfs.c"),
    "PIDFD-INFO-01": Rule(
        "Order: command not valid (magic, direction or size < 64) ENOTTY ▷ NULL EINVAL ▷ mask unreadable EFAULT ▷ pid not "
        "*seen* EREMOTE ▷ reaped and EXIT not requested ESRCH ▷ result not writable EFAULT.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-02": Rule(
        "Kernels without the ioctl: ≤ 6.8 -ENOTTY; 6.9-6.12 (pidfs ioctls, no GET_INFO) a non-NULL argument → -EINVAL, NULL → "
        "-ENOTTY (live) / -ESRCH (reaped): so probing with a NULL argument misleads.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-03": Rule(
        "Size (from the ioctl number): larger than known → the rest is zero-filled, success (up to 16383 tried); smaller than "
        "known, ≥ 64, odd sizes allowed → truncated, bytes beyond the size untouched. Unknown request bits are ignored.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-04": Rule(
        "The returned mask can contain COREDUMP (or SUPPORTED_MASK) although the struct passed is too small to hold the field "
        "(mask 0x17 at size 64), against the header comment.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-05": Rule(
        "No permission check: unpriv may read root's processes. Numbers are translated into the caller's active ns (ppid 0 if "
        "the parent is invisible, as for a ns init), ids into the caller's user ns (65534 if unmapped).",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-06": Rule("Thread pidfd: pid = tid, tgid = its process, ppid = the process's parent.", "fs/pidfs.c"),
    "PIDFD-INFO-07": Rule(
        "EXIT becomes available at reaping, not at death: for a zombie the bit is never set. After reaping: only EXIT (and "
        "CGROUPID) are set, pid/tgid/ids are 0; exit_code is in wait-status format (0x2a00 = exit 42, 0xf = SIGTERM, 0x86 = "
        "SIGABRT + core).",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-08": Rule(
        "EXIT works for auto-reaped children, for members killed by zap (exit_code 9), for pidfds first opened on the zombie, "
        "and for pidfds received through SO_PEERPIDFD/SCM_PIDFD of an already reaped peer.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-09": Rule(
        "Threads: own code << 8; after exit_group(7) every thread 0x700; an old tid dropped by exec: EXIT with code 0 while the"
        " process lives on. A process whose leader exited first with 5 and last thread with 6: 0x600, as wait.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-10": Rule(
        "Reaped and ns-invisible → EREMOTE, with or without EXIT. Reaped + COREDUMP or SUPPORTED_MASK without EXIT → ESRCH.", "fs/pidfs.c"
    ),
    "PIDFD-INFO-11": Rule(
        "COREDUMP on a live task: coredump_mask = 4 (USER) if dumpable 1, 2 (SKIP) if dumpable 0, 8 (ROOT) for suid_dumpable 2."
        " Real dump information (|1, signal, code) is recorded only when the core goes to a pipe or socket handler; a core file"
        " leaves none. 6.18 sets the COREDUMP bit with value 0 for zombies and reaped tasks; 7.3 gives the zombie's real value "
        "and omits the bit after reaping.",
        "fs/pidfs.c",
    ),
    "PIDFD-INFO-12": Rule("SUPPORTED_MASK: ignored on 6.18, 0xff on 7.3.", "fs/pidfs.c"),
    "PIDFD-NSIOC-01": Rule("Result: an ns fd, O_RDONLY, CLOEXEC, same inode as /proc/PID/ns/X.", "fs/pidfs.c"),
    "PIDFD-NSIOC-02": Rule(
        "Order 7.3: unknown command ENOTTY ▷ reaped ESRCH ▷ arg ≠ 0 EINVAL ▷ no PTRACE_MODE_READ_FSCREDS EACCES ▷ namespaces "
        "already released (zombie, dead leader) ESRCH ▷ type not built EOPNOTSUPP ▷ EMFILE. 6.16-6.18.44: the same but released"
        " ESRCH ▷ EACCES (unpriv on root's zombie: ESRCH there, EACCES on 6.12.113+, 7.2+; ESRCH on 6.12.43 … 6.12.111). 6.12: "
        "arg ≠ 0 EINVAL ▷ reaped ESRCH ▷ EACCES ▷ released ESRCH ▷ unknown ENOTTY.",
        "fs/pidfs.c",
    ),
    "PIDFD-NSIOC-03": Rule(
        "ESRCH on a zombie holds for *all* types, also user and pid, whereas /proc/ZOMBIE/ns/pid and ns/user still open.", "fs/pidfs.c"
    ),
    "PIDFD-NSIOC-04": Rule("No PID-namespace condition: works on ancestors' and siblings' processes.", "fs/pidfs.c"),
    "PIDFD-NSIOC-05": Rule(
        "pid_for_children returns an un-inited namespace (≤ 6.18 /proc gives ENOENT for it; PFC-02, SETNS-09).", "fs/pidfs.c"
    ),
    "PIDFD-NSIOC-06": Rule(
        "A thread pidfd gives *that thread's* namespaces (after a thread's own unshare/setns they differ from the leader's).", "fs/pidfs.c"
    ),
    "PIDFD-FH-01": Rule(
        'name_to_handle_at(pidfd, "", AT_EMPTY_PATH): 8 bytes (the inode number), type 0xfe; works even on a reaped pid; too '
        "small buffer -EOVERFLOW.",
        "fs/pidfs.c",
    ),
    "PIDFD-FH-02": Rule(
        "open_by_handle_at(any pidfd or, 6.17+, FD_PIDFS_ROOT, …): no capability needed, even for root's processes (elsewhere "
        "open_by_handle_at wants CAP_DAC_READ_SEARCH); result O_RDWR and *not* CLOEXEC unless O_CLOEXEC given; flags beyond "
        "access mode, O_NONBLOCK, O_CLOEXEC, O_EXCL → -EINVAL. O_EXCL yields a thread pidfd on 7.3, is stripped on ≤ 6.18; "
        "6.16.3 set CLOEXEC always.",
        "fs/pidfs.c",
    ),
    "PIDFD-FH-03": Rule("Zombie ok; reaped, or pid not *seen* → -ESTALE.", "fs/pidfs.c"),
    "PIDFD-SETNS-01": Rule(
        "Order: EBADF ▷ neither ns fd nor pidfd EINVAL (a /proc/PID dir too) ▷ mask 0 or containing a non-CLONE_NEW* bit EINVAL"
        " ▷ reaped ESRCH ▷ no PTRACE_MODE_READ_REALCREDS EPERM ▷ namespaces released (zombie, dead leader) ESRCH ▷ per type, in"
        " the fixed order user, mnt, uts, ipc, pid, cgroup, net, time.",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-02": Rule(
        "All or nothing: the first failing type's errno is returned and nothing changes (UTS|USER with the own user ns → EINVAL"
        " and uts unchanged; UTS|PID to an ancestor's process → EINVAL and uts unchanged; UTS|TIME multithreaded → EUSERS, uts "
        "unchanged).",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-03": Rule(
        "Per-type errors: user: same user ns, multithreaded, or shared fs_struct EINVAL ▷ EPERM. mnt: EPERM (SYS_ADMIN over "
        "target, SYS_CHROOT+SYS_ADMIN over own) ▷ shared fs_struct EINVAL. pid: EPERM ▷ not own/descendant EINVAL. time: "
        "multithreaded EUSERS ▷ EPERM. Others: EPERM.",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-04": Rule(
        "With CLONE_NEWUSER in the mask the remaining types are checked with the *new* credentials: an unpriv owner of a child "
        "user ns gets USER|UTS = 0 but UTS alone = EPERM.",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-05": Rule(
        "Joining the types the target shares with the caller is allowed and needs the same capabilities (unpriv UTS of oneself "
        "→ EPERM); only USER rejects the own ns.",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-06": Rule(
        "CLONE_NEWPID takes the target's *active* ns and sets the caller's pfc (SETNS-05). A pidfd of an ancestor's process may"
        " be used for the non-PID types (UTS → 0), not for PID (EINVAL).",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-07": Rule(
        "mnt with a CLONE_FS-shared fs_struct: alone EINVAL everywhere; in a multi-type mask the check looked at a private copy"
        " and *succeeds* on 5.10.262, 6.1.192, 6.16-6.18.44 and 7.2.13; EINVAL on 6.12.117 and 7.3.4 (6.12.113: succeeds; fix "
        "backported unevenly).",
        "fs/pidfs.c",
    ),
    "PIDFD-SETNS-08": Rule(
        "Only the calling thread moves. Thread pidfds are accepted (6.9+) and mean that thread's namespaces.", "fs/pidfs.c"
    ),
    "NSFS-LINK-01": Rule(
        "Names in readdir order: net uts ipc pid pid_for_children user mnt cgroup time time_for_children. Directory mode 0511, "
        "links lstat mode 0120777, size 0. Also under /proc/PID/task/TID/ns and /proc/TID/ns. Unknown name ENOENT.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-02": Rule(
        "Text is type:[inode]; pid_for_children shows pid:[…], time_for_children time:[…]; /proc/self/fd/N of an opened file "
        "has the same text. readlink truncates like any readlink.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-03": Rule(
        "stat through the link: st_dev = the one nsfs device, st_ino = number in the text, mode 0100444, uid 0, size 0, nlink "
        "1; f_type 0x6e736673. Two namespaces are the same iff (st_dev, st_ino) are equal *while both are alive*.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-04": Rule(
        "Inode numbers of the initial namespaces: time 4026531834, cgroup 35, pid 4026531836, user 37, uts 38, ipc 39 (last two"
        " digits continue) on all kernels; net and mnt were dynamic up to 6.16 (5.10: 4026531992 / 4026531840; 6.1, 6.12, 6.16:"
        " 4026531840 / 4026531841) and are fixed 4026531833 / 4026531832 from 6.17 on.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-05": Rule(
        "open: O_RDONLY (also |O_CREAT) ok; O_RDWR, O_WRONLY, O_TRUNC → -EPERM even for root; O_NOFOLLOW -ELOOP; O_DIRECTORY "
        "-ENOTDIR. Not CLOEXEC by itself. O_PATH fds: setns, ioctl → -EBADF. read -EINVAL, lseek -ESPIPE, mmap -ENODEV, fchmod "
        "-EPERM, poll always ready (1). fdinfo: pos, flags, mnt_id, ino only. Re-open through /proc/self/fd works.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-06": Rule(
        "Permission: readlink, stat-through, open and O_PATH-through need PTRACE_MODE_READ_FSCREDS, else -EACCES. lstat and "
        "O_PATH|O_NOFOLLOW of the link need none. Listing is governed by the directory mode alone: 0511, owned by the task's "
        "euid, or by root when it is non-dumpable (others: opendir -EACCES). Oneself always, even non-dumpable.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-07": Rule(
        "5.10.262, 6.1.180 and 6.12.100 only (stable back-port slip; not 5.10.259, 6.1.174, 6.1.187, 6.12.96, 6.12.101): "
        "readlink without permission returns 0 with an untouched buffer, and stat/O_PATH of the link succeed on the *ns "
        "directory itself* (mode 040511); only open(O_RDONLY) is -EACCES.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-08": Rule(
        "Zombie: pid and user still resolve (until reaped); all others incl. pid_for_children -ENOENT; lstat works. Reaped, "
        "through a held dir fd: openat, readlinkat, getdents -ENOENT, fstat ok; through a held O_PATH link fd: readlinkat "
        "-EACCES.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-09": Rule(
        "pid_for_children is there as the PFC rules say. With a dead init it still resolves and opens. time_for_children "
        "differs from time after unshare(CLONE_NEWTIME); the next child has it as its time.",
        "fs/nsfs.c",
    ),
    "NSFS-LINK-10": Rule(
        "The links are magic: following them jumps to the nsfs inode, so the result does not depend on the mount ns, and any "
        "/proc instance showing the process serves (a caller needs a procfs in which the target has a number).",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-01": Rule(
        "Commands not known (also: known number, wrong direction or size, other magic) → -ENOTTY; known command, wrong ns type "
        "→ -EINVAL ▷ bad pointer -EFAULT. Arguments of 1-3 are ignored.",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-02": Rule("Returned fds are O_RDONLY and CLOEXEC.", "fs/nsfs.c"),
    "NSFS-IOC-03": Rule(
        "NS_GET_PARENT on a pid ns: -EPERM unless the *parent* is the caller's active ns or a descendant of it. Hence the own "
        "ns → EPERM, a child → ok (the own ns), grandchild → child; ancestors, siblings, nephews → EPERM. It depends on the "
        "active ns, not on pfc, user ns or capabilities. EPERM for the initial ns too. Works on dead (pinned) namespaces.",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-04": Rule(
        "NS_GET_USERNS (any type) and NS_GET_PARENT on user ns: -EPERM unless the owner is the caller's user ns or a "
        "descendant. From a sibling *PID* ns in the same user ns it works. The initial user ns: EPERM. EMFILE: checked first on"
        " ≤ 6.1 (EMFILE ▷ EPERM), last on 6.12+.",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-05": Rule(
        "X_FROM(ns, n): finds the task with number n *in ns*, answers its number in the caller's active ns. X_IN(ns, n): finds "
        "n in the caller's active ns, answers its number in *ns*. PID variants keep the thread, TGID variants give the leader's"
        " number. Returned as the ioctl's result. No permission check (unpriv works).",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-06": Rule(
        "-ESRCH if no such number (0, negative, unused, only pgid/sid) or the task has no number on the other side (invisible)."
        ' 6.12.43 … 6.12.86 and 6.16.3-6.18.15 answer -ENOTTY for "no such number" (ESRCH only for "found but invisible"); '
        "6.12.117, 6.18.44, 7.2+ ESRCH for both. So from a child ns: FROM(ancestor, own outer number) = own number; "
        "IN(ancestor, 1) = own *outer* number (a member can learn its outer pid if it holds an ancestor's ns fd); FROM(sibling,"
        " …) = ESRCH. Zombies are found; dead ns → ESRCH.",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-07": Rule("The argument is a C int: the upper 32 bits are ignored (1 + 2³² = 1).", "fs/nsfs.c"),
    "NSFS-IOC-08": Rule("NS_GET_OWNER_UID: creator's euid seen from the caller's user ns, 65534 if unmapped.", "fs/nsfs.c"),
    "NSFS-IOC-09": Rule(
        "NS_GET_ID: 64-bit, never reused, unlike inode numbers; NS_GET_MNTNS_ID gives the same number on 6.18+. 6.18 hands ids "
        "out in per-CPU batches: a younger namespace can have a smaller id (-3200, -4084 seen on 6.18.44, 6.18.15); 7.2+ uses "
        "one counter, so ids grow. In 7.x the initial namespaces have ids ipc 1, uts 2, user 3, pid 4, cgroup 5, time 6, net 7,"
        " mnt 8; on 6.18 the initial pid ns had 7 (6.18.15) or 4100 (6.18.44).",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-10": Rule(
        "NS_MNT_GET_NEXT/PREV: -EPERM (before the type check) unless in the initial PID ns with CAP_SYS_ADMIN there (6.12.86+, "
        "6.18.44, 7.2+; 6.12.43, 6.12.74, 6.16.3-6.18.15 have no such check, even unpriv may walk); end of list -ENOENT. "
        "NS_MNT_GET_INFO: no permission; NULL -EINVAL; too small -ENOTTY (6.17+) / -EINVAL (6.12, 6.16).",
        "fs/nsfs.c",
    ),
    "NSFS-IOC-11": Rule(
        "name_to_handle_at on ns fds (16 bytes: id, type, inum; type 0xf1) and open_by_handle_at(ns fd or FD_NSFS_ROOT): 6.18+."
        " For a namespace other than the caller's own: 6.18 wants CAP_SYS_ADMIN over its owner; 7.3 wants \"initial PID ns + "
        'CAP_SYS_ADMIN", else -ESTALE.',
        "fs/nsfs.c",
    ),
    "NSFS-LIFE-01": Rule(
        "An ns file can be bind-mounted on a *regular file* (directory -ENOTDIR), via /proc/PID/ns/X or /proc/self/fd/N or "
        "open_tree+move_mount; unpriv -EPERM. The mount shows the nsfs inode (same dev/ino, 0444); readlink -EINVAL; mountinfo:"
        " root field pid:[…], fs type and source nsfs nsfs.",
        "fs/nsfs.c",
    ),
    "NSFS-LIFE-02": Rule(
        "The mount keeps the namespace object alive after its init died: open + setns succeed, fork -ENOMEM. unlink of the "
        "mountpoint -EBUSY; umount drops the reference.",
        "fs/nsfs.c",
    ),
    "NSFS-LIFE-03": Rule(
        "The file of mount ns X can be bound inside mount ns M only if X is younger than M (loop check by id): own or older X "
        "-EINVAL. On 6.18 the id quirk (IOC-09) makes the answer for a younger one depend on the CPUs on which the two were "
        "created (cpu1 then cpu0: EINVAL). Other types have no such rule.",
        "fs/nsfs.c",
    ),
    "NSFS-LIFE-04": Rule(
        "Holders of an ns object: open ns fd, fd in flight in a socket, bind mount, tasks (active/pfc), child namespaces, "
        "pidfs/struct pids of members (LIFE-01). A held ns never revives: once init died, -ENOMEM for ever.",
        "fs/nsfs.c",
    ),
    "NSFS-LIFE-05": Rule(
        "ns fds and pidfds pass by SCM_RIGHTS without any check; the received fd is CLOEXEC only with MSG_CMSG_CLOEXEC. A "
        "sibling-ns receiver of a pidfd: fdinfo 0/0, send EINVAL, poll works, setns(UTS) ok, setns(PID) EINVAL, "
        "PIDFD_GET_PID_NAMESPACE ok. Of an ns fd: NSTYPE ok, PARENT EPERM, setns EINVAL, PID_FROM ESRCH.",
        "fs/nsfs.c",
    ),
    "SCM-01": Rule(
        "Translation happens at recvmsg time into the active ns of the task that calls recvmsg (not of the socket's creator): "
        "the message carries a struct pid; the receiver gets its number there, or 0 if it has none. Child-ns sender → parent: "
        "outer number; parent → child: 0; sibling → 0. uid/gid are mapped into the receiver's user ns.",
        "net/core/scm.c",
    ),
    "SCM-02": Rule(
        "The struct pid's numbers survive the process: a sender that exited and was reaped before recvmsg is still reported "
        "with its old number (even if the number has a new owner).",
        "net/core/scm.c",
    ),
    "SCM-03": Rule(
        "Implicit credentials (no cmsg) are attached at *send* time if SO_PASSCRED (or SO_PASSPIDFD) is set on the sender's or "
        "the receiver's socket then: pid = thread group id of the sender (also from a thread), uid/gid = real ids.",
        "net/core/scm.c",
    ),
    "SCM-04": Rule(
        "If neither had it at send time but the receiver has it at receive time: pid 0, uid = gid = 65534, and no SCM_PIDFD.",
        "net/core/scm.c",
    ),
    "SCM-05": Rule(
        "An explicit SCM_CREDENTIALS cmsg is checked even if nobody will see it; a receiver without SO_PASSCRED gets none, "
        "silently. Several cmsgs: the last one wins.",
        "net/core/scm.c",
    ),
    "SCM-06": Rule(
        "Order for an explicit cmsg: wrong cmsg_len EINVAL ▷ uid or gid not mapped in the sender's user ns EINVAL ▷ permission "
        "EPERM ▷ pid not in use in the sender's *active ns* ESRCH.",
        "net/core/scm.c",
    ),
    "SCM-07": Rule(
        "Permission: pid = own thread group id, else CAP_SYS_ADMIN in the user ns owning the sender's active PID ns; uid ∈ "
        "{real, effective, saved} else CAP_SETUID in the own user ns; gid likewise CAP_SETGID. A user-ns root inside a PID ns "
        "owned by an outer user ns may not claim other pids (-EPERM), inside its own PID ns it may.",
        "net/core/scm.c",
    ),
    "SCM-08": Rule(
        "The claimed number is resolved in the sender's active ns: a child-ns root can claim only members of its ns (outer-only"
        " number → ESRCH), and the parent receives *their* outer numbers. Claiming a process invisible to the receiver gives 0.",
        "net/core/scm.c",
    ),
    "SCM-09": Rule(
        "Any struct pid can be claimed by a privileged sender: zombies and non-leader tids (reported as the tid). A number "
        "alive only as pgid/sid: accepted ≤ 6.16; 6.17+ -ESRCH unless a pidfd of it was opened while it lived.",
        "net/core/scm.c",
    ),
    "SCM-10": Rule(
        "Stream sockets: with PASSCRED one read never merges data of senders with different credentials (2 + 2 bytes, plain "
        "read too); without it 4.",
        "net/core/scm.c",
    ),
    "SCM-11": Rule("SCM_RIGHTS of a closed fd -EBADF; SCM_PIDFD (type 4) cannot be sent (-EINVAL).", "net/core/scm.c"),
    "SCM-12": Rule(
        "SO_PASSPIDFD / SCM_PIDFD (6.5): an additional cmsg with a CLOEXEC process pidfd of the same struct pid, given "
        "regardless of namespace visibility (fdinfo 0 in the receiver's own procfs). Works with or without PASSCRED. Sender "
        "reaped, or claimed tid not a leader: the cmsg carries a negative errno in place of an fd (6.12: -22; 6.16: reaped -3, "
        "tid -2); 6.17+ a real pidfd (with exit info for the reaped one; a process-type pidfd even for the non-leader tid). ≤ "
        "6.1 -ENOPROTOOPT.",
        "net/core/scm.c",
    ),
    "SCM-13": Rule(
        "On AF_INET: SO_PASSCRED 0 ≤ 6.12, -EOPNOTSUPP 6.16+; SO_PASSPIDFD 0 on 6.12, -EOPNOTSUPP 6.16+; SO_PEERCRED succeeds "
        "with pid 0, uid -1, gid -1; SO_PEERPIDFD -ENODATA.",
        "net/core/scm.c",
    ),
    "SCM-20": Rule(
        "SO_PEERCRED is translated at getsockopt time into the caller's active ns; invisible → pid 0 (uid/gid still shown, "
        "mapped into the caller's user ns). It reports numbers of reaped processes for ever, also after the number has a new "
        "owner. ids are the effective ones.",
        "net/core/scm.c",
    ),
    "SCM-21": Rule(
        "Source of the recorded pid (always the thread group id): socketpair: the creator, for both ends, unchanged by fork; "
        "accepted socket: whoever called connect(); connecting socket: whoever called listen() last before the connect (not "
        "bind, not accept); a later listen() by another process changes the record only for later connects; the listening "
        "socket itself shows the listener. Unconnected: pid 0, uid -1, gid -1 without error.",
        "net/core/scm.c",
    ),
    "SCM-22": Rule(
        "SO_PEERPIDFD (6.5, -ENOPROTOOPT before): CLOEXEC process pidfd of the same record, without visibility condition (from "
        "a child ns: fd ok, send -EINVAL, GET_INFO -EREMOTE). No record: -ENODATA. Peer reaped: 6.12 -EINVAL; 6.16+ an fd, send"
        " -ESRCH, PIDFD_INFO_EXIT available.",
        "net/core/scm.c",
    ),
    "SCM-30": Rule(
        "F_SETOWN looks the number up in the caller's active ns (unused -ESRCH, old owner kept; INT_MIN -EINVAL; 0 clears; "
        "negative = process group) and stores a struct pid; no permission check at set time. F_GETOWN translates into the "
        "*caller's* active ns, pgrp negated; 0 if invisible, if no task of that role is left (reaped; a zombie still shows), or"
        " if unset: a child ns sees 0 for an ancestor owner, and what it sets as 1 the parent reads as its outer number. "
        "F_SETOWN with a *non-leader tid* returns 0 but names nobody (F_GETOWN 0, no signals); F_SETOWN_EX F_OWNER_TID works. "
        "F_GETOWN_EX keeps the type (TID 0, PID 1, PGRP 2; 0 initially) even when the pid reads 0; bad type -EINVAL.",
        "net/core/scm.c",
    ),
    "SCM-40": Rule(
        "F_GETLK's l_pid: the lock stores the owner's level-0 tgid; a query translates it into the caller's active ns: parent "
        "sees a child-ns owner's outer number, child and sibling see 0 for an owner they cannot see (the lock still conflicts)."
        " From the initial ns the raw number is shown even if that process is gone; elsewhere a gone owner reads 0, and a re-"
        "used number would show the new process (src locks_translate_pid). OFD locks: -1. No conflict: l_type = F_UNLCK and "
        "l_pid untouched. F_SETLK ignores l_pid, F_OFD_SETLK needs 0 (-EINVAL).",
        "net/core/scm.c",
    ),
    "SCM-41": Rule(
        "/proc/locks translates into the *procfs instance's* ns and hides locks whose owner has no number there, but hidden "
        "ones still consume the ordinal (list may start with 2:). A flock whose taker was reaped (fd alive in its child) is "
        "hidden outside the initial ns. OFD locks show -1 and are never hidden. Leases: pid of the setter.",
        "net/core/scm.c",
    ),
    "PROC-01": Rule(
        "A proc mount is bound for ever to one PID namespace: the active ns of the task that *created the filesystem context* "
        "(mount(2) caller, or the fsopen caller). pfc is irrelevant: after unshare(NEWPID) or setns(NEWPID) without fork, "
        "mount(2) still gives the old ns.",
        "fs/proc/root.c:proc_init_fs_context",
    ),
    "PROC-02": Rule(
        "With the new API the ns is fixed at fsopen(2); fsconfig(CREATE)/fsmount/move_mount may be done by a member of another "
        "ns without effect on it.",
        "fs/proc",
    ),
    "PROC-03": Rule(
        'pidns= option (since 6.18; absent → -EINVAL "unknown parameter" on 5.10-6.17): string = path of a nsfs PID file, or '
        "fsconfig SET_FD. Target must be the caller's active ns or a descendant (-EINVAL otherwise), caller needs CAP_SYS_ADMIN"
        " in the target's owning user ns (-EPERM), non-nsfs or other type -EINVAL, missing path -ENOENT, bad fd -EBADF; remount"
        " with it -EBUSY; not shown in mountinfo; a dead (zombie-init) ns is accepted. Also switches the user ns used for "
        "MNT-04.",
        "fs/proc/root.c:proc_parse_pidns_param",
        since="6.18",
    ),
    "PROC-04": Rule(
        "Each mount makes a new superblock (since 5.8; before, one per PID ns) with its own hidepid/gid/subset options; "
        "stacking two proc mounts on one directory works (no EBUSY).",
        "fs/proc",
        since="5.8",
    ),
    "PROC-05": Rule(
        "MS_REMOUNT (not MS_REMOUNT|MS_BIND) changes the *superblock*: hidepid/gid/subset/ro then change in every mount "
        "namespace that has a copy or bind of that mount.",
        "fs/proc",
    ),
    "PROC-06": Rule(
        "proc(N) lists exactly the thread-group leaders with a number in N (so descendants' tasks too), zombies included, in "
        "ascending numeric order of the number in N, after all static entries and then self, thread-self. Order of the static "
        "entries is unspecified (self/thread-self always directly before the first number).",
        "fs/proc/base.c:proc_pid_readdir",
    ),
    "PROC-07": Rule(
        "Directory offsets: PID p has position p+258; a lseek to 258+k then getdents continues with the lowest tgid ≥ k; d_off "
        "of an entry is the position of its successor; final one is 4194304+258. Entries created or reaped during a scan: seen "
        "iff their number is ≥ the current position at that time.",
        "fs/proc",
    ),
    "PROC-08": Rule(
        "/proc/<n> also resolves for n = any *thread* id (not listed); that directory shows the thread's own status/stat but "
        "otherwise is a full process directory (has task/ with all threads).",
        "fs/proc",
    ),
    "PROC-09": Rule("Names are strict decimal without leading zero, sign, blank; 0, 02, +2, numbers ≥ 2³² → -ENOENT.", "fs/proc"),
    "PROC-10": Rule(
        "task/ lists threads in thread-list (creation) order with the leader first, not numerically (set_tid or wrap-around "
        "makes it visible). task/T only for threads of that process, else -ENOENT.",
        "fs/proc",
    ),
    "PROC-11": Rule(
        "/proc/self = decimal tgid of the reader in the mount's ns; /proc/thread-self = TGID/task/TID. Reader invisible in that"
        " ns: readlink and traversal → -ENOENT (the link itself still exists: lstat works, listed by readdir).",
        "fs/proc",
    ),
    "PROC-12": Rule(
        "An outer task reading an inner mount (through /proc/PID/root or a leaked mount) sees inner numbers; an inner task "
        "reading an outer mount sees outer numbers *including everything outside*: the mount, not the reader, decides. self "
        "there is the reader's outer number.",
        "fs/proc",
    ),
    "PROC-13": Rule(
        "Root directory: st_ino 1, st_nlink = (static directories) + number of processes of the whole system (leaks the global "
        "process count into a container). task/ st_nlink = 2 + threads. All sizes 0.",
        "fs/proc",
    ),
    "PROC-14": Rule(
        "mkdir/create in the root of an unknown name -ENOENT, of an existing number -EEXIST; unlink self / rmdir PID -EPERM.", "fs/proc"
    ),
    "PROC-15": Rule(
        "A mount pins its namespace object, not its tasks. After the ns's init was reaped: numeric entries vanish ([]), "
        "lookups of any number and self → -ENOENT, static files (uptime, loadavg, sys/…) work as usual, remount, bind, umount "
        "work. While init is a zombie it is still listed and readable.",
        "fs/proc",
    ),
    "PROC-16": Rule("Zombies stay until reaped; after reaping the path → -ENOENT at once, also for an auto-reaped child.", "fs/proc"),
    "PROC-20": Rule(
        "Every pid-valued field is the number in the mount's ns; a task/group/session without number there shows 0 (PPid, "
        "TracerPid, NSpgid, NSsid, stat fields 4-6).",
        "fs/proc",
    ),
    "PROC-21": Rule(
        "NStgid/NSpid/NSpgid/NSsid list the numbers from the mount's level down to the task's own level, tab-separated; a "
        "group/session id that has no number at a level shows 0 there (NSpgid:\\t4\\t1\\t0).",
        "fs/proc",
    ),
    "PROC-22": Rule(
        "uid/gid/capability-set values in status are shown in the *reader's user namespace at open time* (uids → 65534 if "
        "unmapped; capability sets are raw bits, not filtered).",
        "fs/proc/array.c:task_state",
    ),
    "PROC-23": Rule(
        "PPid/stat ppid = tgid of the real parent (for a thread too), even when ptraced; TracerPid = tracer's tgid in the "
        "mount's ns (0 if invisible although State says t (tracing stop)).",
        "fs/proc",
    ),
    "PROC-24": Rule(
        "task/T/children (CONFIG_PROC_CHILDREN): space-separated numbers in the mount's ns, one trailing blank, no newline; "
        "only children forked by *that thread*, in creation order, zombies included, injected children included with their "
        "number. Empty file if none.",
        "fs/proc",
    ),
    "PROC-30": Rule(
        "By active PID ns of the reader at read time: loadavg last field (= that ns's cursor-1, whatever mount it is read "
        "through, also via an inherited fd), sys/kernel/ns_last_pid (SYSCTL-01). At open: sys/kernel/pid_max (SYSCTL-13).",
        "fs/proc",
    ),
    "PROC-31": Rule(
        "By UTS ns of the reader at read time: sys/kernel/{hostname,domainname,ostype,osrelease,version}, /proc/version; an fd "
        "opened by an outer task and read by an inner one gives the inner name.",
        "fs/proc",
    ),
    "PROC-32": Rule(
        "Global in every namespace: stat (processes = forks+threads since boot over the whole system), second-to-last loadavg "
        "field (runnable/total threads), threads-max, meminfo, cpuinfo, cap_last_cap, overflowuid; uptime obeys the time ns.",
        "fs/proc",
    ),
    "PROC-33": Rule(
        "mounts/mountinfo of PID show *that task's* mount ns, but only mounts reachable from its root. Follows the task at open"
        " time (an open fd continues to show the old ns/root).",
        "fs/proc",
    ),
    "PROC-40": Rule(
        "One line, 52 fields, single blanks, trailing newline. Field 2 is (comm) unescaped (blanks, ), newline, backslash raw):"
        " parse from the *last* ). Max 15 bytes (kernel threads may be longer).",
        "fs/proc/array.c:do_task_stat",
    ),
    "PROC-41": Rule(
        "status Name escapes only \\n→\\\\n and \\→\\\\\\\\ (two characters each: backslash-n, double backslash); tab, CR, other "
        "control bytes raw. comm file: raw + \\n.",
        "fs/proc",
    ),
    "PROC-42": Rule(
        "Fields that carry model state (position: value): 1 pid (tid in a task dir), 3 state letter, 4 ppid, 5 pgrp, 6 session,"
        " 7 tty_nr, 8 tpgid (-1 no tty; 0 = foreground group invisible), 9 flags (0x40 = forked, not exec'ed; 0x4 exiting, "
        "0x100 super-priv used, 0x400 killed by signal), 20 num_threads, 22 starttime, 31-34 private-"
        "pending/blocked/ignored/caught in decimal, signals 1-31 only (mask 0x7fffffff; shared pending is not in it), 38 "
        "exit_signal (17 for fork, 0 for clone with 0, -1 for every non-leader thread), 39 cpu, 52 exit_code.",
        "fs/proc",
    ),
    "PROC-43": Rule(
        "exit_code (52) = wait status (exit(7) → 1792, SIGTERM → 15); it and 26-28 (stack), 29-30 (eip), 45-51 are shown only "
        "with ptrace-read permission, else 0; start/end code show 1 instead.",
        "fs/proc",
    ),
    "PROC-44": Rule(
        "pgrp, session, tty, ppid (and num_threads) come from the live signal struct: for a zombie not yet reaped they are "
        "still there (Z 2 0 0 …); num_threads 1. tty of an inner process: tty_nr is global, tpgid is translated.",
        "fs/proc",
    ),
    "PROC-45": Rule(
        "The task-directory version (task/T/stat) differs only in per-thread values (times, exit_signal -1, state).", "fs/proc"
    ),
    "PROC-46": Rule(
        "Key order (6.18): Name, Umask, State, Tgid, Ngid, Pid, PPid, TracerPid, Uid, Gid, FDSize, Groups, NStgid, NSpid, "
        "NSpgid, NSsid, Kthread (in 6.12+, not in 6.1), Vm*/Rss*/Hugetlb/CoreDumping/THP_enabled/untag_mask (only with an mm), "
        "Threads, SigQ, SigPnd, ShdPnd, SigBlk, SigIgn, SigCgt, CapInh, CapPrm, CapEff, CapBnd, CapAmb, NoNewPrivs, Seccomp, "
        "Seccomp_filters, Speculation_*, Cpus_allowed(_list), Mems_allowed(_list), (non)voluntary_ctxt_switches. Separator :\\t;"
        " 4-column lists (Uid:\\t1000\\t1000\\t1000\\t1000 = real, effective, saved, fs) and NS* by tab; Groups:\\t sorted ascending"
        " (duplicates kept), each followed by a blank (Groups:\\t3 3 5 9 \\n; empty: Groups:\\t \\n); masks 16 hex digits; "
        "SigQ:\\t5/96365.",
        "fs/proc",
    ),
    "PROC-47": Rule(
        "Zombie: no Umask, no Vm* lines; FDSize 0; Groups, ids, capability sets, SigBlk/SigIgn/SigCgt, NoNewPrivs stay as at "
        "death; SigPnd 0; ShdPnd keeps what was pending (a killed process shows bit 9, …0100); State Z (zombie); Threads 1.",
        "fs/proc",
    ),
    "PROC-48": Rule(
        "State words: R (running), S (sleeping), D (disk sleep), T (stopped), t (tracing stop), X (dead), Z (zombie), P "
        "(parked), I (idle). Zapping init: S or I, by release (INIT-09); it already has no fd, no cwd(path), no mount ns; stat "
        "exit_code already set.",
        "fs/proc",
    ),
    "PROC-49": Rule(
        "Thread group whose leader exited: leader Z (zombie) with Threads:\\t2; its process-wide files behave as for a zombie "
        "(next table) while /proc/TID of the live thread works fully.",
        "fs/proc",
    ),
    "PROC-50": Rule(
        "After the tracer dies a task that was in ptrace-stop because of PTRACE_ATTACH shows T (stopped), TracerPid 0.", "fs/proc"
    ),
    "PROC-55": Rule(
        "Only in the process directory: autogroup coredump_filter map_files mountstats task timens_offsets timers "
        "timerslack_ns. Only in task dirs: children. (net, fd, ns… exist per thread.)",
        "fs/proc",
    ),
    "PROC-56": Rule(
        "A handle on a dead task's directory: getdents -ENOENT (glibc's readdir hides that as \"end of directory\", so listings "
        "look *empty*); openat/stat below the process directory and task/ -ESRCH (path walk needs the task for the permission "
        "check), below ns/, task/T, attr/, fd/ -ENOENT; fchdir -ESRCH; fstat still works except on fd/ (-ENOENT, ≥ 6.2); "
        '/proc/self/fd link reads /proc/7 (deleted). A cwd there: getcwd -ENOENT, even stat(".") -ESRCH.',
        "fs/proc",
    ),
    "PROC-57": Rule(
        "Such handles follow the struct pid, never the number: after reuse of the number they still say -ESRCH, while the path "
        "shows the new process.",
        "fs/proc",
    ),
    "PROC-58": Rule("An fd on /proc/self/stat inherited by a child continues to describe the opener.", "fs/proc"),
    "PROC-59": Rule(
        "After exec an already open comm/cmdline/stat/status fd describes the new image; environ, maps, mem fds keep the old "
        "(now empty) mm: read 0 bytes.",
        "fs/proc",
    ),
    "PROC-60": Rule(
        "Writing comm: only by a thread of the same thread group (-EINVAL otherwise, even for root); ownership of the file "
        "decides open (-EACCES). Truncated silently to 15 bytes, full count returned; an embedded newline is kept; an empty write "
        "makes the name empty; sets the name of the thread whose directory it is.",
        "fs/proc",
    ),
    "PROC-61": Rule(
        "ns/* files: opened read-only only (O_WRONLY/O_RDWR -EPERM), O_NOFOLLOW -ELOOP, read -EINVAL, mode 0444 root; names "
        "pid:[inode]. Order in listing: net uts ipc pid pid_for_children user mnt cgroup time time_for_children.",
        "fs/proc",
    ),
    "PROC-62": Rule(
        "ns ioctls: NS_GET_PARENT of an own-level PID or user ns (parent not a descendant of the caller's own) -EPERM; "
        "NS_GET_USERNS of a ns owned by an outer user ns -EPERM; from above they work.",
        "fs/proc",
    ),
    "PROC-63": Rule(
        "A process that dropped its uid by set*id (non-dumpable) cannot list its own /proc/self/{ns,map_files} (fd/ it can) nor open "
        "environ, mem, maps, exe…: cwd, ns/pid links still resolve (same thread group bypasses ptrace checks), but root-owned "
        "files -EACCES.",
        "fs/proc",
    ),
    "PROC-64": Rule(
        "Binding /proc/PID somewhere pins the directory, not the task: after death reads -ESRCH, mountinfo root /6//deleted. A "
        "mount placed on /proc/PID (or below) is silently detached when the process is reaped.",
        "fs/proc",
    ),
    "PROC-70": Rule(
        "Values: 0/off, 1/noaccess, 2/invisible, 4/ptraceable (names since 5.8); 3, -1, 9, empty, unknown → -EINVAL; shown in "
        "mountinfo by name; last one wins; gid= needs an unsigned number (4294967295 accepted, shown 65534).",
        "fs/proc",
        since="5.8",
    ),
    "PROC-71": Rule(
        "Exempt reader at 1 and 2: member (fs gid or supplementary) of the group gid= (default group 0: any task with egid 0 is"
        " exempt), or ptrace-read access to the target. At 4 the group does *not* help; only ptrace access.",
        "fs/proc",
    ),
    "PROC-72": Rule("noaccess: listed, stat of the directory works, everything inside → -EPERM.", "fs/proc"),
    "PROC-73": Rule(
        "invisible: not listed, stat and everything inside → -ENOENT; but open(O_PATH) of the bare directory still succeeds, so"
        " existence leaks.",
        "fs/proc",
    ),
    "PROC-74": Rule(
        "ptraceable: lookup -ENOENT; if the dentry is cached because somebody else looked it up in the same mount, paths "
        "*inside* give -EPERM instead (stat of the directory still -ENOENT): errno depends on the cache.",
        "fs/proc",
    ),
    "PROC-75": Rule(
        "Ptrace access is evaluated with fs-uid credentials, so own *non-dumpable* processes are hidden from their own user. A "
        "zombie keeps the dumpable value it had at death for this check (all five kernels; fixed-in stable trees, older ones "
        "skipped the check for zombies), although the *ownership* of its files falls to root until 7.x (§6). CAP_SYS_PTRACE in "
        "the target's user ns sees all. kill/pidfd/etc. are unaffected.",
        "fs/proc",
    ),
    "PROC-76": Rule(
        "subset=pid: root contains only self, thread-self, numbers; all else -ENOENT (also mounts, net, sys, uptime). ≤ 6.18: "
        'remount may add it (never remove: there is no opposite value); 7.2+: changing it on remount -EINVAL. Only value "pid" '
        "(subset=, others -EINVAL).",
        "fs/proc",
    ),
    "MNT-01": Rule(
        "mount(2) order: unreadable fstype/source/data pointer -EFAULT ▷ target lookup (-ENOENT, -ENOTDIR for a path *through* "
        "a file, empty string -ENOENT) ▷ MS_NOUSER -EINVAL ▷ no CAP_SYS_ADMIN in the user ns owning the caller's current mount "
        'ns -EPERM ▷ NULL fstype -EINVAL ▷ unknown fstype (also "" and "proc.x") -ENODEV ▷ option errors -EINVAL ▷ no '
        "CAP_SYS_ADMIN in the user ns owning the PID ns to be shown -EPERM ▷ too revealing -EPERM ▷ target is not a directory "
        "-ENOTDIR.",
        "fs/namespace.c:path_mount, do_new_mount, proc_init_fs_context",
    ),
    "MNT-02": Rule(
        'Source is not looked at: any string; NULL shows as none, "" as empty field in mountinfo. Symlink targets are followed.'
        " Default atime option relatime. MS_RDONLY makes mount *and* superblock ro (writes through it: open -EROFS, incl. "
        "ns_last_pid, comm). The -EBUSY of mount(2) (same superblock root already on top at that point) cannot happen with proc"
        " (PROC-04).",
        "fs/namespace.c",
    ),
    "MNT-03": Rule(
        "Monolithic options: unknown, wrong value, source= twice, newinstance → -EINVAL; rw/ro, empty items (,) accepted.", "fs/namespace.c"
    ),
    "MNT-04": Rule(
        "So a user-namespace root may mount proc iff its user ns (or a descendant of it: it holds CAP_SYS_ADMIN there) owns "
        "both its mount ns and its active PID ns: unshare(USER|NS) only → -EPERM; USER|PID without NS → -EPERM; PID first and "
        "USER|NS afterwards → -EPERM; USER|NS|PID with unshare before fork → -EPERM (active ns still the old one), in the "
        "forked child → ok.",
        "fs/namespace.c",
    ),
    "MNT-05": Rule(
        "*Too revealing* (mount_too_revealing): applies only if the mount ns is owned by a non-initial user ns. The new proc is"
        " allowed iff the mount ns already contains a proc mount that (a) shows the filesystem root (not a bind of a "
        "subdirectory), (b) has no locked child mount covering anything but a permanently empty directory, (c) is not locked "
        "read-only (or its superblock ro) unless the new one is ro, (d) if atime is locked, has the same atime flags.",
        "fs/namespace.c",
    ),
    "MNT-06": Rule(
        "Overmounts made inside the user-namespace's own mount ns are not locked and do not count; they become locked (and "
        "count) in the next less privileged copy: a nested unshare(USER|NS|PID) under it then gets -EPERM, and cannot unmount "
        "them (-EINVAL). A new NEWNS|NEWPID in the *same* user ns adds no locks and may still mount.",
        "fs/namespace.c",
    ),
    "MNT-07": Rule(
        "subset=pid: ≤ 6.18 treated like any proc (too revealing applies; and a visible subset=pid proc *does* permit a full "
        "one). 7.2+: new subset=pid is always allowed, and a subset=pid mount never justifies another.",
        "fs/namespace.c",
    ),
    "MNT-08": Rule(
        "Other filesystems in (USER|NS): tmpfs, ramfs, devpts ok; sysfs (owner of the net ns), mqueue (ipc ns), cgroup2 (cgroup"
        " ns) -EPERM unless that ns is owned too; ext4, devtmpfs -EPERM.",
        "fs/namespace.c",
    ),
    "MNT-10": Rule(
        "unshare/clone(NEWNS) copies the whole tree (new mount ids), moves the caller's (only its own fs_struct's) root and cwd"
        " to the copies. It implies CLONE_FS: a thread or CLONE_FS sharer gets its own fs_struct first (so it works when "
        "multithreaded, and cwd/umask sharing ends).",
        "fs/namespace.c",
    ),
    "MNT-11": Rule(
        "Propagation types are copied: private → independent; shared → copy joins the same peer group; slave → slave of the "
        "same master; unbindable stays (6.17.8 … 6.18.44, 7.2.6 and 7.2.9: shown and behaves as private in the copy; 5.10-6.16,"
        " 7.2.11+, 7.3.4 keep it).",
        "fs/namespace.c",
    ),
    "MNT-12": Rule(
        "Same user ns: a shared mount therefore leaks *both ways*: proc mounted by the child of unshare(PID|NS) on a shared "
        "parent appears in the old ns, where self is -ENOENT and PIDs are the child's. unshare(1)'s MS_REC|MS_PRIVATE on / "
        "prevents it.",
        "fs/namespace.c",
    ),
    "MNT-13": Rule(
        "New owner (CLONE_NEWUSER in the same call, or the caller's user ns ≠ owner of the old mount ns): shared → slave "
        "(master:N), i.e. events still flow *in*, never out; all copied mounts except the root are locked together. MS_SHARED "
        "on them afterwards gives shared:N master:M.",
        "fs/namespace.c",
    ),
    "MNT-14": Rule(
        "Locked mount: umount (also MNT_DETACH) -EINVAL; MS_MOVE/move_mount -EINVAL; non-recursive bind/open_tree(CLONE) of a "
        "tree with locked children -EINVAL, recursive ok (and that copy can be unmounted only as a whole: plain umount -EBUSY, "
        "MNT_DETACH ok); pivot_root to it -EINVAL; mounting *on top* ok. Flags: clearing ro/nosuid/nodev/noexec that were set "
        "when copied -EPERM, changing atime -EPERM; setting further flags ok and own settings can be undone.",
        "fs/namespace.c",
    ),
    "MNT-15": Rule(
        "A further unshare(NEWNS) in the same user ns keeps the locks of inherited mounts but not of those mounted since.", "fs/namespace.c"
    ),
    "MNT-16": Rule(
        "New mounts in a shared parent become shared and appear in every peer and slave; a slave's own mounts stay local. If a "
        "receiver already has something mounted at that place the propagated mount is *tucked beneath* it (visible only after "
        "the local one is unmounted). Umount propagates along the parent mount's group: a shared child under a private parent "
        "is removed only locally.",
        "fs/namespace.c",
    ),
    "MNT-17": Rule("umount fails with -EBUSY if a *propagated copy* is busy (cwd/fd of somebody in another ns).", "fs/namespace.c"),
    "MNT-18": Rule(
        "MS_{SHARED,PRIVATE,SLAVE,UNBINDABLE}: exactly one (two → -EINVAL), only MS_REC and MS_SILENT beside it (-EINVAL), "
        "target must be a mount's root (-EINVAL). MS_SLAVE on a private mount or a shared one without peers = private. "
        "MS_UNBINDABLE then bind -EINVAL.",
        "fs/namespace.c",
    ),
    "MNT-19": Rule("A bind of a shared mount joins its group; MS_MOVE out of a shared parent -EINVAL.", "fs/namespace.c"),
    "MNT-20": Rule(
        "mountinfo: id parent major:minor root mountpoint mount-opts [shared:N] [master:N] [propagate_from:N] - fstype source "
        "super-opts; only mounts at or below the *task's root*: a task chrooted to a plain directory without mounts below sees "
        "an empty mountinfo/mounts. /proc/PID/mounts the same.",
        "fs/namespace.c",
    ),
    "MNT-21": Rule(
        "Rights to change a ns always come from CAP_SYS_ADMIN in the user ns owning the *current* mount ns; the objects named "
        "must be in the current mount ns: path or fd into another ns → -EINVAL for mount on it, umount, bind from it (nsfs and "
        "pidfs excepted).",
        "fs/namespace.c",
    ),
    "MNT-22": Rule("ENOSPC when a ns would exceed sysctl fs.mount-max (100000) including propagated copies.", "fs/namespace.c"),
    "MNT-23": Rule(
        "A mount over / does not change any process's root; new children keep the old root; only setns (even to the own ns) or "
        "chroot lands on top.",
        "fs/namespace.c",
    ),
    "MNT-24": Rule(
        "When the last task and reference of a mount ns is gone all its mounts go (lazily); an O_PATH/dir fd keeps one detached"
        " mount usable for reading.",
        "fs/namespace.c",
    ),
    "MNT-30": Rule(
        "Order: unknown flag -EINVAL ▷ lookup (-ENOENT…) ▷ -EPERM ▷ not a mount's root -EINVAL ▷ not in this ns -EINVAL ▷ "
        "locked -EINVAL ▷ MNT_FORCE without CAP_SYS_ADMIN in sb's user ns -EPERM ▷ MNT_EXPIRE with FORCE or DETACH -EINVAL ▷ "
        "busy -EBUSY.",
        "fs/namespace.c",
    ),
    "MNT-31": Rule(
        "Busy (-EBUSY) = any open fd, cwd or root in it (of anybody, any ns), or a child mount; MNT_FORCE does not help; "
        'MNT_DETACH always removes it with all children. umount2("/", MNT_DETACH) succeeds and leaves the ns without mounts '
        "(mountinfo empty, further mounts -ENOENT, old root still usable).",
        "fs/namespace.c",
    ),
    "MNT-32": Rule(
        'After MNT_DETACH existing fds/cwd go on working: proc listings live, getcwd -ENOENT (raw syscall: "(unreachable)/…"), '
        "/proc/PID/cwd link shows the path inside the detached mount (/).",
        "fs/namespace.c",
    ),
    "MNT-33": Rule(
        "MNT_EXPIRE: first call -EAGAIN (marks), second without use in between 0. UMOUNT_NOFOLLOW on a symlink -EINVAL. Stacked"
        " mounts come off topmost first.",
        "fs/namespace.c",
    ),
    "MNT-34": Rule(
        '*Hazard*: umount("/") without MNT_DETACH remounts the caller\'s root superblock read-only (0, or -EBUSY when files are '
        "open for writing), in every namespace. A test must never call it.",
        "fs/namespace.c",
    ),
    "MNT-35": Rule(
        "A directory that is a mount point *in the caller's ns* cannot be removed or renamed (-EBUSY); one that is a mount "
        "point only in another ns can, and that mount is detached there (since 3.18).",
        "fs/namespace.c",
        since="3.18",
    ),
    "MNT-40": Rule(
        'MS_BIND: source NULL or "" -EINVAL, missing -ENOENT; file on directory or vice versa -ENOTDIR; order: target lookup '
        "first. MS_MOVE: source not a mount root, or dir/file mismatch -EINVAL; into itself -ELOOP. MS_REMOUNT on a non-mount "
        "-EINVAL.",
        "fs/namespace.c",
    ),
    "MNT-41": Rule(
        "Binding ns files: mountinfo type nsfs; keeps the namespace alive; readlink of the bound path -EINVAL (it is a file); "
        "an fd opened through it keeps it busy; setns works on it. A mnt ns file: -EINVAL unless that ns is *newer* than the "
        "caller's current one (parent may bind a child's, never own or older); on 6.18 newer is said of numbers that each CPU takes "
        "from a stock of its own, so that between CPUs it is not age.",
        "fs/namespace.c",
    ),
    "MNT-42": Rule(
        "pivot_root order: (≤ 6.18 -EPERM first; 7.2+ after the lookups) ▷ new lookup ▷ put_old lookup (-ENOENT, not a "
        "directory -ENOTDIR) ▷ root or new not in current ns, or parent of new / of root / the mount holding put_old shared → "
        "-EINVAL ▷ new locked -EINVAL ▷ new unlinked -ENOENT ▷ new or put_old on the current root mount -EBUSY ▷ root not a "
        "mount root (chrooted to a plain directory), new not a mount root, put_old not below new, new not below root → -EINVAL.",
        "fs/namespace.c",
    ),
    "MNT-43": Rule(
        'pivot_root(".", ".") with cwd = new works and stacks the old root over the new one; umount2(".", MNT_DETACH) removes '
        "it. Every task *of the same mount ns whose root/cwd equals the old root* is moved; cwds elsewhere stay (become "
        "/put_old/…).",
        "fs/namespace.c",
    ),
    "MNT-44": Rule(
        "chroot: -ENOENT/-ENOTDIR ▷ -EACCES (no search permission) ▷ -EPERM (no CAP_SYS_CHROOT in own user ns). cwd unchanged "
        "(getcwd then -ENOENT). Escapable through a dir fd or cwd.",
        "fs/namespace.c",
    ),
    "MNT-45": Rule(
        '"chrooted" for USER-02 = root ≠ the top of the mount ns\'s root: chroot("/") is not; chroot to another mount point or '
        "plain directory is.",
        "fs/namespace.c",
    ),
    "MNT-50": Rule(
        "Order: (fd/type errors, PREC-05) ▷ -EPERM unless CAP_SYS_ADMIN in the owner of the target ns and CAP_SYS_CHROOT and "
        "CAP_SYS_ADMIN in the caller's (new) user ns ▷ anonymous ns -EINVAL ▷ fs_struct shared (thread or CLONE_FS sharer) "
        "-EINVAL. unshare(NEWNS or CLONE_FS) first cures the last one.",
        "fs/namespace.c",
    ),
    "MNT-51": Rule(
        "On success root and cwd become the (topmost) root of the target ns, even when it is the own ns and even if caller or "
        "target task was chrooted: it ends a chroot.",
        "fs/namespace.c",
    ),
    "MNT-52": Rule(
        "pidfd form with USER|NS works from outside with privilege over the child user ns; from a child user ns into a mount ns"
        " owned by the parent -EPERM, even into the *current* one.",
        "fs/namespace.c",
    ),
    "MNT-60": Rule(
        "fsopen: -EPERM (no CAP_SYS_ADMIN over the mount ns) ▷ flags other than CLOEXEC -EINVAL ▷ name pointer -EFAULT ▷ unknown -ENODEV.",
        "fs/namespace.c",
    ),
    "MNT-61": Rule(
        "fsconfig: unknown key or bad value -EINVAL with a message readable from the fd (e proc: Unknown parameter 'x', empty →"
        " -ENODATA); second source -EINVAL; CREATE/RECONFIGURE with key/aux -EINVAL; unknown command -EOPNOTSUPP; CREATE "
        "without CAP_SYS_ADMIN over the shown PID ns's owner -EPERM; CREATE again, or setting after CREATE before fsmount, or "
        "RECONFIGURE before CREATE -EBUSY. CREATE_EXCL since 6.6 (-EOPNOTSUPP before).",
        "fs/namespace.c",
        since="6.6",
    ),
    "MNT-62": Rule(
        "fsmount: -EPERM ▷ bad flags / attr -EINVAL ▷ -EBADF ▷ not an fs fd, or not CREATEd -EINVAL ▷ too revealing -EPERM ▷ "
        "second fsmount of one context -EBUSY. So with a masked /proc CREATE succeeds and fsmount fails. The result is an "
        'O_PATH-like fd of a detached mount (not in mountinfo; open "." relative to it to read). Closing it unless moved '
        "dissolves the mount; dir fds remain usable.",
        "fs/namespace.c",
    ),
    "MNT-63": Rule(
        "On a detached mount: umount -EINVAL, mounting on it with mount(2) -EINVAL; bind from it and open_tree(CLONE) of it "
        "-EINVAL ≤ 6.12, ok on 6.18.",
        "fs/namespace.c",
    ),
    "MNT-64": Rule(
        'move_mount(fd,"",…,F_EMPTY_PATH): -EPERM ▷ bad flag -EINVAL ▷ from-lookup ▷ to-lookup (-ENOENT) ▷ dir/file mismatch '
        "-EINVAL (not ENOTDIR); without F_EMPTY_PATH -ENOENT; source path not a mount root -EINVAL; into itself -ELOOP; "
        "MOVE_MOUNT_BENEATH (6.5) needs a mount at the target other than / (-EINVAL).",
        "fs/namespace.c",
    ),
    "MNT-65": Rule(
        "open_tree: unknown flags or RECURSIVE without CLONE -EINVAL ▷ CLONE without privilege -EPERM ▷ lookup; without CLONE "
        "it needs no privilege. CLONE non-recursive drops submounts.",
        "fs/namespace.c",
    ),
    "MNT-66": Rule(
        "mount_setattr: unknown at-flags -EINVAL ▷ size > page -E2BIG, < 32 -EINVAL ▷ -EPERM ▷ nothing to do → 0 without even "
        "looking up the path ▷ unknown attr, two propagation types, atime set without clearing the mask -EINVAL ▷ lookup ▷ not "
        "a mount root -EINVAL. -ENOSYS on 5.10.",
        "fs/namespace.c",
    ),
    "MNT-67": Rule(
        "7.2+: fsmount flag 2 (FSMOUNT_NAMESPACE) and open_tree flag 2 (OPEN_TREE_NAMESPACE) return a *mount-namespace* fd "
        "holding just that mount/tree; UNSHARE_EMPTY_MNTNS (0x100000) / CLONE_EMPTY_MNTNS (bit 37) give an empty root directory"
        " (cwd /). setns into an FSMOUNT_NAMESPACE proc: /self works, mountinfo has the one line / / … - proc none rw. "
        "Unprivileged -EPERM. ≤ 6.18 all -EINVAL.",
        "fs/namespace.c",
    ),
    "UTS-01": Rule(
        "A new UTS ns starts with copies of all six strings (clone or unshare); later changes are separate. Initial "
        "nodename/domainname default (none).",
        "kernel/sys.c",
    ),
    "UTS-02": Rule(
        "sethostname/setdomainname: no CAP_SYS_ADMIN in the user ns owning the caller's UTS ns → -EPERM ▷ len < 0 or > 64 → "
        "-EINVAL ▷ unreadable pointer -EFAULT (name unchanged; not checked for len 0). len 64 is allowed (uname shows 64 bytes "
        '+ NUL), len 0 gives "". Bytes are not checked: embedded NUL cuts the displayed name, newline/blank/slash stay.',
        "kernel/sys.c:sethostname",
    ),
    "UTS-03": Rule(
        "uname(2), gethostname and /proc/sys/kernel/{hostname,domainname,ostype,osrelease,version} read the reader's current "
        "UTS ns. ostype/osrelease/version are mode 0444 (open for write -EACCES even for root). Files add \\n.",
        "kernel/sys.c",
    ),
    "UTS-04": Rule(
        "Writing /proc/sys/kernel/{hostname,domainname} (0644) needs euid = global uid 0 (kuid 0) at open, *no capability*: "
        "root without CAP_SYS_ADMIN may; an unmapped or 0→0-mapped child-user-ns root with kuid 0 may; a container root mapped "
        "to another uid → open -EACCES, although its sethostname works.",
        "proc_sysctl.c:test_perm, utsname_sysctl",
    ),
    "UTS-05": Rule(
        'Such a write is cut at the first newline and at 64 bytes, returns the full count; empty write changes nothing; "\\n" '
        'empties; a second write on the same fd continues at its offset ("abc"+"def" → "abcdef").',
        "kernel/sys.c",
    ),
    "UTS-06": Rule(
        "setns(UTS): CAP_SYS_ADMIN in the owner of the target *and* in the caller's own user ns, else -EPERM. Works in "
        "multithreaded processes (per thread). Same for IPC, NET, CGROUP.",
        "kernel/sys.c",
    ),
    "UTS-07": Rule(
        "After unshare(NEWUSER) alone sethostname and mount → -EPERM: ownership of existing namespaces does not change.", "kernel/sys.c"
    ),
    "UTS-08": Rule(
        "personality(UNAME26) changes the displayed release to 2.6.x (also in /proc/sys/kernel/osrelease? no: only uname(2)); "
        "PER_LINUX32 changes machine.",
        "kernel/sys.c",
    ),
    "UTS-09": Rule(
        "IPC ns: new one is empty; CLONE_NEWIPC|CLONE_SYSVSEM → -EINVAL after the EPERM check (PREC-02). setns(IPC) as UTS-06.",
        "kernel/sys.c",
    ),
    "USER-01": Rule(
        "unshare(NEWUSER): multithreaded, or shared sighand/VM → -EINVAL; CLONE_FS sharing is no obstacle to unshare (it "
        "unshares fs itself). clone: NEWUSER with CLONE_FS, CLONE_THREAD → -EINVAL; with CLONE_PARENT, CLONE_VM|VFORK ok. "
        "Unprivileged use is allowed unless a distribution sysctl forbids.",
        "kernel/user_namespace.c",
    ),
    "USER-02": Rule(
        "create_user_ns order: level limit -ENOSPC ▷ per-user max_user_namespaces -ENOSPC ▷ chrooted caller (MNT-45) -EPERM ▷ "
        "caller's euid or egid not mapped in the current user ns -EPERM ▷ LSM. Consequence: inside a fresh, unmapped user ns "
        "nothing can be nested; uid mapped but gid not → -EPERM.",
        "kernel/user_namespace.c",
    ),
    "USER-03": Rule(
        "Nesting: parent level > 32 is rejected, so 33 levels below the initial one succeed and the 34th creation is -ENOSPC (PID ns: 32).",
        "kernel/user_namespace.c",
    ),
    "USER-04": Rule(
        "New owner = creator's euid/egid in the parent; the creating task gets all capabilities (permitted, effective, bounding"
        " full even if the bounding set was reduced before; inheritable and ambient empty), securebits cleared, keep-caps "
        "cleared. uids stay the same kuids, displayed as overflow 65534 until mapped. Dumpable is unchanged.",
        "kernel/user_namespace.c",
    ),
    "USER-05": Rule(
        "In one call the user ns is made first; all other new namespaces of that call belong to it (mnt, uts, pid, ipc, net, "
        "cgroup confirmed), and the permission check of NEWPID etc. is made against it. A PID ns created by "
        "unshare(NEWUSER|NEWPID) + fork also. Unprivileged: each NEW* flag except NEWUSER alone -EPERM; all together ok; "
        "CLONE_FS, CLONE_FILES, 0 need nothing.",
        "kernel/user_namespace.c",
    ),
    "USER-06": Rule(
        "limits: /proc/sys/user/max_*_namespaces of the inner user ns are writable by its root (here without CAP_SYS_RESOURCE "
        "in the parent): 0 → -ENOSPC for the next creation.",
        "kernel/user_namespace.c",
    ),
    "USER-10": Rule(
        "Order: -EINVAL if target = own user ns ▷ -EINVAL multithreaded ▷ -EINVAL fs_struct shared ▷ -EPERM without "
        "CAP_SYS_ADMIN in the target. EINVAL(own) even for an unprivileged caller. Success: all capabilities in the target, "
        "euid unchanged (65534 if unmapped).",
        "kernel/user_namespace.c:userns_install",
    ),
    "USER-11": Rule(
        'CAP_SYS_ADMIN "in the target" is had by: a task whose user ns is an ancestor and has the capability there; and by any '
        "task in the parent user ns whose euid is the owner's (no capability at all needed). Another uid -EPERM. Back to the "
        "parent: never (-EPERM; already opening the link fails -EACCES).",
        "kernel/user_namespace.c",
    ),
    "USER-12": Rule(
        "Rule of capability checks (cap_capable(ns)): walking from the target ns upward: same ns as the subject → its effective"
        " set decides; ns's parent = subject's ns and subject's euid = owner → granted; subject not in an ancestor → denied.",
        "commoncap.c:cap_capable_helper",
    ),
    "USER-20": Rule(
        "File owner/mode 0644 of the *process directory*: a stranger cannot open for writing (-EACCES); everybody may read. The"
        " map belongs to the user ns of that process (all its members show the same map). Zombies still show it.",
        "kernel/user_namespace.c",
    ),
    "USER-21": Rule(
        "write order: file offset ≠ 0 or count ≥ 4096 -EINVAL ▷ already written (also garbage) -EPERM ▷ opener lacks "
        "CAP_SYS_ADMIN in the ns -EPERM ▷ format -EINVAL ▷ not permitted ids -EPERM ▷ a range not fully mapped in the parent "
        "-EPERM. Before all that: caller's user ns is neither the ns nor its parent → -EPERM; initial ns → -EPERM.",
        "kernel/user_namespace.c",
    ),
    "USER-22": Rule(
        "Format: lines inside outside count, decimal (no sign, hex, comma), blanks/tabs free, trailing blank or CR ok, last "
        "newline optional. -EINVAL: empty input, empty line (also leading or doubled final newline), missing/extra field, count"
        " 0, value 4294967295, wrap past 2³²-1, overlap on either side, > 340 lines. 0 0 4294967295 is allowed. Numbers ≥ 2³² "
        "lose their upper bits on every kernel (4294967296 = 0); numbers ≥ 2⁶⁴ wrap too ≤ 6.18, count as 4294967295 on 7.x, so "
        "18446744073709551616 0 1 is -EINVAL there. A NUL ends the text.",
        "kernel/user_namespace.c",
    ),
    "USER-23": Rule(
        "Permitted without privilege: exactly one line, count 1, outside id = opener's euid (gid map: egid and setgroups "
        'already "deny"), opener\'s euid = owner of the ns. Otherwise CAP_SETUID (CAP_SETGID) in the parent for writer *and* '
        "opener. Inside id is free. Both the process itself and its parent (same user, any unrelated process too) may write it."
        " projid_map needs nothing.",
        "kernel/user_namespace.c",
    ),
    "USER-24": Rule(
        "Mapping the parent's uid 0 (5.12+; backported to 5.10.x) needs: writing from inside: creator had CAP_SETFCAP; writing "
        "from the parent: opener has CAP_SETFCAP there; else -EPERM.",
        "kernel/user_namespace.c",
    ),
    "USER-25": Rule(
        "Reading shows columns %10u %10u %10u\\n: third-party view: middle column = outside ids translated into the reader's "
        "user ns, but for a reader *inside that ns* into its parent's; unmapped → 4294967295. ≤ 5 extents keep the written "
        "order; more are displayed sorted by inside id.",
        "kernel/user_namespace.c",
    ),
    "USER-26": Rule(
        "setgroups file: only allow/deny (+ white space, < 8 bytes), else -EINVAL (also empty); deny after gid_map was written "
        "-EPERM; allow after deny -EPERM; repeating is ok. Inherited by child user namespaces. setgroups(2): -EPERM before "
        "gid_map is written or if denied; then unmapped ids -EINVAL.",
        "kernel/user_namespace.c",
    ),
    "USER-27": Rule(
        "Unmapped ids: display 65534 (overflowuid); setuid/chown to an unmapped id -EINVAL; setuid(mapped non-zero) inside does"
        " drop capabilities only when leaving inside-uid 0 (USER-43).",
        "kernel/user_namespace.c",
    ),
    "USER-30": Rule(
        "Each operation asks for its capability in its user namespace: setns twice, mount and umount in the owner of the mount "
        "namespace, kill in the target's.",
        "kernel/user_namespace.c",
    ),
    "USER-31": Rule(
        "Equal uid is not enough for the ptrace gate: root lacking one capability that another root task holds permitted, and "
        "lacking SYS_PTRACE, gets -EACCES on its cwd; the other direction works. Different gid, or target's saved uid different"
        " → -EACCES. A child-user-ns root with the same kuid → -EACCES on tasks of the parent user ns (even those injected into"
        " its own PID ns), although kill works.",
        "kernel/user_namespace.c",
    ),
    "USER-32": Rule(
        "Since 6.16 (live 6.16.3) files that go through mm_access in *read* mode (environ, maps, smaps, auxv, pagemap…) are "
        "also open to CAP_PERFMON or CAP_SYS_ADMIN in the initial user ns.",
        "kernel/user_namespace.c",
    ),
    "USER-33": Rule(
        "pidfd_getfd: flags -EINVAL ▷ bad pidfd -EBADF ▷ reaped or zombie -ESRCH ▷ gate -EPERM ▷ fd number not open -EBADF.",
        "kernel/user_namespace.c",
    ),
    "USER-40": Rule(
        'fork copies all sets, securebits, no_new_privs. setresuid from "some of r/e/s is 0" to "none is 0": permitted, '
        "effective (and always ambient) cleared, unless keep-caps (then permitted stays, effective is cleared). euid 0→n: "
        "effective cleared, n→0: effective := permitted. With any of r/e/s still 0 permitted stays. n→m (both non-zero): "
        'nothing changes. "0" means uid 0 of the task\'s user ns.',
        "kernel/user_namespace.c",
    ),
    "USER-41": Rule(
        "exec: euid 0 → permitted = inheritable | bounding, effective = permitted; ruid 0 with euid ≠ 0 → permitted full, "
        "effective 0; non-root → permitted = ambient = old ambient, so keep-caps or user-ns capabilities of a non-zero (or "
        "unmapped!) uid are lost at exec: a user-ns child that execs before its map is written has no capabilities. "
        "SECBIT_NOROOT: exec by uid 0 gives nothing; SECBIT_NO_SETUID_FIXUP: USER-40 is skipped. keep-caps is cleared by exec. "
        "Dropped capabilities are regained by exec of uid 0 within the bounding set.",
        "kernel/user_namespace.c",
    ),
    "USER-42": Rule(
        "Ambient: needs permitted ∧ inheritable (-EPERM); dropped when leaving uid 0 even with keep-caps. capset: effective ⊄ "
        "permitted, or permitted raise -EPERM; other pid -EPERM; capget of absent pid -ESRCH, negative -EINVAL.",
        "kernel/user_namespace.c",
    ),
    "USER-43": Rule(
        "no_new_privs: set to 1 only (other args -EINVAL), inherited, never cleared; exec-by-uid-0 then keeps the capabilities "
        "that were permitted and gains none (cap_bprm_creds_from_file).",
        "kernel/user_namespace.c",
    ),
    "MISC-01": Rule(
        "PR_SET_NAME: 15 bytes kept, per thread, bad pointer -EFAULT; visible at once in comm/stat/status. Unknown prctl -EINVAL.",
        "kernel/sys.c",
    ),
    "MISC-02": Rule(
        "PR_SET_DUMPABLE: 0 or 1 only (2, 3 -EINVAL); value set to suid_dumpable sysctl (0) by: change of "
        "euid/egid/fsuid/fsgid, or gaining capabilities not held (not by ruid-only change, setgroups, dropping capabilities, "
        "unshare(NEWUSER)); back to 1 by exec (of a readable, non-setid file). Shared by all threads (mm).",
        "kernel/sys.c",
    ),
    "MISC-03": Rule(
        "Owner of /proc/PID entries: dumpable 1 → task's euid/egid; else root of the mm's user ns (the ns of the last exec, not"
        " the task's): a container process that unshared but did not exec shows global root. Directories with mode 0555 (the "
        "process directory, task, attr, net) always show the euid. Zombie/kernel thread files: root (≤ 6.18), as at death "
        "(7.x). Unmapped → 65534 in the viewer.",
        "kernel/sys.c",
    ),
    "MISC-04": Rule(
        "PR_SET_CHILD_SUBREAPER any non-zero → 1, not inherited, other args ignored; GET bad pointer -EFAULT (REPARENT-06).", "kernel/sys.c"
    ),
    "MISC-05": Rule("PR_SET_KEEPCAPS > 1 -EINVAL, locked (SECBIT_KEEP_CAPS_LOCKED) -EPERM.", "kernel/sys.c"),
    "MISC-06": Rule(
        "RLIMIT_NPROC: fork fails -EAGAIN if (tasks of real uid in the user ns, threads and zombies included, incl. the new "
        "one) > limit. Exempt: global uid 0 (by identity, without any capability), CAP_SYS_ADMIN or CAP_SYS_RESOURCE in the "
        "*initial* user ns. set*uid above the limit succeeds but the following exec fails -EAGAIN.",
        "kernel/sys.c",
    ),
    "MISC-07": Rule(
        "Since 5.14 the count is per (uid, user ns) and also charged to the owner in each ancestor user ns, where the limit is "
        "the creator's RLIMIT_NPROC at creation of the child ns; before (5.10) one global count per kuid.",
        "kernel/sys.c",
    ),
    "MISC-08": Rule(
        "SigQ n/limit: n = queued signal structures of the target's real uid in its user ns over all its processes (plus its "
        "child user namespaces, ≥ 5.14; 5.10: one count per kuid); standard signals count once per signal, RT each. Dequeue "
        "decrements at once. Over RLIMIT_SIGPENDING (limit of the target): kill() of RT succeeds but is queued without info "
        "(not counted), tgkill/sigqueue of RT -EAGAIN; kill of standard signals ignores the limit (count may exceed it: 6/3).",
        "kernel/sys.c",
    ),
    "MISC-09": Rule(
        "loginuid: 4294967295 unset; writable once by CAP_AUDIT_CONTROL or if unset; only by the task itself (-EPERM from "
        "others); sets a new sessionid; non-number -EINVAL.",
        "kernel/sys.c",
    ),
    "MISC-10": Rule(
        "oom_score_adj: -1000…1000 else -EINVAL; lowering below the floor without CAP_SYS_RESOURCE -EACCES; raising and "
        "returning to the old value ok.",
        "kernel/sys.c",
    ),
    "MISC-11": Rule("prlimit: foreign user -EPERM, absent -ESRCH; looked up in the active ns.", "kernel/sys.c"),
}

#: What no case can show, and why: the others are provable, proven or not yet.
NOT_PROVABLE: dict[str, str] = {
    "INIT-13": "needs processes that share their handlers, which driven processes on linux cannot; a case shows it on the model",
    "ALLOC-26": "needs a signal that comes while fork runs: driven processes fork in a settled machine",
    "ALLOC-27": "the system's own limit is that of the initial namespace, which no machine is",
    "SETTID-10": "of releases after 6.18",
    "SETTID-13": "threads are made by thread(), which takes no numbers",
    "SETTID-15": "needs setrlimit(2), which is not among the calls",
    "THREAD-09": "needs CLONE_CHILD_CLEARTID: user memory is below the interface",
    "INIT-11": "needs a member in the middle of a fork while its init dies: driven processes fork in a settled machine",
    "INIT-15": "the order of the KILLs is seen by nobody; that of the deaths is not fixed",
    "LIFE-02": "an inode may be used again, or not",
    "LIFE-03": "deferred kernel work: when it is done is not fixed",
    "SIG-10": "needs a fault: user memory is below the interface",
    "SIG-11": "abort(3) is the C library's, and needs a fault",
    "SIG-19": "needs ptrace(2), which is not among the calls",
    "REBOOT-06": "a rule for tests: in the initial namespace the call is real",
    "PIDFD-OBJ-11": "needs setxattr(2), which is not among the calls",
    "PIDFD-CLONE-01": "needs clone(2) itself: where the descriptor is stored is below the interface",
    "PIDFD-CLONE-02": "where the descriptor is stored is below the interface",
    "PIDFD-CLONE-03": "needs clone(2) itself: clone3(2) refuses DETACHED",
    "PIDFD-CLONE-04": "threads are made by thread(), which takes no flags",
    "PIDFD-CLONE-08": "of releases after 6.18",
    "PIDFD-SELF-04": "needs process_mrelease(2) and process_madvise(2), which are not among the calls",
    "PIDFD-WAITID-06": "needs a fault: user memory is below the interface",
    "PIDFD-INFO-02": "of releases before 6.13",
    "PIDFD-INFO-03": "the structure and its size are below the interface",
    "PIDFD-INFO-04": "the structure and its size are below the interface",
    "PIDFD-INFO-11": "pidfd_get_info does not ask for core dumps",
    "PIDFD-INFO-12": "pidfd_get_info does not ask for the mask of what there is",
    "PIDFD-FH-01": "needs file handles, which are not among the calls",
    "PIDFD-FH-02": "needs file handles, which are not among the calls",
    "PIDFD-FH-03": "needs file handles, which are not among the calls",
    "NSFS-LINK-04": "a machine need not have any of the initial namespaces",
    "NSFS-LINK-07": "of a few builds of 5.10, 6.1 and 6.12",
    "NSFS-IOC-07": "the interface refuses what is not an int",
    "NSFS-IOC-09": "needs NS_GET_ID, which is not among the calls",
    "NSFS-IOC-10": "needs NS_MNT_GET_NEXT and its like, which are not among the calls",
    "NSFS-IOC-11": "needs file handles, which are not among the calls",
    "SCM-12": "needs SCM_PIDFD, which recvmsg does not return",
    "SCM-13": "needs socket(2), which is not among the calls",
    "SCM-20": "needs getsockopt(2), which is not among the calls",
    "SCM-21": "needs getsockopt(2), which is not among the calls",
    "SCM-22": "needs getsockopt(2), which is not among the calls",
    "SCM-40": "needs locks, which fcntl here has not",
    "SCM-41": "needs locks, which fcntl here has not",
    "SETNS-10": "a hazard: on kernels up to 6.18 a task that is freed is touched",
    "PERM-07": "deferred kernel work: when the charge is dropped is not fixed",
    "PERM-09": "needs setrlimit(2), which is not among the calls",
    "PGRP-17": "needs a terminal and its ioctls, which are not among the calls",
    "PGRP-18": "needs a terminal and its ioctls, which are not among the calls",
    "PROC-02": "needs fsopen(2), which is not among the calls",
    "PROC-07": "listdir opens and reads a directory whole: its offsets are below the interface",
    "PROC-32": "counts of the whole system, which others change",
    "PROC-50": "needs ptrace(2), which is not among the calls",
    "MNT-22": "needs 100000 mounts",
    "MNT-34": "a hazard: the root file system becomes read-only for everybody",
    "MNT-60": "needs the newer calls on mounts, which are not among the calls",
    "MNT-61": "needs the newer calls on mounts, which are not among the calls",
    "MNT-62": "needs the newer calls on mounts, which are not among the calls",
    "MNT-63": "needs the newer calls on mounts, which are not among the calls",
    "MNT-64": "needs the newer calls on mounts, which are not among the calls",
    "MNT-65": "needs the newer calls on mounts, which are not among the calls",
    "MNT-66": "needs the newer calls on mounts, which are not among the calls",
    "MNT-67": "needs the newer calls on mounts, which are not among the calls",
    "UTS-08": "needs personality(2), which is not among the calls",
    "MISC-06": "needs setrlimit(2), which is not among the calls",
    "MISC-07": "needs setrlimit(2), which is not among the calls",
    "MISC-08": "needs setrlimit(2), which is not among the calls; the count is of all processes of a user, the host's too",
    "MISC-09": "the login of the machine's driver may have set it",
    "MISC-11": "needs prlimit(2), which is not among the calls",
    "DET-01": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-02": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-03": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-04": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-05": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-06": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-07": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-08": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-09": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-10": "a rule for tests, which the machines and the comparison of traces obey",
    "DET-11": "a rule for tests, which the machines and the comparison of traces obey",
}
