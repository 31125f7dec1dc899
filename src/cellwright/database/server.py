"""Our own PostgreSQL: started, watched, restarted and stopped.

Who owns the server: the process that holds `owner.lock` in the cluster's home. It starts the server, restarts it
and stops it at the end. Any other process that opens the same base folder attaches: it connects, and its `stop`
leaves the server alone. The server outlives its owner on purpose (no parent-death signal): when the owner is
killed, transactions in other processes go on, and the next process to take the lock adopts the running server.
"""

import asyncio
import fcntl
import logging
import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import asyncpg

from cellwright.database.binaries import Installation
from cellwright.database.cluster import ADMIN, OWNER, Cluster, explain, locate, prepare, remove, trim_log
from cellwright.database.pool import Connection
from cellwright.database.processes import (
    ProcessState,
    log_lines,
    postmaster_pid,
    process_state,
    running_postmaster,
    spawn,
)
from cellwright.errors import DatabaseError, DatabaseUnavailableError

START_DEADLINE_S: Final = 120.0
FAST_STOP_S: Final = 60.0
HARD_STOP_S: Final = 15.0
_POLL_S: Final = 0.03
_WATCH_S: Final = 0.25
_BACK_OFF_S_MAX: Final = 30.0
_ANSWER_TIMEOUT_S: Final = 5.0
# A predecessor that is just dying: its children need a moment to let go.
_PASSING: Final = re.compile(
    r"pre-existing shared memory block|lock file .* already exists|still in use", re.IGNORECASE
)
# What a server may answer that is starting, stopping or dying.
_TROUBLE: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

_log = logging.getLogger(__name__)


class EmbeddedServer:
    """A PostgreSQL server of our own under a base folder, reached through a Unix socket with a password."""

    def __init__(self, base: Path, *, user: str | None = None, installation: Installation | None = None) -> None:
        """Name the base folder; for root, the account to run as; and the programs, when not the best ones found."""
        self._base = base
        self._user = user
        self._installation = installation
        self._cluster: Cluster | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._log_start_bytes = 0
        self._wanted = False
        self._trouble = "no answer"
        self.restart_count = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def cluster(self) -> Cluster:
        """The cluster on disk, once `start` has found it."""
        if self._cluster is None:
            raise DatabaseUnavailableError("the database server was not started; call start() first")
        return self._cluster

    @property
    def url(self) -> str:
        """The address for the product: the role that owns its database and nothing else."""
        return self.cluster.url(OWNER, OWNER)

    @property
    def admin_url(self) -> str:
        """The address for administration: the superuser."""
        return self.cluster.url(ADMIN, "postgres")

    @property
    def owned(self) -> bool:
        """Whether this process started or adopted the server, and therefore stops it."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return postmaster_pid(self.cluster.data)

    async def start(self) -> str:
        """Start the server, adopt a running one, or attach to another process's; return the product's address."""
        self._wanted = True
        try:
            self._cluster = await asyncio.to_thread(locate, self._base, self._user, self._installation)
            await self._bring_up()
        except OSError as error:
            await self.stop()
            raise DatabaseUnavailableError(
                f"the database under {self._base} cannot be used: {error}; "
                "free its disk, open its folders to this user, or choose another base folder"
            ) from error
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def stop(self) -> None:
        """Stop the server if this process owns it: fast, and hard when it does not obey."""
        self._wanted = False
        if self._lock is None:
            return
        for kind, patience_s in ((signal.SIGINT, FAST_STOP_S), (signal.SIGQUIT, HARD_STOP_S)):
            if await self._signal_and_wait(kind, patience_s):
                break
            _log.warning("the database server did not stop within %s s of %s", patience_s, kind.name)
        self._release()

    async def erase(self) -> None:
        """Stop the server and delete its data for ever; refused while another process owns it."""
        if self._cluster is None:
            self._cluster = await asyncio.to_thread(locate, self._base, self._user, self._installation)
        if not self._take_lock():
            raise DatabaseUnavailableError(
                f"the database in {self.cluster.home} is in use by another process; stop that one first"
            )
        await self.stop()
        remove(self._base, self.cluster)

    async def supervise(self) -> None:
        """Restart the server whenever it dies, with growing pauses while it does not come up; ends after `stop`."""
        failures = 0
        while self._wanted:
            await asyncio.sleep(_WATCH_S)
            if self._alive() or self._stopped_on_purpose():
                continue
            self._bury()
            try:
                await self._bring_up()
                failures = 0
            except (DatabaseError, OSError) as error:
                failures += 1
                _log.error("the database server does not come up: %s", error)
                await asyncio.sleep(min(_BACK_OFF_S_MAX, 0.5 * 2.0**failures))

    async def _bring_up(self) -> None:
        """Observe, decide, act until the server answers."""
        clock = asyncio.get_running_loop()
        deadline_s = clock.time() + START_DEADLINE_S
        while self._wanted and not await self._answers():
            if clock.time() > deadline_s:
                raise self._failure(f"did not answer within {START_DEADLINE_S:.0f} s ({self._trouble})")
            if self._take_lock():
                await asyncio.to_thread(self._act)
            await asyncio.sleep(_POLL_S)

    def _act(self) -> None:
        """Do the next thing a server needs that does not answer: nothing while it starts, else start it."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            by_signal = self._child.returncode < 0
            self._child = None
            if not by_signal and not _PASSING.search(log_lines(self.cluster.log, self._log_start_bytes)):
                raise self._failure("did not start")
        if running_postmaster(self.cluster.data) is None:
            prepare(self.cluster)
            if not self._wanted:
                return
            self._log_start_bytes = self.cluster.log.stat().st_size if self.cluster.log.exists() else 0
            self._child = spawn(self.cluster)

    def _stopped_on_purpose(self) -> bool:
        # Who stops a server leaves no lock file of PostgreSQL's behind; guests do not bring it back.
        return not self._wanted or (not self.owned and self.pid is None)

    def _bury(self) -> None:
        said = log_lines(self.cluster.log, self._log_start_bytes, count=3)
        self._child = None
        self.restart_count += 1
        _log.error("the database server has died, restart %d; it last said: %s", self.restart_count, said)

    def _failure(self, what: str) -> DatabaseUnavailableError:
        said = log_lines(self.cluster.log, self._log_start_bytes)
        return DatabaseUnavailableError(
            f"the database server in {self.cluster.home} {what}: {explain(said)}.\n"
            f"Last lines of {self.cluster.log}:\n{said or '(nothing)'}"
        )

    async def _answers(self) -> bool:
        """Tell whether the server serves the product's database; a passing trouble is kept for the message."""
        if postmaster_pid(self.cluster.data) is None:
            return False
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=_ANSWER_TIMEOUT_S, command_timeout=60.0)
        except asyncpg.InvalidPasswordError as error:
            raise DatabaseUnavailableError(
                f"the server in {self.cluster.home} refuses the password in {ADMIN}.password beside its data; "
                "restore that file, or set it anew with ALTER ROLE in single-user mode"
            ) from error
        except _TROUBLE as error:
            self._trouble = str(error)
            return False
        try:
            return await self._provide_database(connection)
        except _TROUBLE as error:
            self._trouble = str(error)
            return False
        except asyncpg.PostgresError as error:
            raise DatabaseUnavailableError(
                f"the product's database could not be made in {self.cluster.home}: {error}"
            ) from error
        finally:
            connection.terminate()

    async def _provide_database(self, connection: Connection) -> bool:
        """Make the product's role and database unless they exist: no superuser works on the plant's data."""
        has_role = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", OWNER)
        has_database = await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", OWNER)
        if not self._take_lock():
            return bool(has_database)
        if not has_role:
            password = (self.cluster.home / f"{OWNER}.password").read_text("ascii").strip()
            await connection.execute(f"CREATE ROLE {OWNER} LOGIN PASSWORD '{password}'")
        if not has_database:
            await connection.execute(f"CREATE DATABASE {OWNER} OWNER {OWNER}")
        return True

    def _alive(self) -> bool:
        if self._child is not None:
            with suppress(OSError):
                trim_log(self.cluster.log)
            return self._child.poll() is None
        pid = self.pid
        return pid is not None and process_state(pid) is ProcessState.RUNNING

    async def _signal_and_wait(self, kind: signal.Signals, patience_s: float) -> bool:
        pid = self._child.pid if self._child is not None else running_postmaster(self.cluster.data)
        if pid is None or not self._alive():
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, kind)
        clock = asyncio.get_running_loop()
        deadline_s = clock.time() + patience_s
        while self._alive():
            if clock.time() > deadline_s:
                return False
            await asyncio.sleep(_POLL_S)
        return True

    def _take_lock(self) -> bool:
        if self._lock is None:
            handle = os.open(self.cluster.home / "owner.lock", os.O_CREAT | os.O_RDWR, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
            else:
                self._lock = handle
        return self._lock is not None

    def _release(self) -> None:
        self._child = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
