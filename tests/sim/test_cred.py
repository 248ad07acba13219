"""nscore_sim/cred.py, setids.py and commoncap.py: who a task is, what it may, and how that changes."""

from __future__ import annotations

import pytest

from nscore import Machine, boot
from nscore.flags import Capability, Prctl

CAP_SETUID, CAP_SETGID, CAP_SETPCAP = (1 << cap for cap in (Capability.SETUID, Capability.SETGID, Capability.SETPCAP))


def test_setuid_of_root_sets_all_ids_and_drops_all_capabilities(machine: Machine) -> None:
    a = machine.init.fork()
    a.setuid(1000)
    assert (a.getuid(), a.geteuid()) == (1000, 1000)
    assert a.capget().permitted == a.capget().effective == 0
    with pytest.raises(PermissionError):
        a.setuid(0)


def test_the_effective_id_alone_gives_its_capabilities_back(machine: Machine) -> None:
    a = machine.init.fork()
    whole = a.capget()
    a.setresuid(-1, 1000, -1)
    assert (a.capget().effective, a.capget().permitted) == (0, whole.permitted)
    a.setresuid(-1, 0, -1)
    assert a.capget() == whole


def test_keepcaps_keeps_what_is_permitted_and_no_more(machine: Machine) -> None:
    a = machine.init.fork()
    whole = a.capget()
    a.prctl(Prctl.SET_KEEPCAPS, 1)
    a.setresuid(1000, 1000, 1000)
    assert (a.capget().effective, a.capget().permitted) == (0, whole.permitted)
    a.capset(CAP_SETUID, CAP_SETUID, 0)
    a.setresuid(5, 6, 7)
    assert (a.getuid(), a.geteuid()) == (5, 6)
    with pytest.raises(PermissionError):
        a.capset(CAP_SETGID, CAP_SETGID, 0)


def test_without_privilege_an_id_must_be_one_of_the_three(machine: Machine) -> None:
    a = machine.init.fork()
    a.setresuid(1000, 1001, 1002)
    a.setresuid(1002, 1000, 1001)
    with pytest.raises(PermissionError):
        a.setresuid(-1, 1003, -1)
    with pytest.raises(PermissionError):
        a.setreuid(1001, -1)  # the saved id is not for the real one
    a.setreuid(-1, 1001)
    assert (a.getuid(), a.geteuid()) == (1002, 1001)


def test_groups_are_sorted_and_need_the_capability(machine: Machine) -> None:
    a = machine.init.fork()
    a.setgroups((7, 3, 5, 3))
    assert a.getgroups() == (3, 3, 5, 7)
    a.setuid(1000)
    with pytest.raises(PermissionError):
        a.setgroups(())


def test_a_change_of_the_effective_id_makes_undumpable_and_forgets_the_parents_death(machine: Machine) -> None:
    a = machine.init.fork()
    a.prctl(Prctl.SET_PDEATHSIG, 15)
    a.setresuid(1000, -1, -1)
    assert (a.prctl(Prctl.GET_DUMPABLE), a.prctl(Prctl.GET_PDEATHSIG)) == (1, 15)
    a.setresgid(-1, 1000, -1)
    assert (a.prctl(Prctl.GET_DUMPABLE), a.prctl(Prctl.GET_PDEATHSIG)) == (0, 0)


def test_inheritable_needs_the_bounding_set_and_setpcap_beyond_what_is_permitted(machine: Machine) -> None:
    a = machine.init.fork()
    whole = a.capget().permitted
    a.prctl(Prctl.CAPBSET_DROP, Capability.SETUID)
    assert a.prctl(Prctl.CAPBSET_READ, Capability.SETUID) == 0
    with pytest.raises(PermissionError):
        a.capset(whole & ~CAP_SETUID, whole & ~CAP_SETUID, CAP_SETUID)
    a.capset(CAP_SETPCAP, CAP_SETPCAP, CAP_SETGID)
    a.capset(0, 0, CAP_SETGID)
    with pytest.raises(PermissionError):
        a.capset(0, 0, CAP_SETGID | CAP_SETPCAP)


def test_a_locked_securebit_stays(machine: Machine) -> None:
    a = machine.init.fork()
    keep_caps_locked = 0x20
    a.prctl(Prctl.SET_SECUREBITS, keep_caps_locked)
    with pytest.raises(PermissionError):
        a.prctl(Prctl.SET_KEEPCAPS, 1)
    with pytest.raises(PermissionError):
        a.prctl(Prctl.SET_SECUREBITS, 0)


def test_execve_of_root_brings_the_bounding_set_back(machine: Machine) -> None:
    a = machine.init.fork()
    whole = a.capget().permitted
    a.prctl(Prctl.CAPBSET_DROP, Capability.SETUID)
    a.capset(0, 0, 0)
    a.execve(machine.image)
    assert a.capget().permitted == a.capget().effective == whole & ~CAP_SETUID


def test_no_new_privs_forbids_just_that(machine: Machine) -> None:
    a = machine.init.fork()
    a.prctl(Prctl.SET_NO_NEW_PRIVS, 1)
    a.capset(0, CAP_SETUID, 0)
    a.execve(machine.image)
    assert a.capget().permitted == a.capget().effective == CAP_SETUID


def test_another_users_execve_loses_what_keepcaps_kept() -> None:
    with boot("sim") as machine:  # on linux, not every user may read the image
        a = machine.init.fork()
        a.prctl(Prctl.SET_KEEPCAPS, 1)
        a.setuid(1000)
        a.execve(machine.image)
        assert a.capget().permitted == 0
        assert a.prctl(Prctl.GET_KEEPCAPS) == 0
