"""The operating system account the server runs as.

PostgreSQL refuses to run as root. Started as root, the server therefore gets an account of its own;
started as anybody else, it runs as that user. Permissions of folders that are not ours stay as they are:
a place the account cannot reach is not used.
"""

import grp
import logging
import os
import pwd
import shutil
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cellwright.errors import ConfigurationError, DatabaseUnavailableError

SERVICE_NAME: Final = "cellwright"
_SYSTEM_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its group; `drops` says that root must become it before running anything."""

    name: str
    uid: int
    gid: int
    drops: bool

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the account may pass through a folder and everything above it."""
        folder = folder.resolve()
        return all(self._may_search(place.stat()) for place in (folder, *folder.parents))

    def _may_search(self, place: os.stat_result) -> bool:
        if self.uid == 0 or not self.drops:
            return True
        if place.st_uid == self.uid:
            return bool(place.st_mode & stat.S_IXUSR)
        if place.st_gid == self.gid:
            return bool(place.st_mode & stat.S_IXGRP)
        return bool(place.st_mode & stat.S_IXOTH)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as this account with a bare environment; return code 126 means that it could not be run."""
        try:
            return subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                errors="replace",
                cwd="/",
                env=bare_environment(),
                user=self.uid if self.drops else None,
                group=self.gid if self.drops else None,
                extra_groups=[] if self.drops else None,
                umask=0o077,
            )
        except OSError as error:
            return subprocess.CompletedProcess(command, returncode=126, stdout="", stderr=str(error))


def bare_environment() -> dict[str, str]:
    """Return the environment for server programs: nothing of the caller's, no PG* variables."""
    return {"PATH": _SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC"}


def current_account() -> Account:
    """Return the account of this process."""
    return Account(name=_user_name(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), drops=False)


def account_of_owner(uid: int) -> Account:
    """Return the account that owns existing data, which is the one that must serve them."""
    if uid == 0:
        raise DatabaseUnavailableError(
            "the data directory belongs to root, and PostgreSQL does not run as root; "
            "give it to the account that shall run the server (chown -R ACCOUNT DIRECTORY)"
        )
    if os.geteuid() not in {0, uid}:
        raise DatabaseUnavailableError(
            f"the data directory belongs to {_user_name(uid)}, this process runs as {_user_name(os.geteuid())}; "
            f"start it as root or as {_user_name(uid)}"
        )
    try:
        return _account(pwd.getpwuid(uid))
    except KeyError:
        return Account(name=str(uid), uid=uid, gid=uid if os.geteuid() == 0 else os.getegid(), drops=os.geteuid() == 0)


def server_account(user: str | None) -> Account:
    """Return the account for a new server: this user, or for root the named or the service account."""
    if os.geteuid() != 0:
        return _own_account(user)
    if user is not None:
        return _named_account(user)
    return _service_account()


def _own_account(user: str | None) -> Account:
    uid = os.geteuid()
    if user is not None and user != _user_name(uid):
        raise ConfigurationError(
            [f"database user {user}: only root may choose it; leave it out to run as {_user_name(uid)}"]
        )
    return current_account()


def _named_account(user: str) -> Account:
    entry = _look_up(user)
    if entry is None:
        raise ConfigurationError(
            [f"database user {user}: no such account; create it (useradd --system {user}) or leave it out"]
        )
    if entry.pw_uid == 0:
        raise ConfigurationError([f"database user {user}: PostgreSQL does not run as root; name another account"])
    return _account(entry)


def _service_account() -> Account:
    """Return the service account, made when it is missing, else another harmless one."""
    for name in (SERVICE_NAME, "postgres", "nobody"):
        entry = _create_service_account() if name == SERVICE_NAME else _look_up(name)
        if entry is not None:
            return _account(entry)
        _log.warning("no account %s for the database server, trying the next", name)
    raise DatabaseUnavailableError(
        "PostgreSQL does not run as root and no account for it was found (cellwright, postgres, nobody); "
        "create one: useradd --system cellwright"
    )


def _create_service_account() -> pwd.struct_passwd | None:
    entry = _look_up(SERVICE_NAME)
    useradd = shutil.which("useradd", path=_SYSTEM_PATH)
    if entry is not None or useradd is None:
        return entry
    has_group = any(group.gr_name == SERVICE_NAME for group in grp.getgrall())
    group = ["--gid", SERVICE_NAME] if has_group else ["--user-group"]
    shell = shutil.which("nologin", path=_SYSTEM_PATH) or "/bin/false"
    command = [useradd, "--system", *group, "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell]
    outcome = subprocess.run([*command, SERVICE_NAME], check=False, capture_output=True, text=True)
    if outcome.returncode == 0:
        return _look_up(SERVICE_NAME)
    _log.warning("account %s was not created: %s", SERVICE_NAME, outcome.stderr.strip())
    # Another process of ours may be creating it at this moment.
    return _look_up(SERVICE_NAME, patience_s=1.0)


def _look_up(name: str, patience_s: float = 0.0) -> pwd.struct_passwd | None:
    deadline_s = time.monotonic() + patience_s
    while True:
        with suppress(KeyError):
            return pwd.getpwnam(name)
        if time.monotonic() >= deadline_s:
            return None
        time.sleep(0.05)


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, drops=os.geteuid() == 0)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
