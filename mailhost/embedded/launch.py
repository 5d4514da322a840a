"""The last step before a child's own program: who it runs as, and that it dies with us.

Run as a script in an isolated interpreter (`python -I -S launch.py SIGNAL PARENT [PATH…] -- PROGRAM …`): what it
does to itself (leave root, enter a user namespace) may not be done after fork in a process with threads.

- prctl(PR_SET_PDEATHSIG): the kernel sends SIGNAL when the thread that started us ends, however it ends.
- With PATHs the program must not be root (Postgres refuses to be): root enters a user namespace in which it is
  uid 65534. Where the machine refuses namespaces, root becomes `nobody`, to whom the PATHs are given; the
  capability to pass through folders that `nobody` may not enter (a clone under /root) is kept where it can be.
"""

import ctypes
import os
import pwd
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000

UNPRIVILEGED_UID = 65534  # "nobody" on every Linux: initdb wants its uid to have a name
FALLBACK_USERS = ("nobody", "postgres", "daemon", "www-data")


def enter_user_namespace() -> bool:
    """Becomes uid 65534 in a namespace of its own (files stay the outer user's). False where that is refused."""
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{UNPRIVILEGED_UID} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{UNPRIVILEGED_UID} {gid} 1")
    except OSError:
        return False
    return True


def may_enter_user_namespace() -> bool:
    """Tried in a child, because a half-entered namespace cannot be left."""
    child = os.fork()
    if child == 0:
        os._exit(0 if enter_user_namespace() else 1)
    return os.waitpid(child, 0)[1] == 0


def give(paths: list[str], uid: int, gid: int) -> None:
    """Hands folders over whole, where they are not theirs yet."""
    for path in paths:
        if os.stat(path).st_uid == uid:
            continue
        for folder, _, files in os.walk(path):
            for name in [folder, *(os.path.join(folder, file) for file in files)]:
                os.lchown(name, uid, gid)


def become_fallback_user(paths: list[str]) -> None:
    """`nobody` or the first system user there is; raises LookupError where there is none."""
    for name in FALLBACK_USERS:
        try:
            user = pwd.getpwnam(name)
            break
        except KeyError:
            continue
    else:
        raise LookupError(f"none of the users {', '.join(FALLBACK_USERS)} exists")
    give(paths, user.pw_uid, user.pw_gid)
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    # The one capability that is kept. Where it cannot be, the folders must be reachable.
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def has_no_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return True  # a container started with --user 1234: initdb refuses that too
    return False


def leave_root(paths: list[str]) -> None:
    uid = os.geteuid()
    if uid != 0 and not has_no_name(uid):
        return
    if may_enter_user_namespace():
        if uid == 0:
            give(paths, uid, os.getegid())
        enter_user_namespace()
    elif uid == 0:
        become_fallback_user(paths)


def main(arguments: list[str]) -> None:
    separator = arguments.index("--")
    death_signal, parent = int(arguments[0]), int(arguments[1])
    paths, program = arguments[2:separator], arguments[separator + 1 :]
    if paths and sys.platform == "linux":
        leave_root(paths)
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)  # the parent died before the request was in place
    try:
        os.execv(program[0], program)  # noqa: S606
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
