"""The table that clients write into: made before the load, counted after it, dropped in any case."""

from __future__ import annotations

import secrets as random
from dataclasses import dataclass, field

from labgen.checks.builtin.postgresql import application
from labgen.drill.run.context import DrillContext, DrillRecord
from labgen.errors import LabgenError
from labgen.operations import Patroni, leader_of

PREFIX = "labgen_drill_"
AT_ONCE = 1000
"""Ids in one line of the log."""
DROP_OLD_TABLES = (
    "do $$ declare old text; begin for old in "  # noqa: S608 - the name is the line above
    f"select format('%I.%I', schemaname, tablename) from pg_tables where tablename ~ '^{PREFIX}[0-9a-f]{{8}}$' "
    "loop execute 'drop table ' || old; end loop; end $$"
)


@dataclass(frozen=True)
class RowTable:
    """A table of a drill's own in the application's database."""

    context: DrillContext
    patroni: Patroni
    name: str = field(default_factory=lambda: f"{PREFIX}{random.token_hex(4)}")

    def make(self, leader: str) -> None:
        owner = application(self.context.lab, self.context.secrets).user
        # One drill runs at a time: a table that is there is of one whose labgen was killed.
        self.context.sql(leader, DROP_OLD_TABLES)
        self.context.sql(
            leader, f"create table {self.name} (id text primary key); alter table {self.name} owner to {owner}"
        )

    def count(self, record: DrillRecord) -> None:
        """The ids of all rows, into the log."""
        ids = self.context.sql(self._leader(), f"select id from {self.name} order by id").split()  # noqa: S608 - see PREFIX
        for at in range(0, max(len(ids), 1), AT_ONCE):
            record.log.add("rows", ids=ids[at : at + AT_ONCE])

    def drop(self) -> None:
        """Drop it, if that can be: the next drill does it otherwise."""
        try:
            self.context.sql(self._leader(), f"drop table if exists {self.name}")
        except LabgenError as why:
            self.context.progress(f"the table {self.name} could not be dropped: {why.what}")

    def _leader(self) -> str:
        return leader_of(self.patroni.view(), self.context.lab.name).name
