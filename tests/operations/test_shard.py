"""`campaigns shard`: the plan against the schema there is; Citus itself is not needed for that."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import Database
from app.operations.shard.apply import distribute_tables, plan_statements
from app.operations.shard.catalogue import Catalogue, ForeignKey, Table, read_catalogue
from app.operations.shard.plan import LOCAL, OF_THE_DEPLOYMENT, Unshardable, plan_distribution
from app.tables import metadata
from tests.cli.commands import make_environment, read_complaint, run

CREATE = re.compile(r"SELECT create_(?:distributed|reference)_table\('(\w+)'")
STAYS = Catalogue("campaigns", (Table("alembic_version", has_school=False),), ())


async def read(database: Database) -> Catalogue:
    async with database.connection() as connection:
        return await read_catalogue(connection)


async def test_every_table_is_in_the_plan_once_and_after_what_it_needs(database: Database) -> None:
    statements = await plan_statements(database)
    created = [match[1] for each in statements if (match := CREATE.match(each))]
    assert sorted(created) == sorted(metadata.tables)
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            target = key.column.table.name
            if target != table.name:
                assert created.index(target) < created.index(table.name)
    together = {match[1] for each in statements if (match := re.search(r"colocate_with => '(\w+)'", each))}
    first = next(name for name in created if name not in OF_THE_DEPLOYMENT)
    assert together == {"none", first}
    references = [each for each in statements if "create_reference_table" in each]
    assert len(references) == len(OF_THE_DEPLOYMENT)


async def test_foreign_keys_are_dropped_before_and_come_back_as_they_were(database: Database) -> None:
    statements = await plan_statements(database)
    catalogue = await read(database)
    places = [number for number, each in enumerate(statements) if CREATE.match(each)]
    dropped = {each.split()[-1].strip('"') for each in statements[: places[0]] if " DROP CONSTRAINT " in each}
    added = [each for each in statements[places[-1] :] if " ADD CONSTRAINT " in each]
    assert dropped == {key.name for key in catalogue.keys}
    assert len(added) == len(dropped) > 20
    async with database.connection() as connection:
        defined = text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'")
        before = sorted((await connection.execute(defined)).scalars())
        for each in (*(s for s in statements if " DROP CONSTRAINT " in s), *added):
            await connection.execute(text(each))
        assert sorted((await connection.execute(defined)).scalars()) == before
        await connection.rollback()


async def test_the_school_is_in_every_key(database: Database) -> None:
    catalogue = await read(database)
    tenants = [table for table in catalogue.tables if table.name not in {*LOCAL, *OF_THE_DEPLOYMENT}]
    assert len(tenants) > 20
    assert all(table.has_school and not table.loose_indexes for table in tenants)
    assert all(key.keeps_school or key.target == "schools" for key in catalogue.keys)


async def test_the_tenants_role_gets_its_way_to_the_nodes_at_the_end(database: Database) -> None:
    statements = await plan_statements(database)
    assert statements[-2] == "ALTER ROLE campaigns_tenant LOGIN"
    assert re.fullmatch(r"ALTER DATABASE \S+ SET citus.propagate_set_commands = 'local'", statements[-1])


async def test_what_is_distributed_stays_as_it_is(database: Database) -> None:
    catalogue = await read(database)
    everything = frozenset(table.name for table in catalogue.tables)
    assert plan_distribution(replace(catalogue, distributed=everything)) == []
    left = plan_distribution(replace(catalogue, distributed=everything - {"memberships"}))
    assert [match[1] for each in left if (match := CREATE.match(each))] == ["memberships"]
    touched = [each for each in left if "CONSTRAINT" in each]
    assert touched
    assert all(each.startswith('ALTER TABLE "memberships"') for each in touched)
    assert "colocate_with => 'none'" not in "".join(left)


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        (Table("notes", has_school=False), None, "notes has no school_id"),
        (Table("notes", has_school=True, loose_indexes=("uq_notes",)), None, "uq_notes is unique without"),
        (
            Table("notes", has_school=True),
            ForeignKey("fk_notes", "notes", "notes", "", keeps_school=False),
            "fk_notes leaves the school",
        ),
    ],
)
async def test_a_table_that_cannot_be_distributed_is_named(
    table: Table, key: ForeignKey | None, words: str
) -> None:
    catalogue = replace(STAYS, tables=(*STAYS.tables, table), keys=(key,) if key else ())
    with pytest.raises(Unshardable, match=words):
        plan_distribution(catalogue)


async def test_without_citus_it_refuses_and_changes_nothing(database: Database, settings: Settings) -> None:
    before = await read(database)
    with pytest.raises(Unshardable, match="no Citus extension"):
        await distribute_tables(database, on_step=lambda done, total, statement: None)
    assert "no Citus extension" in read_complaint("shard", environment=make_environment(settings))
    shown = run("shard", "--dry-run", environment=make_environment(settings))
    assert shown.returncode == 0
    assert shown.stdout.count("create_distributed_table") == len(metadata.tables) - len(OF_THE_DEPLOYMENT)
    assert await read(database) == before
