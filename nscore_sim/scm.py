"""What travels with a message: descriptors and credentials.  Models net/core/scm.c, include/net/scm.h."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nscore.errors import Errno
from nscore.flags import Capability, MessageFlag
from nscore_sim.capability import ns_capable
from nscore_sim.file import File, alloc_fd, fd_install, fget_raw, fput, get_file
from nscore_sim.pid import find_vpid, get_pid, pid_vnr, put_pid, task_active_pid_ns
from nscore_sim.pidfs import pidfs_register_pid
from nscore_sim.user_namespace import INVALID_ID, OVERFLOW_ID, from_kgid_munged, from_kuid_munged, make_kgid, make_kuid

if TYPE_CHECKING:
    from nscore.interface.backend import Plain
    from nscore_sim.pid import Pid
    from nscore_sim.task import Task

CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID = int(Capability.SYS_ADMIN), int(Capability.SETUID), int(Capability.SETGID)
MSG_CTRUNC, MSG_CMSG_CLOEXEC = int(MessageFlag.CTRUNC), int(MessageFlag.CMSG_CLOEXEC)

#: Descriptors in a message.  include/net/scm.h
SCM_MAX_FD = 253
#: Those that a receiver of nscore has room for.
ROOM = 64


class ScmCookie:
    """What a message carries beside its data.  include/net/scm.h:scm_cookie"""

    __slots__ = ("fp", "gid", "pid", "uid")

    def __init__(self) -> None:
        self.fp: list[File] = []
        self.pid: Pid | None = None
        self.uid = self.gid = INVALID_ID


def scm_set_cred(scm: ScmCookie, pid: Pid | None, uid: int, gid: int) -> None:
    """include/net/scm.h:scm_set_cred"""
    scm.pid = None if pid is None else get_pid(pid)
    scm.uid, scm.gid = uid, gid


def scm_send(task: Task, rights: tuple[int, ...], credentials: tuple[int, int, int] | None) -> ScmCookie:
    """Collect what the caller sends along.  net/core/scm.c:__scm_send, scm_fp_copy"""
    scm = ScmCookie()
    if len(rights) > SCM_MAX_FD:
        raise Errno("EINVAL")
    files = [fget_raw(task, fd) for fd in rights]
    if credentials is not None:
        claim(task, scm, *credentials)
    scm.fp = [get_file(file) for file in files]
    return scm


def claim(task: Task, scm: ScmCookie, pid: int, uid: int, gid: int) -> None:
    """Credentials that the sender names itself.  net/core/scm.c:__scm_send's SCM_CREDENTIALS"""
    cred = task.cred
    kuid, kgid = make_kuid(cred.user_ns, uid % (1 << 32)), make_kgid(cred.user_ns, gid % (1 << 32))
    if INVALID_ID in (kuid, kgid):
        raise Errno("EINVAL")
    scm_check_creds(task, pid, kuid, kgid)
    found = find_vpid(task, pid)
    if found is None:
        raise Errno("ESRCH")
    pidfs_register_pid(found)
    scm_set_cred(scm, found, kuid, kgid)


def scm_check_creds(task: Task, pid: int, kuid: int, kgid: int) -> None:
    """EPERM.  net/core/scm.c:scm_check_creds"""
    cred = task.cred
    own = pid_vnr(task, task.group_leader.thread_pid)
    if pid != own and not ns_capable(task, task_active_pid_ns(task).user_ns, CAP_SYS_ADMIN):
        raise Errno("EPERM")
    if kuid not in (cred.uid, cred.euid, cred.suid) and not ns_capable(task, cred.user_ns, CAP_SETUID):
        raise Errno("EPERM")
    if kgid not in (cred.gid, cred.egid, cred.sgid) and not ns_capable(task, cred.user_ns, CAP_SETGID):
        raise Errno("EPERM")


def scm_copy(scm: ScmCookie, files: bool = True) -> ScmCookie:
    """The same once more, with references of its own.  net/core/scm.c:scm_fp_dup"""
    copy = ScmCookie()
    scm_set_cred(copy, scm.pid, scm.uid, scm.gid)
    copy.fp = [get_file(file) for file in scm.fp] if files else []
    return copy


def drop_files(task: Task, scm: ScmCookie) -> None:
    """net/core/scm.c:__scm_destroy"""
    files, scm.fp = scm.fp, []
    for file in files:
        fput(file, task)


def scm_destroy(task: Task, scm: ScmCookie) -> None:
    """include/net/scm.h:scm_destroy"""
    drop_files(task, scm)
    if scm.pid is not None:
        put_pid(scm.pid)
        scm.pid = None


def scm_credentials(task: Task, scm: ScmCookie) -> Plain:
    """Who sent it, in the receiver's numbers.  include/net/scm.h:scm_recv_unix"""
    ns = task.cred.user_ns
    pid = 0 if scm.pid is None else pid_vnr(task, scm.pid)
    uid = OVERFLOW_ID if scm.uid == INVALID_ID else from_kuid_munged(ns, scm.uid)
    gid = OVERFLOW_ID if scm.gid == INVALID_ID else from_kgid_munged(ns, scm.gid)
    return pid, uid, gid


def scm_detach_fds(task: Task, files: list[File], flags: int) -> tuple[tuple[int, ...], int]:
    """Give the receiver descriptors, and MSG_CTRUNC if not of all.  net/core/scm.c:scm_detach_fds"""
    fds: list[int] = []
    for file in files[:ROOM]:
        try:
            fd = alloc_fd(task)
        except Errno:
            break
        fd_install(task, fd, get_file(file), bool(flags & MSG_CMSG_CLOEXEC))
        fds.append(fd)
    return tuple(fds), MSG_CTRUNC if len(fds) < len(files) else 0
