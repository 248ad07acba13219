"""nscore/tools/translate.py on both backends, and against nsfs' own answers."""

from __future__ import annotations

import pytest

from nscore import CloneFlag, Machine, Process
from nscore.tools.translate import translate


def family(machine: Machine) -> tuple[Process, Process]:
    """init(1), a sibling namespace's init(2), outer(3: 3 1), its child (4: 2) and that one's inner (5: 3 1)."""
    sibling = machine.init.clone(CloneFlag.NEWPID)
    outer = machine.init.clone(CloneFlag.NEWPID)
    outer.fork().clone(CloneFlag.NEWPID)
    return sibling, outer


def test_down_into_a_namespace(machine: Machine) -> None:
    family(machine)
    assert translate(machine.init, 5, target=3) == 3
    assert translate(machine.init, 5, target=5) == 1
    assert translate(machine.init, 4, target=3) == 2
    assert translate(machine.init, 5) == 5


def test_up_from_a_namespace(machine: Machine) -> None:
    family(machine)
    assert translate(machine.init, 1, source=5) == 5
    assert translate(machine.init, 2, source=3) == 4
    assert translate(machine.init, 3, source=3) == 5


def test_from_one_to_another(machine: Machine) -> None:
    family(machine)
    assert translate(machine.init, 1, source=5, target=3) == 3
    assert translate(machine.init, 3, source=3, target=5) == 1


def test_no_number_there(machine: Machine) -> None:
    family(machine)
    assert translate(machine.init, 1, target=3) is None  # an ancestor's process has none below
    assert translate(machine.init, 4, target=5) is None
    assert translate(machine.init, 3, target=2) is None  # nor a sibling's, which has one at the same level
    assert translate(machine.init, 2, source=3, target=2) is None


def test_nobody_is_called_so(machine: Machine) -> None:
    family(machine)
    assert translate(machine.init, 99, target=3) is None
    assert translate(machine.init, 99, source=3) is None
    assert translate(machine.init, 2, source=2) is None  # only outer has a 2
    with pytest.raises(FileNotFoundError):
        translate(machine.init, 1, source=99)


def test_nsfs_says_the_same(machine: Machine) -> None:
    family(machine)
    fd = machine.init.open("/proc/3/ns/pid")
    for pid in (3, 4, 5):
        there = translate(machine.init, pid, target=3)
        assert there == machine.init.ns_get_pid_in_pidns(fd, pid)
        assert machine.init.ns_get_pid_from_pidns(fd, there) == pid


def test_no_descriptor_is_left(machine: Machine) -> None:
    family(machine)
    translate(machine.init, 1, source=5, target=3)
    translate(machine.init, 3, target=2)
    assert machine.init.open("/") == 3
