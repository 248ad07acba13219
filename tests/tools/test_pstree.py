"""nscore/tools/pstree.py on both backends, in psmisc's shape."""

from __future__ import annotations

import textwrap

import pytest

from nscore import CloneFlag, Machine, Prctl, Process
from nscore.tools.pstree import Entry, lines, pstree


def named(process: Process, name: str) -> Process:
    process.prctl(Prctl.SET_NAME, name)
    return process


def shape(text: str) -> str:
    return textwrap.dedent(text).strip()


def test_a_chain(machine: Machine) -> None:
    named(named(machine.init.fork(), "bash").fork(), "pstree")
    assert pstree(machine.init) == "init(1)───bash(2)───pstree(3)"


def test_branches_in_the_order_of_names_then_pids(machine: Machine) -> None:
    shell = named(machine.init.fork(), "zsh")
    named(machine.init.fork(), "bash")
    for name in ("sleep", "cat", "sleep"):
        named(shell.fork(), name)
    assert pstree(machine.init) == shape("""
        init(1)─┬─bash(3)
                └─zsh(2)─┬─cat(5)
                         ├─sleep(4)
                         └─sleep(6)
    """)


def test_what_hangs_beside_a_subtree_is_joined_by_a_line(machine: Machine) -> None:
    first = named(machine.init.fork(), "a")
    named(machine.init.fork(), "b")
    for _ in range(2):
        named(named(first.fork(), "c").fork(), "d")
    assert pstree(machine.init) == shape("""
        init(1)─┬─a(2)─┬─c(4)───d(5)
                │      └─c(6)───d(7)
                └─b(3)
    """)


def test_threads_come_last_and_in_braces(machine: Machine) -> None:
    process = named(machine.init.fork(), "worker")
    process.thread()
    process.thread()
    named(process.fork(), "child")
    assert pstree(machine.init, process.pid) == shape("""
        worker(2)─┬─child(5)
                  ├─{worker}(3)
                  └─{worker}(4)
    """)


def test_the_tree_of_one_process(machine: Machine) -> None:
    shell = named(machine.init.fork(), "bash")
    named(shell.fork(), "sleep")
    assert pstree(machine.init, shell.pid) == "bash(2)───sleep(3)"
    with pytest.raises(FileNotFoundError):
        pstree(machine.init, 99)


def test_who_has_no_parent_here_is_not_shown(machine: Machine) -> None:
    inside = machine.init.clone(CloneFlag.NEWPID | CloneFlag.NEWNS)
    inside.mount("proc", "/proc", "proc")
    joined = machine.init.fork()
    joined.setns(joined.open(f"/proc/{inside.pid}/ns/pid"), CloneFlag.NEWPID)
    injected = joined.fork()
    assert injected.getpid() == 2
    assert pstree(inside) == "init(1)"
    assert pstree(inside, 2) == "init(2)"


def test_a_deep_tree_needs_no_deep_stack() -> None:
    children = {pid: [Entry("x", 0, pid + 1)] for pid in range(1, 3000)}
    (line,) = lines(Entry("x", 0, 1), children)
    assert line.count("───") == 2999


def test_a_name_of_any_kind_is_one_line_of_ascii() -> None:
    assert str(Entry("a\tb\\ä\udcff\n", 0, 7)) == r"a\011b\\\303\244\377\012(7)"
