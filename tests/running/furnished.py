"""Scenes of commands with mounts of their own."""

from __future__ import annotations

import errno
import os
import select
import sys
from contextlib import suppress

from nscore.linux import calls
from nscore.running import TimeoutExpired, run
from nscore.running.mounts import Bind, Mount, ReadOnly, Tmpfs

if sys.platform == "linux":
    from tests.linux.filters import answer
    from tests.running.forks import apart, needs_root
    from tests.running.wishes import folder, nothing_changed, refused, scene, told

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


@scene
def a_read_only_root_leaves_proc_and_devices_as_they_are() -> None:
    """What is written to /proc goes to processes: 0 to oom_score_adj is what everybody may write."""
    with folder() as here, nothing_changed():
        words = f"touch {here}/new; echo 0 > /proc/self/oom_score_adj; echo > /dev/null; cat {here}/file"
        assert told(words, mounts=[ReadOnly()]) == [*refused(here / "new"), "outside"]
        assert told(words, mounts=[ReadOnly()], proc=False) == [*refused(here / "new"), "outside"]
        assert told(words) == ["outside"]


@scene
def a_read_only_proc_is_meant_where_it_is_named() -> None:
    (words,) = told("echo 0 > /proc/self/oom_score_adj", mounts=[ReadOnly(b"/proc/")])
    assert "Read-only file system" in words, words


@scene
def mounts_are_made_in_their_order() -> None:
    with folder() as here, nothing_changed():
        words = f"touch {here}/new && ls {here}"
        assert told(words, mounts=[Tmpfs(here), ReadOnly()]) == refused(here / "new")
        assert told(words, mounts=[ReadOnly(), Tmpfs(here)]) == ["new"]
        assert told(f"ls {here}/sub", mounts=[Tmpfs(here / "sub"), Bind(here, here / "sub")]) == ["file", "sub"]


@scene
def what_lies_below_a_read_only_directory_is_read_only() -> None:
    """A directory that is no mount point, with the caller in it: relative paths lead to what is mounted there now."""
    with folder() as here:
        os.chdir(here)
        try:
            with nothing_changed():
                assert told("touch new; touch sub/new", mounts=[ReadOnly(here)]) == [*refused("new"), *refused("sub/new")]
                assert told("touch ../new", mounts=[ReadOnly(here)], cwd=here / "sub") == refused("../new")
                assert told("touch ../new", mounts=[ReadOnly(here)], cwd="sub") == refused("../new")
                assert told("touch new", mounts=[Tmpfs(here / "sub"), ReadOnly(here)], cwd=here / "sub") == refused("new")
                assert told(f"echo inside > {here}/file", mounts=[ReadOnly(here / "file")]) != []
            assert sorted(os.listdir(here)) == ["file", "sub"]
            assert (here / "file").read_text() == "outside\n"
        finally:
            os.chdir("/")


@scene
def a_tmpfs_is_empty_and_has_its_size_and_mode() -> None:
    with folder() as here, nothing_changed():
        mounts = [Tmpfs(here, size=1 << 16, mode=0o755)]
        words = f"stat -f -c '%T %b' {here}; stat -c %a {here}; ls {here}; head -c 100000 /dev/zero > {here}/big || echo full; rm {here}/*"
        lines = told(words, mounts=mounts)
        assert lines[:2] == ["tmpfs 16", "755"] and lines[-1] == "full" and len(lines) == 4, lines
        assert told(f"stat -c %a {here}", mounts=[Tmpfs(here)]) == ["1777"]
        assert sorted(os.listdir(here)) == ["file", "sub"]


@scene
def a_bind_shows_a_tree_or_a_file() -> None:
    with folder() as here, nothing_changed():
        assert told(f"cat {here}/sub/file; echo more >> {here}/sub/file", mounts=[Bind(here, here / "sub")]) == ["outside"]
        assert (here / "file").read_text() == "outside\nmore\n"
        assert told(f"cat {here}/file", mounts=[Bind("/dev/null", here / "file")]) == []
        read_only = [Bind(here, here / "sub", read_only=True)]
        assert told(f"touch {here}/sub/new; touch {here}/new; ls {here}/sub", mounts=read_only) == [
            *refused(here / "sub" / "new"),
            *["file", "new", "sub"],
        ]


@scene
def what_is_mounted_below_is_bound_too() -> None:
    with folder() as here:
        mounts = [Tmpfs(here), Bind("/proc", here)]
        assert told(f"readlink {here}/self; ls -d {here}/1", mounts=mounts) == ["3", f"{here}/1"]
        twice = [Tmpfs(here / "sub"), Bind(here, "/mnt", read_only=True)]
        assert told("touch /mnt/sub/new; stat -f -c %T /mnt/sub", mounts=twice) == [*refused("/mnt/sub/new"), "tmpfs"]


@scene
def a_file_of_proc_can_be_hidden() -> None:
    assert told("cat /proc/uptime; cat /proc/self/comm", mounts=[Bind("/dev/null", "/proc/uptime"), ReadOnly()]) == ["cat"]


@scene
def paths_are_the_callers() -> None:
    """Relative ones, ones through symbolic links, and ones in bytes."""
    with folder() as here:
        (here / "link").symlink_to(here / "sub")
        os.chdir(here)
        try:
            mounts: list[Mount] = [Tmpfs("link"), Bind(b"file", os.fsencode(here) + b"/link/../file")]
            assert told(f"stat -f -c %T {here}/sub", mounts=mounts, cwd="/") == ["tmpfs"]
        finally:
            os.chdir("/")


@scene
def a_mount_that_fails_names_itself_and_its_paths() -> None:
    with folder() as here, nothing_changed():
        gone, sub, file = f"{here}/gone", f"{here}/sub", f"{here}/file"
        table: list[tuple[Mount, int, str, str | None]] = [
            (Tmpfs(gone), errno.ENOENT, gone, None),
            (Tmpfs(file), errno.ENOTDIR, file, None),
            (Tmpfs(sub, size=-1), errno.EINVAL, sub, None),
            (ReadOnly(gone), errno.ENOENT, gone, None),
            (ReadOnly(f"{file}/below"), errno.ENOTDIR, f"{file}/below", None),
            (Bind(gone, sub), errno.ENOENT, gone, None),
            (Bind(sub, gone), errno.ENOENT, sub, gone),
            (Bind(sub, file), errno.EINVAL, sub, file),
        ]
        for mount, number, path, target in table:
            for before in ((), (ReadOnly(), Tmpfs(sub))):
                try:
                    run(["true"], mounts=[*before, mount])
                except OSError as error:
                    assert (error.errno, error.filename, error.filename2) == (number, path, target), (mount, error)
                    assert str(error).startswith(f"[Errno {number}] {type(mount).__name__}: "), error
                else:
                    raise AssertionError(f"{mount} did not fail")


@scene
def a_directory_that_a_mount_hides_is_no_directory_to_be_in() -> None:
    """Else the command would be in what is hidden.  It may go elsewhere."""
    with folder() as here:
        os.chdir(here / "sub")
        try:
            with nothing_changed():
                try:
                    run(["true"], mounts=[Tmpfs(here)])
                except FileNotFoundError as error:
                    assert error.filename == f"{here}/sub", error
                else:
                    raise AssertionError("it did not fail")
                assert told("pwd", mounts=[Tmpfs(here)], cwd=here) == [str(here)]
        finally:
            os.chdir("/")


@scene
def mounts_need_no_proc_and_no_init() -> None:
    with folder() as here:
        for options in ({"proc": False}, {"init": False}, {"init": False, "proc": False}, {"hostname": "apart"}):
            assert told(f"touch {here}/new", mounts=[ReadOnly()], **options) == refused(here / "new"), options


@scene
def in_a_chroot_to_a_plain_directory_the_root_is_read_only_too() -> None:
    """It becomes a mount point, and the command's root."""
    needs_root()
    with folder() as here, nothing_changed():

        def body() -> list[str]:
            run(["true"])  # the keeper, which is started while its interpreter is in sight
            calls.unshare(NEWNS)
            calls.mount(None, "/", None, MS_REC | MS_PRIVATE)
            for name in ("bin", "lib", "lib64"):
                (here / name).symlink_to(f"usr/{name}")
            for name in ("usr", "proc"):
                (here / name).mkdir()
                calls.mount(f"/{name}", f"{here}/{name}", None, MS_REC | MS_BIND)
            os.chroot(here)
            os.chdir("/sub")
            words = "touch /new; touch new; pwd; echo 0 > /proc/self/oom_score_adj; ls -d /proc/[0-9]*"
            lines = told(words, mounts=[ReadOnly()], env={"PATH": "/bin"})
            return [] if lines == [*refused("/new"), *refused("new"), "/sub", "/proc/1", "/proc/2"] else lines

        done = apart(body)
        assert done == {"wrong": []}, done


@scene
def without_mount_setattr_each_mount_is_remounted() -> None:
    """Before Linux 5.12, and behind a filter that does not know it.  What the mounts had they keep."""
    needs_root()  # a filter lets nobody have a user namespace that he had not before
    with folder() as here, nothing_changed():

        def body() -> list[str]:
            answer(errno.ENOSYS, "mount_setattr")
            mounts = [Tmpfs(here / "sub"), Bind(here, "/mnt", read_only=True), ReadOnly(), Tmpfs("/tmp")]
            words = f"touch /mnt/new; touch /mnt/sub/new; touch /new; echo 0 > /proc/self/oom_score_adj; touch /tmp/new; ls {here}"
            lines = told(words, mounts=mounts)
            expected = [
                *refused("/mnt/new"),
                *refused("/mnt/sub/new"),
                *refused("/new"),
                f"ls: cannot access '{here}': No such file or directory",
            ]
            kept = told("grep ' /mnt/sub ' /proc/self/mountinfo", mounts=mounts)
            return ([] if lines == expected else lines) + ([] if "ro,nosuid,nodev" in kept[0] else kept)

        assert (done := apart(body)) == {"wrong": []}, done


@scene
def only_roots_that_are_seen_can_be_mounted_over() -> None:
    for make in (lambda: Tmpfs("/"), lambda: Bind("/tmp", "//"), lambda: Bind("/tmp", "/tmp/..")):
        with suppress(ValueError):
            raise AssertionError(f"{make()}")
    with suppress(ValueError):
        raise AssertionError(run(["true"], mounts=[ReadOnly("/tmp\0")]))


@scene
def a_command_with_mounts_ends_with_all_that_it_has_started() -> None:
    ours, theirs = os.pipe()
    with suppress(TimeoutExpired):
        words = "setsid sleep 1000 & sleep 1000"
        run(["sh", "-c", words], timeout=0.2, mounts=[ReadOnly()], map_root_user=True, pass_fds=[theirs])
        raise AssertionError("no timeout")
    os.close(theirs)
    assert select.select([ours], [], [], 0)[0] and not os.read(ours, 1)
    os.close(ours)
