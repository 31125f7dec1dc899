import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from cellwright.database.binaries import Installation, Place
from cellwright.database.cluster import ADMIN, OWNER
from cellwright.database.opening import open_database
from cellwright.database.pool import connect
from cellwright.database.processes import ProcessState, process_state, running_postmaster, spawn
from cellwright.database.server import EmbeddedServer
from cellwright.errors import DatabaseUnavailableError
from cellwright.testing.database import installations, open_folder

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as another account")
needs_two = pytest.mark.skipif(len(installations()) < 2, reason="needs two versions of PostgreSQL")

# A supervisor in a process of its own: it starts the server, says its process id, and waits to be killed.
OTHER_PROCESS = """
import asyncio, sys
from pathlib import Path
from cellwright.database.server import EmbeddedServer

async def main():
    server = EmbeddedServer(Path(sys.argv[1]))
    await server.start()
    if sys.argv[2] == "forget":
        child = server._child
        server._release()
        print(child.pid, flush=True)
    else:
        print(server.pid, flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


@pytest.fixture
def empty() -> Iterator[Path]:
    folder = open_folder(in_memory=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A stopped server that was never used: copying it is quicker than making another."""
    folder = open_folder(in_memory=True)
    server = EmbeddedServer(folder)
    asyncio.run(server.start())
    asyncio.run(server.stop())
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def base(empty: Path, pristine: Path) -> Path:
    subprocess.run(["cp", "-a", f"{pristine}/.", str(empty)], check=True)
    return empty


@pytest.fixture(params=installations(), ids=lambda found: f"pg{found.major}")
def programs(request: pytest.FixtureRequest) -> Installation:
    found: Installation = request.param
    return found


@asynccontextmanager
async def watched(server: EmbeddedServer) -> AsyncIterator[EmbeddedServer]:
    async with server:
        watch = asyncio.create_task(server.supervise())
        yield server
    await watch


@asynccontextmanager
async def other_process(base: Path, manner: str) -> AsyncIterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", OTHER_PROCESS, str(base), manner]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        pid = int(await asyncio.to_thread(process.stdout.readline))
        try:
            yield process, pid
        finally:
            process.kill()


async def query(url: str, statement: str) -> object:
    connection = await connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def answer_after_a_kill(url: str) -> object:
    """Ask until the server is back."""
    while True:
        try:
            return await query(url, "SELECT sum(value)::int FROM kept")
        except (DatabaseUnavailableError, asyncpg.PostgresError, OSError):
            await asyncio.sleep(0.05)


def server_pid(server: EmbeddedServer) -> int:
    pid = server.pid
    assert pid is not None
    return pid


def is_running(pid: int) -> bool:
    return process_state(pid) is ProcessState.RUNNING


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.02)


async def until_dead(pid: int) -> None:
    await until(lambda: not is_running(pid))


async def test_data_are_there_after_a_stop_and_a_start(empty: Path, programs: Installation) -> None:
    async with EmbeddedServer(empty, installation=programs) as server:
        await query(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
        pid = server_pid(server)
        assert await query(server.url, "SHOW data_checksums") == "on"
        assert await query(server.url, "SELECT 'a' < 'B' COLLATE \"default\"") is False
    assert not is_running(pid)
    async with EmbeddedServer(empty, installation=programs) as server:
        assert await query(server.url, "SELECT sum(value)::int FROM kept") == 42


async def test_the_product_works_without_superuser_rights(empty: Path, programs: Installation) -> None:
    async with EmbeddedServer(empty, installation=programs) as server:
        assert await query(server.url, "SELECT current_user || ' ' || current_database()") == f"{OWNER} {OWNER}"
        assert await query(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert await query(server.url, "CREATE EXTENSION btree_gist") is None
        connection = await connect(server.url)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")
        await connection.close()


async def test_nothing_listens_on_the_network_and_nobody_is_trusted(empty: Path, programs: Installation) -> None:
    async with EmbeddedServer(empty, installation=programs) as server:
        assert await query(server.url, "SHOW listen_addresses") == ""
        opened = {str(handle.readlink()) for handle in Path("/proc", str(server.pid), "fd").iterdir()}
        for table in ("tcp", "tcp6"):
            path = Path("/proc/net", table)
            rows = path.read_text("ascii").splitlines()[1:] if path.exists() else []
            assert not opened & {f"socket:[{row.split()[9]}]" for row in rows}
        sockets = server.cluster.sockets
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        for role in (ADMIN, OWNER):
            assert stat.S_IMODE((server.cluster.home / f"{role}.password").stat().st_mode) == 0o600
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(host=str(sockets), port=5432, user=role, password=role, database=OWNER)


async def test_permissions_of_other_folders_stay(empty: Path) -> None:
    inside = empty / "a" / "b"
    inside.mkdir(parents=True)

    def permissions() -> list[tuple[int, int, int]]:
        states = [folder.stat() for folder in (inside, *inside.parents)]
        return [(state.st_mode, state.st_uid, state.st_gid) for state in states]

    before = permissions()
    async with EmbeddedServer(inside):
        assert permissions() == before
    assert permissions() == before


async def test_a_killed_server_is_restarted_and_keeps_its_data(empty: Path, programs: Installation) -> None:
    async with watched(EmbeddedServer(empty, installation=programs)) as server:
        await query(server.url, "CREATE TABLE kept AS SELECT 7 AS value")
        for count in (1, 2):
            pid = server_pid(server)
            os.kill(pid, signal.SIGKILL)
            await until_dead(pid)
            assert await asyncio.wait_for(answer_after_a_kill(server.url), 20) == 7
            # A death while still coming up belongs to the same restart.
            assert 1 <= server.restart_count <= count
            assert server.pid != pid
            assert process_state(pid) is ProcessState.GONE


async def test_a_start_after_a_kill_without_a_supervisor(base: Path) -> None:
    async with EmbeddedServer(base) as server:
        await query(server.url, "CREATE TABLE kept AS SELECT 7 AS value")
        os.kill(server_pid(server), signal.SIGKILL)
        await until_dead(server_pid(server))
    async with EmbeddedServer(base) as server:
        assert await query(server.url, "SELECT sum(value)::int FROM kept") == 7


async def test_a_dead_child_nobody_collected_is_reaped(base: Path) -> None:
    async with EmbeddedServer(base) as server:
        found = server.cluster
    child = spawn(found)
    await until((found.data / "postmaster.pid").exists)
    child.kill()
    await until(lambda: process_state(child.pid) is ProcessState.ZOMBIE)
    assert running_postmaster(found.data) is None
    assert process_state(child.pid) is ProcessState.GONE
    child.wait()
    async with EmbeddedServer(base) as server:
        assert await query(server.url, "SELECT 1") == 1


async def test_a_zombie_of_another_process_does_not_prevent_a_start(base: Path) -> None:
    async with other_process(base, "forget") as (_, pid):
        os.kill(pid, signal.SIGKILL)
        await until(lambda: process_state(pid) is ProcessState.ZOMBIE)
        async with EmbeddedServer(base) as server:
            assert server.owned
            assert server.pid != pid
            assert process_state(pid) is ProcessState.ZOMBIE


async def test_the_server_of_a_killed_supervisor_is_adopted(base: Path) -> None:
    async with other_process(base, "own") as (process, pid):
        process.kill()
        process.wait()
        assert is_running(pid)
        async with watched(EmbeddedServer(base)) as server:
            assert server.owned
            assert server.pid == pid
            await query(server.url, "CREATE TABLE kept AS SELECT 3 AS value")
            os.kill(pid, signal.SIGKILL)
            await until_dead(pid)
            assert await asyncio.wait_for(answer_after_a_kill(server.url), 20) == 3
        assert server.restart_count == 1


async def test_an_adopted_server_is_stopped_by_its_new_owner(base: Path) -> None:
    async with other_process(base, "own") as (process, pid):
        process.kill()
        process.wait()
        async with EmbeddedServer(base) as server:
            assert server.pid == pid
        assert not is_running(pid)


async def test_a_second_process_attaches_and_leaves_the_server_running(base: Path) -> None:
    async with EmbeddedServer(base) as owner:
        async with watched(EmbeddedServer(base)) as guest:
            assert not guest.owned
            assert guest.url == owner.url
            with pytest.raises(DatabaseUnavailableError, match="in use by another process"):
                await guest.erase()
        assert await query(owner.url, "SELECT 1") == 1


async def test_a_guest_does_not_bring_back_what_the_owner_stopped(base: Path) -> None:
    owner = EmbeddedServer(base)
    await owner.start()
    async with watched(EmbeddedServer(base)) as guest:
        await owner.stop()
        await asyncio.sleep(0.6)
        assert guest.pid is None
        assert guest.restart_count == 0


async def test_a_guest_takes_over_when_owner_and_server_are_killed(base: Path) -> None:
    async with other_process(base, "own") as (process, pid), watched(EmbeddedServer(base)) as guest:
        await query(guest.url, "CREATE TABLE kept AS SELECT 5 AS value")
        assert not guest.owned
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
        assert await asyncio.wait_for(answer_after_a_kill(guest.url), 20) == 5
        assert guest.owned


async def test_a_password_file_that_does_not_fit_is_named(base: Path) -> None:
    async with EmbeddedServer(base) as owner:
        path = owner.cluster.home / f"{ADMIN}.password"
        right = path.read_text("ascii")
        path.write_text("wrong\n", "ascii")
        with pytest.raises(DatabaseUnavailableError, match=r"refuses the password in postgres\.password"):
            await EmbeddedServer(base).start()
        path.write_text(right, "ascii")


async def test_a_wrong_setting_is_quoted_with_advice(base: Path) -> None:
    async with EmbeddedServer(base) as server:
        home = server.cluster.home
    (home / "local.conf").write_text("nonsense = 1\n", "ascii")
    with pytest.raises(DatabaseUnavailableError, match=r"(?s)a setting is wrong: mend local\.conf.*\"nonsense\""):
        await EmbeddedServer(base).start()
    (home / "local.conf").write_text("work_mem = 3MB\n", "ascii")
    async with EmbeddedServer(base) as server:
        assert await query(server.url, "SHOW work_mem") == "3MB"


async def test_a_broken_first_start_is_begun_again(empty: Path) -> None:
    home = empty / "database"
    (home / "data.draft").mkdir(parents=True)
    (home / "data.draft" / "half").write_text("made", "ascii")
    async with EmbeddedServer(empty) as server:
        assert not (server.cluster.home / "data.draft").exists()


async def test_a_data_directory_without_a_version_is_not_overwritten(base: Path) -> None:
    async with EmbeddedServer(base) as server:
        data = server.cluster.data
    (data / "PG_VERSION").unlink()
    with pytest.raises(DatabaseUnavailableError, match="not a PostgreSQL data directory"):
        await EmbeddedServer(base).start()


@needs_two
async def test_data_of_another_version_are_refused_or_get_their_own_programs(empty: Path) -> None:
    preferred, other = installations()[:2]
    async with EmbeddedServer(empty, installation=other):
        pass
    with pytest.raises(DatabaseUnavailableError, match=f"made by PostgreSQL {other.major}"):
        await EmbeddedServer(empty, installation=preferred).start()
    async with EmbeddedServer(empty) as server:
        assert server.cluster.installation.major == other.major


async def test_a_long_path_gets_a_short_socket(empty: Path) -> None:
    deep = empty / ("long, and with a comma " * 4).strip() / "plant"
    async with EmbeddedServer(deep) as server:
        assert not server.cluster.sockets.is_relative_to(empty)
        assert await query(server.url, "SELECT 1") == 1
        async with EmbeddedServer(deep) as guest:
            assert guest.url == server.url
        await server.erase()
    assert not server.cluster.sockets.exists()


async def test_a_socket_folder_of_somebody_else_is_refused(empty: Path) -> None:
    deep = empty / ("x" * 100)
    async with EmbeddedServer(deep) as server:
        sockets = server.cluster.sockets
    shutil.rmtree(sockets)
    sockets.symlink_to(empty)
    try:
        with pytest.raises(DatabaseUnavailableError, match="does not belong to"):
            await EmbeddedServer(deep).start()
    finally:
        sockets.unlink()


async def test_erase_removes_everything(empty: Path) -> None:
    server = EmbeddedServer(empty)
    await server.start()
    await query(server.url, "CREATE TABLE kept AS SELECT 1 AS value")
    await server.erase()
    assert list(empty.iterdir()) == []
    async with EmbeddedServer(empty) as again:
        assert await query(again.url, "SELECT to_regclass('kept')") is None


async def test_erasing_a_watched_server_does_not_wake_it(base: Path) -> None:
    async with await open_database(base, None) as database:
        assert database.server is not None
        for _ in range(3):
            await database.server.stop()
            await asyncio.sleep(0.3)
            assert database.server.pid is None
        await database.server.erase()
        assert database.server.restart_count == 0
    assert list(base.iterdir()) == []


async def test_opening_without_an_address_starts_watches_and_stops_the_embedded_server(base: Path) -> None:
    async with await open_database(base, None) as database:
        assert database.server is not None
        pid = server_pid(database.server)
        await query(database.url, "CREATE TABLE kept AS SELECT 9 AS value")
        os.kill(pid, signal.SIGKILL)
        await until_dead(pid)
        assert await asyncio.wait_for(answer_after_a_kill(database.url), 20) == 9
        pid = server_pid(database.server)
    assert not is_running(pid)


async def test_a_base_that_is_a_file_is_refused(empty: Path) -> None:
    (empty / "file").write_text("", "ascii")
    with pytest.raises(DatabaseUnavailableError, match="cannot be used"):
        await EmbeddedServer(empty / "file").start()


def test_an_unstarted_server_has_no_address(empty: Path) -> None:
    with pytest.raises(DatabaseUnavailableError, match="not started"):
        _ = EmbeddedServer(empty).url


@needs_root
async def test_the_server_does_not_run_as_root(base: Path) -> None:
    async with EmbeddedServer(base) as server:
        owner = Path("/proc", str(server.pid)).stat().st_uid
        assert owner == server.cluster.account.uid != 0
        groups = Path("/proc", str(server.pid), "status").read_text("ascii")
        assert "Groups:\t \n" in groups


@needs_root
async def test_a_full_disk_is_survived_without_a_human_once_space_is_back(empty: Path) -> None:
    mounted = subprocess.run(  # noqa: ASYNC221 - takes a millisecond
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", str(empty)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        async with watched(EmbeddedServer(empty)) as server:
            await query(server.url, "CREATE TABLE kept AS SELECT 6 AS value")
            ballast = empty / "ballast"
            with suppress(OSError):
                ballast.write_bytes(bytes(200 * 1024**2))
            with pytest.raises((asyncpg.PostgresError, OSError, DatabaseUnavailableError)):
                await query(server.url, "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
            os.kill(server_pid(server), signal.SIGKILL)
            await asyncio.sleep(1)
            ballast.unlink()
            assert await asyncio.wait_for(answer_after_a_kill(server.url), 30) == 6
    finally:
        subprocess.run(["umount", "--lazy", str(empty)], check=True)  # noqa: ASYNC221 - what was killed may still be leaving


@needs_root
async def test_programs_out_of_reach_are_copied_beside_the_data(empty: Path, tmp_path: Path) -> None:
    found = installations()[0]
    if not found.place.trees:
        pytest.skip("the preferred programs are the system's")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    common = found.place.trees[0].parent.parent
    trees = tuple(closed / tree.relative_to(common) for tree in found.place.trees)
    for origin, copy in zip(found.place.trees, trees, strict=True):
        shutil.copytree(origin, copy)
    hidden = Installation(Place("hidden", closed / found.place.programs.relative_to(common), trees), found.version)
    async with EmbeddedServer(empty, installation=hidden) as server:
        assert server.cluster.installation.place.programs.is_relative_to(server.cluster.home)
        assert await query(server.url, "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
async def test_a_base_closed_to_the_account_gets_an_open_place(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with EmbeddedServer(closed) as server:
        home = server.cluster.home
        assert not home.is_relative_to(tmp_path)
        assert (closed / "database.location").read_text("utf-8").strip() == str(home)
        assert await query(server.url, "CREATE TABLE kept AS SELECT 1 AS value") is None
    async with EmbeddedServer(closed) as server:
        assert server.cluster.home == home
        assert await query(server.url, "SELECT sum(value)::int FROM kept") == 1
        await server.erase()
    assert not home.exists()
    assert list(closed.iterdir()) == []
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
async def test_a_lost_open_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "database.location").write_text("/no/such/place\n", "ascii")
    with pytest.raises(DatabaseUnavailableError, match="/no/such/place, which does not exist"):
        await EmbeddedServer(tmp_path).start()
