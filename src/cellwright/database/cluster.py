"""One database cluster on disk: where it lives, how it is made, what it is told.

The home is readable by all and written only by the process that owns the server. In it:

- `data/` is PostgreSQL's own directory (0700, the server's account);
- `run/` holds its Unix socket (0700, the server's account); it is elsewhere when that path would be too long;
- `postgresql.conf` is written at every start; `local.conf` beside it is the operator's and read last;
- `pg_hba.conf` has one line: every connection is local and needs its password;
- `*.password` are random and made once (0600);
- `server.log` is what the server says.
"""

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from cellwright.database.accounts import Account, account_of_owner, server_account
from cellwright.database.binaries import Installation, choose, default_places, reachable, search
from cellwright.errors import DatabaseUnavailableError

ADMIN: Final = "postgres"
OWNER: Final = "cellwright"
# Not the folder of a plant's data, which its owner may close.
FALLBACK_FOLDER: Final = Path("/var/lib/cellwright-database")
_FOLDER_NAME: Final = "database"
_POINTER_NAME: Final = "database.location"
# sun_path holds 108 bytes with the final zero on Linux, 104 on macOS.
_SOCKET_PATH_BYTES_MAX: Final = 103
_SOCKET_NAME: Final = ".s.PGSQL.5432"
_MIB: Final = 1024**2
_LOG_BYTES_MAX: Final = 16 * _MIB


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster's place, account and programs."""

    home: Path
    account: Account
    installation: Installation
    sockets: Path

    @property
    def data(self) -> Path:
        """Return PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """Return the server's log file."""
        return self.home / "server.log"

    def url(self, role: str, database: str) -> str:
        """Return the address of a database for a role, with its password."""
        password = quote((self.home / f"{role}.password").read_text("ascii").strip(), safe="")
        return f"postgresql://{role}:{password}@/{quote(database)}?{urlencode({'host': self.sockets, 'port': 5432})}"

    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""
        return [
            self.installation.program("postgres"),
            "-D",
            str(self.data),
            "-c",
            f"config_file={self.home / 'postgresql.conf'}",
            "-c",
            f"hba_file={self.home / 'pg_hba.conf'}",
        ]


def locate(base: Path, user: str | None, installation: Installation | None) -> Cluster:
    """Find or choose account, home and programs for the cluster of a base folder; make the home."""
    base = base.resolve()
    home = _existing_home(base)
    account = _account(home, user)
    home = home if home is not None else _new_home(base, account)
    if not account.can_enter(home):
        raise DatabaseUnavailableError(
            f"the account {account.name} cannot enter {home}: a folder above it is closed to it; "
            "move the database to an open place, or open the folders above it for passing (chmod o+x)"
        )
    chosen = installation or choose(search(default_places()), data_major=data_major(home / "data"))
    return Cluster(home, account, reachable(chosen, account, home), _socket_folder(home))


def data_major(data: Path) -> int | None:
    """Return the major version that made a data directory, None when there is none yet."""
    try:
        return int((data / "PG_VERSION").read_text("ascii").strip())
    except FileNotFoundError:
        return None


def _account(home: Path | None, user: str | None) -> Account:
    """Return the account that owns the data, or for new data the one that shall."""
    if home is not None and (home / "data").is_dir():
        return account_of_owner((home / "data").stat().st_uid)
    return server_account(user)


def _existing_home(base: Path) -> Path | None:
    pointer = base / _POINTER_NAME
    if (base / _FOLDER_NAME).is_dir():
        return base / _FOLDER_NAME
    if not pointer.exists():
        return None
    home = Path(pointer.read_text("utf-8").strip())
    if not home.is_dir():
        raise DatabaseUnavailableError(
            f"{pointer} says the database is in {home}, which does not exist; "
            "mount or restore that folder, or delete the file to begin with an empty database"
        )
    return home


def _new_home(base: Path, account: Account) -> Path:
    """Make the home in the base folder, or elsewhere when a closed folder keeps the account out."""
    base.mkdir(parents=True, exist_ok=True)
    if account.can_enter(base):
        return _make_folder(base / _FOLDER_NAME, 0o755)
    _make_folder(FALLBACK_FOLDER, 0o755)
    home = _make_folder(FALLBACK_FOLDER / secrets.token_hex(6), 0o755)
    (base / _POINTER_NAME).write_text(f"{home}\n", "utf-8")
    return home


def _make_folder(folder: Path, mode: int, owner: Account | None = None) -> Path:
    """Make a folder of our own with exactly this mode; one that exists is left as it is."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        folder.chmod(mode)
        _give(folder, owner)
    return folder


def _give(path: Path, owner: Account | None) -> None:
    if owner is not None and owner.drops:
        os.chown(path, owner.uid, owner.gid)


def _socket_folder(home: Path) -> Path:
    """Choose where the socket goes: in the home, or in a short place when the path is too long or unsafe in a URL."""
    folder = home / "run"
    length_bytes = len(os.fsencode(folder / _SOCKET_NAME))
    if length_bytes <= _SOCKET_PATH_BYTES_MAX and "," not in str(folder):
        return folder
    # The name is derived from the home's identity, so every process that attaches finds the same place.
    identity = home.stat()
    return Path("/tmp", f"cellwright-{identity.st_dev:x}-{identity.st_ino:x}")  # noqa: S108 - owner is checked


def prepare(cluster: Cluster) -> None:
    """Make what a start needs: cluster, settings, access rules. Only for the owner, when no server runs."""
    _make_folder(cluster.sockets, 0o700, cluster.account)
    _refuse_foreign(cluster.sockets, cluster.account)
    for leftover in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
        (cluster.sockets / leftover).unlink(missing_ok=True)
    for role in (ADMIN, OWNER):
        _make_password(cluster.home / f"{role}.password", cluster.account)
    if not cluster.data.exists():
        _initialise(cluster)
    _refuse_other_version(cluster)
    _replace(cluster.home / "postgresql.conf", render_settings(cluster, memory_bytes=_memory_bytes()))
    if not (cluster.home / "local.conf").exists():
        _replace(cluster.home / "local.conf", "# Settings of this plant's own; they win over postgresql.conf.\n")
    _replace(cluster.home / "pg_hba.conf", "local all all scram-sha-256\n")
    trim_log(cluster.log)


def remove(base: Path, cluster: Cluster) -> None:
    """Delete a stopped cluster and every trace of it."""
    shutil.rmtree(cluster.sockets, ignore_errors=True)
    shutil.rmtree(cluster.home)
    (base / _POINTER_NAME).unlink(missing_ok=True)


def _refuse_foreign(folder: Path, account: Account) -> None:
    state = folder.lstat()
    if state.st_uid != account.uid or not folder.is_dir() or folder.is_symlink():
        raise DatabaseUnavailableError(
            f"the socket folder {folder} does not belong to {account.name}; remove it and start again"
        )


def _make_password(path: Path, account: Account) -> None:
    if path.exists():
        return
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    _give(draft, account)
    draft.rename(path)


def _initialise(cluster: Cluster) -> None:
    """Make the cluster beside its final place, so that a broken attempt is never taken for data."""
    draft = cluster.home / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    _make_folder(draft, 0o700, cluster.account)
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    locale = builtin if cluster.installation.major >= 17 else ["--locale=C.UTF-8"]
    outcome = cluster.account.run(
        [
            cluster.installation.program("initdb"),
            f"--pgdata={draft}",
            f"--username={ADMIN}",
            f"--pwfile={cluster.home / f'{ADMIN}.password'}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            *locale,
        ]
    )
    if outcome.returncode != 0:
        said = "\n".join((outcome.stdout + outcome.stderr).strip().splitlines()[-8:])
        raise DatabaseUnavailableError(f"initdb could not make the database in {cluster.home}; it said:\n{said}")
    draft.rename(cluster.data)


def _refuse_other_version(cluster: Cluster) -> None:
    major = data_major(cluster.data)
    if major is None:
        raise DatabaseUnavailableError(
            f"{cluster.data} is not a PostgreSQL data directory (no PG_VERSION in it); restore it from a backup"
        )
    if major != cluster.installation.major:
        raise DatabaseUnavailableError(
            f"the data directory {cluster.data} was made by PostgreSQL {major}, "
            f"the programs in {cluster.installation.place.programs} are {cluster.installation.version}; "
            f"install PostgreSQL {major}, or move the data with pg_dump to a new directory"
        )


def render_settings(cluster: Cluster, *, memory_bytes: int) -> str:
    """Write the server's settings for a machine with this much memory."""
    shared_mib = min(memory_bytes * 12 // 100, 2048 * _MIB) // _MIB
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": cluster.sockets,
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "max_connections": 100,
        "shared_buffers": f"{max(shared_mib, 32)}MB",
        "effective_cache_size": f"{max(memory_bytes // 2 // _MIB, 128)}MB",
        "maintenance_work_mem": f"{min(max(memory_bytes // 20 // _MIB, 32), 512)}MB",
        "work_mem": "16MB",
        "random_page_cost": 1.1,
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "max_wal_size": "4GB",
        "wal_compression": "pglz",
        "checkpoint_timeout": "15min",
        "autovacuum_naptime": "20s",
        "autovacuum_vacuum_scale_factor": 0.05,
        "autovacuum_vacuum_insert_scale_factor": 0.1,
        "autovacuum_analyze_scale_factor": 0.02,
        "autovacuum_vacuum_cost_limit": 1000,
        "idle_in_transaction_session_timeout": "60s",
        "client_connection_check_interval": "5s",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a ",
        "lc_messages": "C",
    }
    lines = [f"{name} = {_quote(value)}" for name, value in settings.items()]
    return "\n".join(
        [
            "# Written at every start. Own settings belong in local.conf.",
            *lines,
            "include 'local.conf'",
            "",
        ]
    )


def _quote(value: object) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "''") + "'"


def _memory_bytes() -> int:
    """Return the machine's memory, or the limit of our control group when that is smaller."""
    total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
    except OSError:
        return total_bytes
    return min(total_bytes, int(limit)) if limit.isdigit() else total_bytes


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, "utf-8")
    draft.chmod(0o644)
    draft.rename(path)


def trim_log(log: Path) -> None:
    """Keep a grown log as one older copy and empty it in place; the server goes on writing to it."""
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def explain(log_lines: str) -> str:
    """Say what to do about a server that did not start, from what it said."""
    for pattern, advice in _ADVICE:
        if re.search(pattern, log_lines, re.IGNORECASE):
            return advice
    return "the log says why"


_ADVICE: Final = (
    (r"no space left|disk quota", "the disk is full: free some space, then start again"),
    (
        r"incompatible with server|initialized by PostgreSQL version",
        "data and programs are of different versions: install the matching PostgreSQL",
    ),
    (
        r"permission denied|wrong ownership|invalid permissions",
        "the server's account may not use its files: give them back to it (chown -R, chmod 0700 on data)",
    ),
    (r"read-only file system", "the disk is mounted read-only: check it, then mount it for writing"),
    (
        r"could not (create|resize|map).*shared memory|out of memory|cannot allocate",
        "too little memory: free some, or lower shared_buffers in local.conf",
    ),
    (
        r"lock file .* already exists|still in use",
        "another server uses this data directory: stop that one first",
    ),
    (
        r"address already in use|could not create any unix",
        "the socket folder is in use or cannot be written: remove the stale socket",
    ),
    (
        r"could not locate a valid checkpoint|invalid page|checksum",
        "the data are damaged: restore the last backup",
    ),
    (
        r"unrecognized configuration parameter|invalid value for parameter|contains errors",
        "a setting is wrong: mend local.conf beside the data",
    ),
)
