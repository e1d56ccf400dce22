"""`campaigns school` and `campaigns api-key`: tenants, and who may act for them."""

import json
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from app.schools.scopes import Scope

CREATE_SCHOOL = (
    'Example: campaigns school create --name "Riverside" --timezone Europe/Madrid --from-name "Riverside" '
    '--from-email news@riverside.example --postal-address "1 River Street, Sevilla"'
)
CREATE_KEY = (
    "Example: campaigns api-key create SCHOOL_ID --name sync --scope directory:read --scope directory:write "
    "--expires-at 2027-09-01T00:00:00Z"
)
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
    from app.cli import tenants

    created = tenants.create_school(
        name=name,
        timezone=timezone,
        from_name=from_name,
        from_email=from_email,
        postal_address=postal_address,
    )
    typer.echo(json.dumps(created))


@key_commands.command("create", epilog=CREATE_KEY)
def create_api_key(
    school_id: UUID,
    name: Annotated[str, typer.Option(help="What it is for.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may do; all, if left out.")] = None,
    expires_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z"],
            help="When it ends, with the offset from UTC; never, if left out.",
        ),
    ] = None,
) -> None:
    """Create an API key; it is shown this once."""
    from app.cli import tenants

    typer.echo(json.dumps(tenants.create_key(school_id, name, scope, expires_at)))


@key_commands.command("list", epilog="Example: campaigns api-key list SCHOOL_ID")
def list_api_keys(school_id: UUID) -> None:
    """List a school's API keys, one JSON object a line."""
    from app.cli import tenants

    for row in tenants.list_keys(school_id):
        typer.echo(json.dumps(row, default=str))


@key_commands.command("revoke", epilog="Example: campaigns api-key revoke SCHOOL_ID KEY_ID")
def revoke_api_key(school_id: UUID, key_id: UUID) -> None:
    """Revoke an API key at once."""
    from app.cli import tenants

    tenants.revoke_key(school_id, key_id)
    typer.echo("Revoked.")
