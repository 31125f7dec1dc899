import os
from pathlib import Path

import pytest

from cellwright.database.accounts import account_of_owner, current_account, server_account
from cellwright.database.binaries import Installation, Place
from cellwright.database.cluster import Cluster, explain, render_settings
from cellwright.database.processes import ProcessState, log_lines, postmaster_pid, process_state, running_postmaster
from cellwright.errors import ConfigurationError, DatabaseUnavailableError

MIB = 1024**2
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may choose another account")
needs_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may choose another account")


def cluster(home: Path) -> Cluster:
    programs = Installation(Place("test", Path("/programs")), "18.6")
    return Cluster(home, current_account(), programs, home / "run")


@pytest.mark.parametrize(
    ("memory_mib", "expected"),
    [(128, "32MB"), (4096, "491MB"), (16384, "1966MB"), (262144, "2048MB")],
)
def test_shared_buffers_are_12_percent_within_bounds(tmp_path: Path, memory_mib: int, expected: str) -> None:
    settings = render_settings(cluster(tmp_path), memory_bytes=memory_mib * MIB)
    assert f"shared_buffers = '{expected}'" in settings


def test_the_server_is_told_to_be_durable_and_to_keep_off_the_network(tmp_path: Path) -> None:
    settings = render_settings(cluster(tmp_path), memory_bytes=4096 * MIB).splitlines()
    for line in (
        "listen_addresses = ''",
        "fsync = 'on'",
        "synchronous_commit = 'on'",
        "full_page_writes = 'on'",
        "max_wal_size = '4GB'",
        "wal_compression = 'pglz'",
        "jit = 'off'",
    ):
        assert line in settings
    assert settings[-1] == "include 'local.conf'"


def test_a_folder_with_a_quote_in_its_name_stays_one_setting(tmp_path: Path) -> None:
    settings = render_settings(cluster(tmp_path / "o'plant"), memory_bytes=4096 * MIB)
    assert f"unix_socket_directories = '{tmp_path}/o''plant/run'" in settings


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "disk is full"),
        ("FATAL:  database files are incompatible with server", "different versions"),
        ('FATAL:  could not open file "global/pg_control": Permission denied', "give them back"),
        ('FATAL:  could not create lock file "x": Read-only file system', "read-only"),
        ("FATAL:  could not create shared memory segment: Cannot allocate memory", "too little memory"),
        ('FATAL:  lock file "postmaster.pid" already exists', "another server"),
        ("FATAL:  could not create any Unix-domain sockets", "socket folder"),
        ("PANIC:  could not locate a valid checkpoint record", "restore the last backup"),
        ('LOG:  unrecognized configuration parameter "nonsense"', "local.conf"),
        ("something never seen", "the log says why"),
    ],
)
def test_each_failure_gets_its_advice(said: str, advice: str) -> None:
    assert advice in explain(said)


def test_the_last_lines_of_this_start_are_quoted_not_older_ones(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("old\n", "ascii")
    since_bytes = log.stat().st_size
    with log.open("a", encoding="ascii") as file:
        file.writelines(f"line {number}\n" for number in range(20))
    lines = log_lines(log, since_bytes, count=3).splitlines()
    assert lines == ["line 17", "line 18", "line 19"]
    assert log_lines(tmp_path / "none", 0) == ""


def test_process_states_of_self_and_of_nobody() -> None:
    assert process_state(os.getpid()) is ProcessState.RUNNING
    assert process_state(2**22 + 1) is ProcessState.GONE


@pytest.mark.parametrize("text", ["", "not a number\n"])
def test_a_broken_lock_file_names_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / "postmaster.pid").write_text(text, "ascii")
    assert postmaster_pid(tmp_path) is None


def test_a_lock_file_with_the_number_of_a_stranger_is_cleared(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{tmp_path}\n", "utf-8")
    assert running_postmaster(tmp_path) is None
    assert not lock.exists()


def test_no_lock_file_means_no_server(tmp_path: Path) -> None:
    assert running_postmaster(tmp_path) is None


@needs_root
def test_root_gets_another_account_and_may_name_it() -> None:
    assert server_account(None).uid != 0
    assert server_account("nobody").name == "nobody"


@needs_root
@pytest.mark.parametrize("name", ["root", "no-such-account"])
def test_an_account_that_cannot_serve_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        server_account(name)


@needs_root
def test_data_of_root_are_refused() -> None:
    with pytest.raises(DatabaseUnavailableError, match="belongs to root"):
        account_of_owner(0)


@needs_user
def test_a_user_runs_the_server_as_itself_only() -> None:
    assert server_account(None) == current_account()
    with pytest.raises(ConfigurationError, match="only root"):
        server_account("somebody-else")


@needs_root
def test_a_closed_folder_keeps_the_account_out(tmp_path: Path) -> None:
    account = server_account("nobody")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not account.can_enter(closed)
    assert account.can_enter(Path("/"))
