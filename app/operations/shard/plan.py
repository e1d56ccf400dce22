"""The statements that distribute the tables, in the order in which Citus takes them (pure).

https://docs.citusdata.com/en/stable/develop/api_udf.html
"""

from collections.abc import Iterable
from graphlib import TopologicalSorter

from app.core.db import TENANT_ROLE
from app.operations.shard.catalogue import Catalogue, ForeignKey

OF_THE_DEPLOYMENT = ("configuration_sets", "schools")
"""Small, and read beside every school's rows: each node has a copy."""
LOCAL = frozenset({"alembic_version"})
"""Read by migrations alone: stays where it is."""


class Unshardable(Exception):
    """The schema does not allow it; the message names everything in the way."""


def plan_distribution(catalogue: Catalogue) -> list[str]:
    """Return the statements, none where everything is distributed; raise Unshardable.

    Foreign keys are dropped first and added last: between a table that is distributed and one that is not
    yet they would not be allowed.
    """
    _check_schools(catalogue)
    waiting = [
        table
        for table in _sort_tables(catalogue)
        if table not in catalogue.distributed and table not in LOCAL
    ]
    if not waiting:
        return []
    keys = [key for key in catalogue.keys if {key.table, key.target} & set(waiting)]
    return [
        # https://docs.citusdata.com/en/stable/develop/api_guc.html: with copies on every node, one by one.
        "SET LOCAL citus.multi_shard_modify_mode = 'sequential'",
        *(f"ALTER TABLE {_quote(key.table)} DROP CONSTRAINT {_quote(key.name)}" for key in keys),
        *_distribute(waiting, catalogue.distributed),
        *(_add_key(key) for key in keys),
        *_open_tenants_way(catalogue.database),
    ]


def _check_schools(catalogue: Catalogue) -> None:
    tenants = {table.name for table in catalogue.tables} - LOCAL - set(OF_THE_DEPLOYMENT)
    faults = [
        f"{table.name} has no school_id"
        for table in catalogue.tables
        if table.name in tenants and not table.has_school
    ]
    faults += [
        f"{index} is unique without school_id"
        for table in catalogue.tables
        if table.name in tenants
        for index in table.loose_indexes
    ]
    faults += [
        f"{key.name} leaves the school"
        for key in catalogue.keys
        if key.target in tenants and not key.keeps_school
    ]
    if faults:
        raise Unshardable(f"The schema cannot be distributed by school: {'; '.join(faults)}.")


def _sort_tables(catalogue: Catalogue) -> list[str]:
    """Return the tables' names, each after those it refers to."""
    order: TopologicalSorter[str] = TopologicalSorter()
    for table in catalogue.tables:
        order.add(table.name)
    for key in catalogue.keys:
        if key.table != key.target:
            order.add(key.table, key.target)
    return list(order.static_order())


def _distribute(tables: Iterable[str], distributed: frozenset[str]) -> Iterable[str]:
    """Yield a statement for each table; all of a school's rows come to lie on one node."""
    first = next(iter(sorted(distributed - set(OF_THE_DEPLOYMENT))), None)
    for table in tables:
        if table in OF_THE_DEPLOYMENT:
            yield f"SELECT create_reference_table('{table}')"
        else:
            yield (
                f"SELECT create_distributed_table('{table}', 'school_id', "
                f"colocate_with => '{first or 'none'}')"
            )
            first = first or table


def _add_key(key: ForeignKey) -> str:
    return f"ALTER TABLE {_quote(key.table)} ADD CONSTRAINT {_quote(key.name)} {key.definition}"


def _open_tenants_way(database: str) -> Iterable[str]:
    """Yield what lets a tenant's transaction act as the tenant on the nodes.

    The coordinator connects to them as the role of the transaction. It has no password: let pg_hba.conf of
    the nodes take it from the coordinator alone. Only SET LOCAL travels along, `set_config()` does not.
    """
    yield f"ALTER ROLE {TENANT_ROLE} LOGIN"
    yield f"ALTER DATABASE {database} SET citus.propagate_set_commands = 'local'"


def _quote(name: str) -> str:
    return '"' + name.strip('"').replace('"', '""') + '"'
