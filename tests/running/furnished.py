"""Commands with mounts, a host name and a user namespace of their own.  A program that tries them, as whoever starts it.

    python -m tests.running.furnished [NAME...]

Each is tried in a process of its own.
"""

from __future__ import annotations

import errno
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nscore.linux import calls, surround
from nscore.running import Popen, TimeoutExpired, run
from nscore.running.mounts import Bind, Mount, ReadOnly, Tmpfs

if sys.platform == "linux":
    from tests.linux.filters import answer
    from tests.running.forks import Impossible, apart

TYPE_CHECKING = False
assert not TYPE_CHECKING or sys.platform == "linux"

SCENES: dict[str, Callable[[], None]] = {}
NOBODY = 65534
NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def scene(body: Callable[[], None]) -> Callable[[], None]:
    """Register one under its name."""
    SCENES[body.__name__] = body
    return body


def root() -> bool:
    return os.geteuid() == 0


def needs_root() -> None:
    if not root():
        raise Impossible("needs root")


def told(words: str, **options: Any) -> list[str]:
    """What a shell says, by lines; its errors are ours."""
    done = run(["sh", "-c", words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    return list(done.stdout.splitlines())


def refused(path: object) -> list[str]:
    return [f"touch: cannot touch '{path}': Read-only file system"]


@contextmanager
def folder() -> Iterator[Path]:
    """A directory of one's own, which is the current one of nobody."""
    with tempfile.TemporaryDirectory(prefix="nscore-furnished-") as name:
        (Path(name) / "sub").mkdir()
        (Path(name) / "file").write_text("outside\n")
        yield Path(name).resolve()


def state() -> tuple[object, ...]:
    """What a command must not change for its caller."""
    return Path("/proc/self/mountinfo").read_text(), socket.gethostname(), len(os.listdir("/proc/self/fd")), os.getcwd()


@contextmanager
def nothing_changed() -> Iterator[None]:
    """The caller has the mounts, name, descriptors and children that he had."""
    run(["true"])  # the keeper, with its descriptors; and the guard
    run(["true"], init=False)
    before = state()
    yield
    assert state() == before, (before, state())
    with suppress(ChildProcessError):
        raise AssertionError(f"a child is left: {os.waitpid(-1, os.WNOHANG)}")


# Mounts.


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


# The host name.


@scene
def a_host_name_is_the_commands_alone() -> None:
    with nothing_changed():
        assert told("hostname", hostname="apart") == ["apart"]
        assert told("hostname", hostname="a" * 64, init=False, proc=False) == ["a" * 64]
        assert told("hostname; echo $$", hostname="apart", init=False) == ["apart", "1"]
        try:
            run(["true"], hostname="a" * 65)
        except OSError as error:
            assert (error.errno, error.filename) == (errno.EINVAL, "a" * 65)
        else:
            raise AssertionError("it did not fail")


# User namespaces.


def capabilities(*argv: str, **options: Any) -> list[str]:
    """The ids, maps and capabilities of a command, from inside."""
    words = "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; grep -E '^(Cap|NoNew)' /proc/self/status"
    start = run if options.pop("ours", True) else subprocess.run
    done = start([*argv, "sh", "-c", words], capture_output=True, text=True, check=True, **options)
    return list(done.stdout.splitlines())


@scene
def the_ids_and_capabilities_are_those_that_unshare_gives() -> None:
    """unshare(1) with the words of the same name."""
    if not shutil.which("unshare"):
        raise Impossible("needs unshare(1)")
    with nothing_changed():
        for name in ("map_root_user", "map_current_user"):
            wanted = capabilities("unshare", "-U", f"--{name.replace('_', '-')}", ours=False)
            for options in ({}, {"proc": False}, {"hostname": "apart"}, {"mounts": [ReadOnly()]}, {"init": False}):
                assert capabilities(**{name: True}, **options) == wanted, (name, options)


@scene
def root_inside_can_mount_and_cannot_undo_what_was_mounted() -> None:
    with folder() as here, nothing_changed():
        words = f"mount -t tmpfs none {here}/sub && touch {here}/sub/new && hostname other && hostname; touch {here}/new"
        for undo in ("mount -o remount,bind,rw /", "umount /proc", "true"):
            lines = told(f"{undo} 2> /dev/null; {words}", mounts=[ReadOnly()], hostname="apart", map_root_user=True)
            assert lines == ["other", *refused(here / "new")], lines


@scene
def what_root_inside_makes_is_the_callers_outside() -> None:
    with folder() as here:
        assert told(f"touch {here}/new; stat -c %u {here}/new", map_root_user=True) == ["0"]
        assert (here / "new").stat().st_uid == os.geteuid()


@scene
def maps_are_written_as_they_are_given() -> None:
    own = ((7, os.geteuid(), 1),)
    assert told("id -u; id -g", uid_map=own, gid_map=[(8, os.getegid(), 1)]) == ["7", "8"]
    assert told("id -u; id -g", uid_map=own) == ["7", "65534"]
    assert told("id -u; cat /proc/self/uid_map", uid_map=()) == ["65534"]


@scene
def root_gives_ranges_and_an_ordinary_user_cannot() -> None:
    maps = {"uid_map": [(0, 100000, 1000), (1000, 0, 1)], "gid_map": [(0, 200000, 1000), (1000, 0, 1)]}
    with nothing_changed():
        try:
            lines = told("id -u; id -g; cat /proc/self/setgroups; wc -l < /proc/self/uid_map", **maps)
        except PermissionError as error:
            assert not root() and str(error.filename).endswith("/uid_map"), error
        else:
            assert root() and lines == ["1000", "1000", "allow", "2"], lines


@scene
def user_and_group_are_numbers_of_the_callers() -> None:
    needs_root()
    ids = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    wanted = ["0", "0", "         0      65534          1", "         0      65534          1", "deny"]
    assert capabilities(map_root_user=True, **ids)[:5] == wanted
    assert told("id -u; id -g; id -G", map_current_user=True, **ids) == ["65534"] * 3


@scene
def maps_that_cannot_be_are_refused() -> None:
    with nothing_changed():
        own = os.geteuid()
        for overlapping in ([(0, own, 1), (0, own, 1)], [(0, own, 0)], [(own, own, 1)] * 341):
            try:
                run(["true"], uid_map=overlapping)
            except OSError as error:
                assert error.errno == errno.EINVAL and error.strerror == "uid_map: Invalid argument", error
            else:
                raise AssertionError(f"{overlapping} did not fail")
        wrongs: tuple[Any, ...] = ([(0, own)], [(0, own, True)], [(0, "0", 1)], [7])
        for wrong in wrongs:
            with suppress(TypeError):
                raise AssertionError(run(["true"], gid_map=wrong))
        both: dict[str, Any]
        for both in ({"map_root_user": True, "map_current_user": True}, {"map_root_user": True, "uid_map": ()}):
            with suppress(ValueError):
                raise AssertionError(run(["true"], **both))


@scene
def a_program_that_cannot_be_found_is_told_as_ever() -> None:
    with nothing_changed():
        options: dict[str, Any]
        for options in ({"map_root_user": True}, {"mounts": [ReadOnly()]}, {"mounts": [Tmpfs("/usr/bin")], "map_current_user": True}):
            try:
                run(["sed"] if len(options) > 1 else ["/nowhere"], env={"PATH": "/usr/bin"}, **options)
            except FileNotFoundError as error:
                assert error.filename in ("sed", "/nowhere")
            else:
                raise AssertionError(f"{options}: it did not fail")


@scene
def a_caller_with_threads_gets_the_same() -> None:
    end = threading.Event()
    other = threading.Thread(target=end.wait)
    other.start()
    with folder() as here:
        lines: list[list[str]] = []

        def ask() -> None:
            lines.append(told(f"id -u; touch {here}/new", mounts=[ReadOnly()], map_root_user=True))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        end.set()
        other.join()
        assert lines == [["0", *refused(here / "new")]] * 4, lines


@scene
def the_pid_and_the_status_are_the_commands() -> None:
    with Popen(["sh", "-c", "read x; exit 7"], stdin=subprocess.PIPE, map_root_user=True) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert f"Uid:\t{os.geteuid()}\t" in status and "NSpid:" in status
        process.communicate(b"\n")
    assert process.returncode == 7


@scene
def what_a_fork_tells_is_what_the_caller_raises() -> None:
    """The order of the paths, and that a step that nobody wished for is no OSError of the caller's."""
    error = OSError(errno.ENOENT, "x")
    told_error = surround.heard(surround.Refused("Bind", error, True, ("/a", "/b")).told()).reason()
    assert (told_error.errno, told_error.filename, told_error.filename2) == (errno.ENOENT, "/a", "/b")
    assert not surround.heard(surround.Refused("setns", error).told()).wish
    assert isinstance(told_error, FileNotFoundError) and calls.TABLE


def main(names: list[str]) -> None:
    """Print what became of each, as JSON."""

    def tried(body: Callable[[], None]) -> Callable[[], list[str]]:
        def wrong() -> list[str]:
            body()
            return []

        return wrong

    os.chdir("/")
    print(json.dumps({name: apart(tried(SCENES[name])) for name in names or SCENES}))


if __name__ == "__main__":
    main(sys.argv[1:])
