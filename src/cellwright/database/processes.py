"""The server's process: whether it runs, how it is started, stopped and reaped."""

import os
import subprocess
from enum import Enum
from pathlib import Path

from cellwright.database.accounts import bare_environment
from cellwright.database.cluster import Cluster


class ProcessState(Enum):
    """What the kernel knows of a process."""

    RUNNING = "running"
    ZOMBIE = "zombie"
    GONE = "gone"


def process_state(pid: int) -> ProcessState:
    """Look a process up; without /proc a dead child not yet reaped counts as running."""
    stat_file = Path("/proc", str(pid), "stat")
    try:
        # The name in brackets may itself hold brackets and spaces.
        letter = stat_file.read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ProcessState.RUNNING if not Path("/proc/self/stat").exists() and _signalable(pid) else ProcessState.GONE
    return ProcessState.ZOMBIE if letter in {"Z", "X"} else ProcessState.RUNNING


def _signalable(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def postmaster_pid(data: Path) -> int | None:
    """Return the process id written by the last server of a data directory."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return None
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def running_postmaster(data: Path) -> int | None:
    """Return the living server of a data directory; reap it or clear its lock file when it only seems to live."""
    pid = postmaster_pid(data)
    if pid is None:
        return None
    state = process_state(pid)
    if state is ProcessState.RUNNING and _serves(pid, data):
        return pid
    if state is ProcessState.ZOMBIE:
        reap(pid)
    if process_state(pid) is not ProcessState.GONE:
        # A zombie of a parent that never reaps, or a stranger with a reused number: PostgreSQL would take either
        # for its living predecessor. Shared memory still attached is checked by the server itself.
        (data / "postmaster.pid").unlink(missing_ok=True)
    return None


def _serves(pid: int, data: Path) -> bool:
    try:
        words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self/stat").exists()
    return os.fsencode(data) in words


def reap(pid: int) -> None:
    """Collect a dead child; somebody else's child is left to its parent."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def spawn(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start the server as its own account, in its own session so that Ctrl-C in a terminal does not reach it."""
    drops = cluster.account.drops
    with cluster.log.open("ab") as log:
        return subprocess.Popen(
            cluster.command(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=bare_environment(),
            start_new_session=True,
            user=cluster.account.uid if drops else None,
            group=cluster.account.gid if drops else None,
            extra_groups=[] if drops else None,
            umask=0o077,
        )


def log_lines(log: Path, since_bytes: int, *, count: int = 12) -> str:
    """Return the last lines of a log that were written after a position."""
    try:
        with log.open("rb") as file:
            file.seek(max(since_bytes, log.stat().st_size - 64 * 1024))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-count:])
