"""Shut this very process in: limits, and what the kernel can take away from it. Runs inside, before a byte is read.

Four things, each by itself enough for what it says: resource limits (setrlimit), no network (a network namespace of
its own where the kernel gives one to everybody), no files but the libraries' (Landlock), and no system call that opens
a connection, starts a program or looks into another process (seccomp). None of them needs root. What the kernel does
not have is left out and said: ``opening`` decides whether that is enough.

Numbers and layouts: linux/landlock.h, linux/seccomp.h, linux/filter.h, asm/unistd.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SIGKILL = 9
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_FILES_OPEN = 64

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# What each version of Landlock's interface can deny: rights on files, TCP, and reaching processes outside.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_ALL_FILE_RIGHTS = (1 << 16) - 1
_TCP = 0b11
_SCOPES = 0b11

# System calls by machine: (audit architecture, what is denied, clone, clone3).
_CALLS = {
    "x86_64": (
        0xC000003E,
        (
            *(41, 42, 43, 49, 50, 53, 288),  # socket, connect, accept, bind, listen, socketpair, accept4
            *(57, 58, 59, 322),  # fork, vfork, execve, execveat
            *(62, 101, 310, 311, 438, 424, 434),  # kill, ptrace, process_vm_*, pidfd_getfd, _send_signal, _open
            *(
                165,
                272,
                308,
                304,
                250,
                321,
                298,
                425,
                427,
            ),  # mount, unshare, setns, keyctl, bpf, io_uring, ...
        ),
        56,
        435,
    ),
    "aarch64": (
        0xC00000B7,
        (
            *(198, 203, 202, 200, 201, 199, 242),
            *(221, 281),
            *(129, 117, 270, 271, 438, 424, 434),
            *(40, 97, 268, 265, 219, 280, 241, 425, 427),
        ),
        220,
        435,
    ),
}
_X32 = 0x40000000
_CLONE_THREAD = 0x00010000
_ALLOW, _EPERM, _ENOSYS, _KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000


def limit(*, memory: int, seconds: int) -> None:
    """Set the limits: bytes of address space, seconds of computing, no core, no file written."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _FILES_OPEN)
    # One second more before the kernel kills: the first signal says why.
    _lower(resource.RLIMIT_CPU, seconds, spare=1)
    _lower(resource.RLIMIT_AS, memory)


def shut(readable: Iterable[Path]) -> dict[str, bool]:
    """Take away network, files and dangerous system calls; what is true afterwards: network, files.

    ``readable``: the folders of libraries, which may still be read.
    """
    if not sys.platform.startswith("linux"):
        _lower(resource.RLIMIT_NPROC, 0)
        return {"network": False, "files": False}
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    alone = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    apart = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0
    files = alone and _landlock(libc, readable)
    calls = alone and _seccomp(libc)
    if not calls:
        # It would count threads too, which readers of pictures start; where calls are denied, new processes are.
        _lower(resource.RLIMIT_NPROC, 0)
    return {"network": apart or calls, "files": files}


def _lower(what: int, to: int, spare: int = 0) -> None:
    _, hard = resource.getrlimit(what)
    most = to + spare if hard == resource.RLIM_INFINITY else min(to + spare, hard)
    # A kernel without one of them (macOS has no RLIMIT_AS worth the name) still has the others.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(what, (min(to, most), most))


def _landlock(libc: ctypes.CDLL, readable: Iterable[Path]) -> bool:
    version = libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    rights = _FILE_RIGHTS.get(version, _ALL_FILE_RIGHTS)
    asked = struct.pack("=Q", rights)
    if version >= 4:
        asked += struct.pack("=Q", _TCP)
    if version >= 6:
        asked += struct.pack("=Q", _SCOPES)
    rules = libc.syscall(_LANDLOCK_CREATE, asked, len(asked), 0)
    if rules < 0:
        return False
    for folder in readable:
        try:
            place = os.open(folder, getattr(os, "O_PATH", 0) | os.O_CLOEXEC | os.O_DIRECTORY)
        except OSError:
            continue
        libc.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("=Qi", _READ_FILE | _READ_DIR, place), 0)
        os.close(place)
    done = libc.syscall(_LANDLOCK_RESTRICT, rules, 0) == 0
    os.close(rules)
    return bool(done)


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _seccomp(libc: ctypes.CDLL) -> bool:
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    program = _filter(*known)
    asked = _Program(len(program) // 8, program)
    return bool(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(asked), 0, 0) == 0)


def _filter(architecture: int, denied: Iterable[int], clone: int, clone3: int) -> bytes:
    """A filter of classic BPF: the denied calls answer EPERM, a new thread is allowed and a new process is not."""

    def load(offset: int) -> bytes:
        return struct.pack("=HBBI", 0x20, 0, 0, offset)

    def answer(value: int) -> bytes:
        return struct.pack("=HBBI", 0x06, 0, 0, value)

    def unless_equal(value: int, skip: int) -> bytes:
        return struct.pack("=HBBI", 0x15, 0, skip, value)

    lines = [load(4), unless_equal(architecture, 1), struct.pack("=HBBI", 0x05, 0, 0, 1), answer(_KILL), load(0)]
    # The second set of numbers of one machine (x32) is not ours.
    lines += [struct.pack("=HBBI", 0x35, 0, 1, _X32), answer(_EPERM)]
    for number in denied:
        lines += [unless_equal(number, 1), answer(_EPERM)]
    # The C library falls back to clone, whose flags can be looked at, when there is no clone3.
    lines += [unless_equal(clone3, 1), answer(_ENOSYS)]
    lines += [unless_equal(clone, 3), load(16), struct.pack("=HBBI", 0x45, 1, 0, _CLONE_THREAD), answer(_EPERM)]
    return b"".join([*lines, answer(_ALLOW)])
