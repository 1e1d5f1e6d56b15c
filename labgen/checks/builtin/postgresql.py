"""How checks talk SQL: as the superuser on a node's own socket, or as the application over the network."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labgen.checks.context import Answers, Context, Unknown
from labgen.components.manifest import SqlClientRole
from labgen.lab.model import Lab, Node

PSQL = "psql -XAtq -v ON_ERROR_STOP=1"
SOCKET = '"$(sed -n 5p /var/lib/postgresql/*/*/postmaster.pid 2>/dev/null)"'
"""The directory of the first socket, as PostgreSQL writes it down; nothing, psql's own, while it does not run."""
WHERE = "select host(inet_server_addr()), pg_is_in_recovery()"
NO_APPLICATION = "the lab has no application user to log in as"
"""Components whose nodes have psql."""
POLLS = 100
"""How often a replica is asked for the new row, 0.2 s apart, before it counts as not having it."""


@dataclass(frozen=True)
class Application:
    """The user and database that a lab makes for an application."""

    user: str
    database: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Server:
    """Which PostgreSQL answered, and whether it takes writes."""

    address: str
    writable: bool


@dataclass(frozen=True)
class SqlEndpoint:
    """A way in for SQL, by whatever stands there, for the application's user."""

    context: Context
    host: str
    port: int

    def ask(self, sources: Iterable[Node], *statements: str) -> Answers:
        """Run STATEMENTS through this door from each of SOURCES."""
        app = application(self.context.lab, self.context.secrets)
        command = remote_sql(self.host, self.port, app.user, app.database)
        return self.context.each(sources, command, password_and(app.password, *statements))

    def write(self, source: Node, replicas: Sequence[Node]) -> tuple[Answers, str]:
        """Write a row into a table of its own, have every replica look for it, and take the table away again.

        Returns what the REPLICAS show, with the faults on the way, and the value that they should.
        """
        table, value = f"labgen_check_{secrets.token_hex(6)}", secrets.token_hex(8)
        insert = f"insert into {table} values ('{value}')"  # noqa: S608  both are random hex digits
        written = self.ask([source], f"create table {table} (value text)", insert)
        shown = Answers()
        if written.outputs:
            database = application(self.context.lab, self.context.secrets).database
            look = local_sql(f"select value from {table}", database)  # noqa: S608
            poll = f'for try in $(seq {POLLS}); do seen=$({look} 2>&1) && break; sleep 0.2; done; echo "$seen"'
            shown = self.context.each(replicas, poll)
        dropped = self.ask([source], f"drop table if exists {table}")
        return shown.joined(written, dropped), value


def application(lab: Lab, secrets: Mapping[str, Mapping[str, str]]) -> Application:
    """LAB's application user; raises Unknown if it has none."""
    password = secrets.get("patroni", {}).get("app_password")
    if password is None:
        raise Unknown(NO_APPLICATION)
    return Application(*login(lab), password)


def login(lab: Lab) -> tuple[str, str]:
    """The user and the database of LAB's application; raises Unknown if it has none."""
    nodes = lab.nodes_with("patroni")
    if not nodes:
        raise Unknown(NO_APPLICATION)
    settings = nodes[0].settings["patroni"]
    return str(settings["app_user"]), str(settings["app_database"])


def clients(lab: Lab, but: Node) -> tuple[Node, ...]:
    """The nodes of LAB that have psql, BUT aside: over loopback it would get an answer whatever the network thinks."""
    return tuple(node for node in lab.nodes if node.name != but.name and any(lab.roles_on(node, SqlClientRole)))


def parse_server(text: str) -> Server:
    """The answer to WHERE as `psql -At` prints it: `192.168.60.11|f`."""
    for line in text.splitlines():
        address, bar, recovery = line.strip().partition("|")
        if bar and recovery in ("t", "f"):
            return Server(address, recovery == "f")
    raise Unknown(f"the server says {text.strip()[:80]!r} instead of who it is")


def name_of(address: str, lab: Lab) -> str:
    """The node that has ADDRESS, or the address itself."""
    return next((node.name for node in lab.nodes if node.address == address), address)


def judge_route(source: str, server: Server, leader: Node, lab: Lab) -> list[str]:
    """What is wrong with the SERVER that a door led SOURCE to, if it should lead to LEADER."""
    if server.address != leader.address:
        return [f"from {source} it leads to {name_of(server.address, lab)}, not to the leader {leader.name}"]
    return [] if server.writable else [f"from {source} it leads to {leader.name}, which takes no writes"]


def judge_replicas(seen: Mapping[str, str], value: str, through: str) -> list[str]:
    """Which replicas (name → what they show) lack VALUE, which was written THROUGH something."""
    return [
        f"{node} does not show the row written through {through}"
        for node, text in seen.items()
        if value not in text.split()
    ]


def local_sql(query: str, database: str = "postgres") -> str:
    """A command that runs QUERY as the superuser on the node's own PostgreSQL, by its socket, wherever it has that."""
    return f"runuser -u postgres -- {PSQL} -h {SOCKET} -d {shlex.quote(database)} -c {shlex.quote(query)}"


def remote_sql(host: str, port: int, user: str, database: str, *, timeout: int = 10) -> str:
    """A command that runs the SQL on its standard input at HOST:PORT.

    The first line of its standard input is the password: it reaches psql through the environment, which only root can
    read, and stands in no argument list and in no file.
    """
    where = f"-h {shlex.quote(host)} -p {port} -U {shlex.quote(user)} -d {shlex.quote(database)}"
    return f"IFS= read -r PGPASSWORD; export PGPASSWORD PGCONNECT_TIMEOUT={timeout}; {PSQL} {where}"


def password_and(password: str, *statements: str) -> str:
    """The standard input for `remote_sql`."""
    return "\n".join([password, *(f"{statement};" for statement in statements)]) + "\n"
