"""`campaigns school` and `campaigns api-key`: tenants, and who may act for them."""

import json
from typing import Annotated, Any
from uuid import UUID

import typer

from app.cli.database import with_database
from app.core.db import Database
from app.schools import keys, service
from app.schools.schemas import SchoolCreate

CREATE_SCHOOL = (
    'Example: campaigns school create --name "Riverside" --timezone Europe/Madrid --from-name "Riverside" '
    '--from-email news@riverside.example --postal-address "1 River Street, Sevilla"'
)
CREATE_KEY = "Example: campaigns api-key create SCHOOL_ID --name sync"
school_commands = typer.Typer(
    help="Schools: the tenants of this deployment.", no_args_is_help=True, epilog=CREATE_SCHOOL
)
key_commands = typer.Typer(help="API keys of a school.", no_args_is_help=True, epilog=CREATE_KEY)


@school_commands.command("create", epilog=CREATE_SCHOOL)
def create_school(
    name: Annotated[str, typer.Option(help="As recipients see it.")],
    timezone: Annotated[str, typer.Option(help="IANA name, such as Europe/Madrid.")],
    from_name: Annotated[str, typer.Option(help="Name its mail comes from.")],
    from_email: Annotated[str, typer.Option(help="Address its mail comes from; verified in SES.")],
    postal_address: Annotated[str, typer.Option(help="Shown in the footer of marketing mail.")],
) -> None:
    """Create a school and its first API key; the key is shown this once."""
    wanted = SchoolCreate(
        name=name,
        timezone=timezone,
        from_name=from_name,
        from_email=from_email,
        postal_address=postal_address,
    )

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            school = await service.create_school(session, wanted=wanted)
            _, key = await keys.create_key(session, school_id=school.id, name="First key")
        return {"school_id": str(school.id), "api_key": key}

    typer.echo(json.dumps(with_database(work)))


@key_commands.command("create", epilog=CREATE_KEY)
def create_api_key(
    school_id: UUID,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[keys.Scope] | None, typer.Option(help="What it may do; all, if left out.")] = None,
) -> None:
    """Create an API key; it is shown this once."""

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            row, key = await keys.create_key(
                session, school_id=school_id, name=name, scopes=tuple(scope or keys.ALL_SCOPES)
            )
        return {"id": str(row.id), "api_key": key}

    typer.echo(json.dumps(with_database(work)))


@key_commands.command("list", epilog="Example: campaigns api-key list SCHOOL_ID")
def list_api_keys(school_id: UUID) -> None:
    """List a school's API keys, one JSON object a line."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            rows = await keys.list_keys(session, school_id=school_id)
        names = ("id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")
        return [{name: getattr(row, name) for name in names} for row in rows]

    for row in with_database(work):
        typer.echo(json.dumps(row, default=str))


@key_commands.command("revoke", epilog="Example: campaigns api-key revoke SCHOOL_ID KEY_ID")
def revoke_api_key(school_id: UUID, key_id: UUID) -> None:
    """Revoke an API key at once."""

    async def work(database: Database) -> None:
        async with database.system_transaction() as session:
            await keys.revoke_key(session, school_id=school_id, key_id=key_id)

    with_database(work)
    typer.echo("Revoked.")
