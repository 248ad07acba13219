"""nscore.linux.numbers against the kernel's headers and the interpreter's own constants."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

assert not TYPE_CHECKING or sys.platform == "linux"

from nscore.errors import Unavailable
from nscore.linux import numbers

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def test_a_row_has_a_number_for_each_architecture() -> None:
    assert {len(row) for row in numbers.SYSCALLS.values()} == {len(numbers.ARCHITECTURES)}


@pytest.mark.parametrize("arch", numbers.ARCHITECTURES)
def test_a_number_is_one_call(arch: str) -> None:
    of_arch = numbers.syscalls(arch)
    assert len(set(of_arch.values())) == len(of_arch)
    assert set(numbers.SYSCALLS) - set(of_arch) <= {"_llseek"}


@pytest.mark.parametrize("arch", numbers.ARCHITECTURES)
def test_what_came_after_5_1_has_one_number_everywhere(arch: str) -> None:
    base = 5000 if arch == "mips64el" else 0
    assert numbers.syscalls(arch)["clone3"] == base + 435
    assert numbers.syscalls(arch)["pidfd_open"] == base + 434


@pytest.mark.skipif(not HEADER.exists(), reason="no kernel headers here")
def test_the_numbers_of_x86_64_are_the_headers() -> None:
    header = {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}
    ours = numbers.syscalls("x86_64")
    assert ours == {name: header[name] for name in ours}


@pytest.mark.parametrize(
    ("machine", "pointer", "arch"),
    [
        ("x86_64", 8, "x86_64"),
        ("x86_64", 4, "i386"),
        ("i686", 4, "i386"),
        ("aarch64", 8, "aarch64"),
        ("aarch64", 4, "arm"),
        ("armv7l", 4, "arm"),
        ("mips64", 8, "mips64el"),
    ],
)
def test_a_process_is_known_by_its_pointers_too(machine: str, pointer: int, arch: str) -> None:
    assert numbers.architecture(machine, pointer) == arch


@pytest.mark.parametrize(
    ("machine", "pointer", "multiarch"), [("sparc64", 8, ""), ("mips64", 4, ""), ("x86_64", 4, "x86_64-linux-gnux32"), ("riscv32", 4, "")]
)
def test_an_unknown_machine_is_never_guessed(machine: str, pointer: int, multiarch: str) -> None:
    with pytest.raises(Unavailable, match="no system-call numbers"):
        numbers.architecture(machine, pointer, multiarch)


def test_a_call_without_a_number_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="sysctl has no"):
        numbers.NUMBERS["sysctl"]


def test_this_machine() -> None:
    assert numbers.architecture(platform.machine(), numbers.POINTER) == numbers.ARCH
    assert numbers.CLONE_ARGUMENTS.keys() == set(numbers.ARCHITECTURES) == numbers.IOC.keys()


def test_open_flags_are_the_interpreters() -> None:
    table = numbers.OPEN_FLAGS.get(numbers.ARCH, {})
    generic = {0o200000: os.O_DIRECTORY, 0o400000: os.O_NOFOLLOW, 0o4000: os.O_NONBLOCK, 0o2000000: os.O_CLOEXEC, 0o200: os.O_EXCL}
    assert {flag: numbers.translate(table, flag) for flag in generic} == generic


@pytest.mark.parametrize("arch", numbers.OPEN_FLAGS)
def test_flags_come_back_as_they_went(arch: str) -> None:
    table = numbers.OPEN_FLAGS[arch]
    flags = 0o1 | 0o100 | 0o4000 | 0o200000 | 0o2000000
    assert numbers.translate(numbers.reverse(table), numbers.translate(table, flags)) == flags


def test_flags_of_other_architectures() -> None:
    assert numbers.translate(numbers.OPEN_FLAGS["aarch64"], 0o200000 | 0o2000000) == 0o40000 | 0o2000000
    assert numbers.translate(numbers.OPEN_FLAGS["mips64el"], 0o100 | 0o200 | 0o4010000) == 0x100 | 0x400 | 0x4010
    assert numbers.translate(numbers.OPEN_FLAGS["ppc64le"], 0o40000) == 0x20000


def test_socket_types_of_mips() -> None:
    assert numbers.socket_type(1 | 0o4000 | 0o2000000, "mips64el") == 2 | 0x80 | 0o2000000
    assert numbers.socket_type(5, "mips64el") == 5
    assert numbers.socket_type(1 | 0o4000, "x86_64") == 1 | 0o4000


def test_ioctl_numbers() -> None:
    assert numbers.ioc(0, 0xB7, 1, 0, "x86_64") == 0xB701
    assert numbers.ioc(0, 0xB7, 1, 0, "ppc64le") == 0x2000B701
    assert numbers.ioc(1, 0xB7, 6, 4, "arm") == 0x8004B706
    assert numbers.ioc(1, 0xB7, 6, 4, "mips64el") == 0x4004B706
    assert {numbers.ioc(3, 0xFF, 11, 64, arch) for arch in numbers.ARCHITECTURES} == {0xC040FF0B}
