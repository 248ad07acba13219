"""execve(2): a new image in the same process.  Models fs/exec.c.

There are two images: the machine's, which goes on being driven, and one that ends at once.  Left out: file capabilities and set-id bits.
"""

from __future__ import annotations

from nscore.errors import Errno
from nscore.flags import AT_FDCWD
from nscore_sim.commoncap import cap_bprm_creds_from_file
from nscore_sim.cred import SUID_DUMP_DISABLE, SUID_DUMP_USER, Cred, commit_creds, prepare_exec_creds, set_cred_ucounts
from nscore_sim.dcache import Path, d_path, dentry_path
from nscore_sim.exit import do_group_exit, exit_mm_release
from nscore_sim.file import do_close_on_exec, unshare_files
from nscore_sim.fork import RLIMIT_NPROC
from nscore_sim.fs_struct import task_fs
from nscore_sim.nsproxy import exec_task_namespaces
from nscore_sim.open import do_open_execat
from nscore_sim.pid import exchange_tids
from nscore_sim.release_task import release_task
from nscore_sim.sched import SLEEP, Sleep, sleep_on
from nscore_sim.sigaction import flush_signal_handlers
from nscore_sim.signal import zap_other_threads
from nscore_sim.sigpending import SIGCHLD, fatal_signal_pending
from nscore_sim.sys import set_task_comm
from nscore_sim.task import (
    EXIT_DEAD,
    PF_FORKNOEXEC,
    PF_NPROC_EXCEEDED,
    SIGNAL_GROUP_EXIT,
    TASK_KILLABLE,
    Mm,
    SighandStruct,
    Task,
)
from nscore_sim.ucount import UCOUNT_RLIMIT_NPROC, is_rlimit_overlimit
from nscore_sim.user_namespace import make_kuid


def execve(task: Task, path: str, argv: tuple[str, ...], env: tuple[str, ...]) -> Sleep | None:
    """fs/exec.c:do_execveat_common; argv and env are the image's own affair."""
    if task.restart is None:
        check_nproc(task)
        task.restart = do_open_execat(task, AT_FDCWD, path)
    file = task.restart
    assert isinstance(file, Path)
    if not de_thread(task):
        return sleep_on(task, state=TASK_KILLABLE)
    begin_new_exec(task, file, path)
    if dentry_path(file.dentry) != task.kernel.image or task.program is not None:
        do_group_exit(task, 0)  # an image that nobody drives
        return SLEEP
    return None


def check_nproc(task: Task) -> None:
    """set*uid(2) to a user with too many processes goes well; it is execve that fails.  fs/exec.c:do_execveat_common"""
    limit = task.signal.rlim[RLIMIT_NPROC][0]
    if task.flags & PF_NPROC_EXCEEDED and is_rlimit_overlimit(task.cred.ucounts, UCOUNT_RLIMIT_NPROC, limit):
        raise Errno("EAGAIN")
    task.flags &= ~PF_NPROC_EXCEEDED


def de_thread(task: Task) -> bool:
    """End all other threads and be the leader; False while some are still to end.  fs/exec.c:de_thread"""
    signal = task.signal
    if signal.nr_threads == 1 and signal.group_exec_task is None:
        task.exit_signal = SIGCHLD
        return True
    leads = task.group_leader is task
    if signal.group_exec_task is not task:
        if signal.flags & SIGNAL_GROUP_EXIT or signal.group_exec_task is not None:
            raise Errno("EAGAIN")  # to be killed on the way out
        signal.group_exec_task = task
        signal.notify_count = zap_other_threads(task) - (not leads)
    if fatal_signal_pending(task):
        signal.group_exec_task = None
        signal.notify_count = 0
        raise Errno("EAGAIN")
    if signal.notify_count > 0:
        return False
    if not leads:
        signal.notify_count = -1
        if not task.group_leader.exit_state:
            return False
        take_over(task, task.group_leader)
    signal.group_exec_task = None
    signal.notify_count = 0
    task.exit_signal = SIGCHLD
    return True


def take_over(task: Task, leader: Task) -> None:
    """Be the leader, with its number and its place in all lists, and let it go.  fs/exec.c:de_thread"""
    task.start_time = leader.start_time
    exchange_tids(task, leader)
    signal = task.signal
    for role in (signal.pgrp.pgrp, signal.session.session, leader.real_parent.children):
        assert role is not None
        replace(role, leader, task)
    task.thread_pid.tgid = task
    leader.group_leader = task.group_leader = task
    task.exit_signal, leader.exit_signal = SIGCHLD, -1
    leader.exit_state = EXIT_DEAD
    release_task(leader)


def replace(role: dict[Task, None], old: Task, new: Task) -> None:
    """Put new in old's place.  include/linux/rculist.h:hlist_replace_rcu"""
    kept = [new if member is old else member for member in role]
    role.clear()
    role.update(dict.fromkeys(kept))


def begin_new_exec(task: Task, file: Path, path: str) -> None:
    """What a new image keeps and what it drops.  fs/exec.c:begin_new_exec"""
    old = task.cred
    new = prepare_exec_creds(task)
    cap_bprm_creds_from_file(task, new)
    unshare_files(task)
    exec_mmap(task, file)
    exec_task_namespaces(task)
    if task.sighand.count > 1:
        task.sighand.count -= 1
        task.sighand = SighandStruct(task.sighand.action)
    task.flags &= ~PF_FORKNOEXEC
    do_close_on_exec(task)
    if secure_exec(old, new):
        task.pdeath_signal = 0
    assert task.mm is not None
    same = old.euid == old.uid and old.egid == old.gid
    task.mm.dumpable = SUID_DUMP_USER if same else SUID_DUMP_DISABLE
    set_task_comm(task, path.rsplit("/", 1)[-1].encode(errors="surrogateescape"))
    task.self_exec_id += 1
    flush_signal_handlers(task, False)
    set_cred_ucounts(new)
    commit_creds(task, new)


def secure_exec(old: Cred, new: Cred) -> bool:
    """Whether the image has more than its real user.  security/commoncap.c:cap_bprm_creds_from_file"""
    if new.euid != old.uid or new.egid != old.gid:
        return True
    return new.uid != make_kuid(new.user_ns, 0) and bool(new.cap_permitted & ~new.cap_ambient)


def exec_mmap(task: Task, file: Path) -> None:
    """A new address space.  fs/exec.c:exec_mmap"""
    exit_mm_release(task)
    task.mm = Mm(task.cred.user_ns, d_path(file, task_fs(task).root))
