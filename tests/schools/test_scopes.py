"""Scopes: which one each route of the API asks for. That they hold, tests/access proves."""

from fastapi import FastAPI

from app.directory import registry
from app.schools.scopes import Scope
from tests.access.operations import read_operations

RESOURCES = [resource.name for resource in registry.RESOURCES]
ROUTES: dict[tuple[str, str], Scope | tuple[Scope, ...]] = {
    ("GET", "/v1/school"): (),
    ("PATCH", "/v1/school"): Scope.KEYS_MANAGE,
    ("GET", "/v1/api-keys"): Scope.KEYS_MANAGE,
    ("POST", "/v1/api-keys"): Scope.KEYS_MANAGE,
    ("DELETE", "/v1/api-keys/{key_id}"): Scope.KEYS_MANAGE,
    ("GET", "/v1/audit"): Scope.KEYS_MANAGE,
    ("GET", "/v1/audiences/filters"): Scope.MESSAGES_SEND,
    ("POST", "/v1/audiences/preview"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages"): Scope.MESSAGES_SEND,
    ("GET", "/v1/messages/merge-fields"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages/preview"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages/test"): Scope.MESSAGES_SEND,
    ("POST", "/v1/mailing-lists"): Scope.MESSAGES_SEND,
    ("GET", "/v1/mailing-lists"): Scope.MESSAGES_SEND,
    **{(method, "/v1/mailing-lists/{list_id}"): Scope.MESSAGES_SEND for method in ("GET", "PUT", "DELETE")},
    ("GET", "/v1/campaigns"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/{campaign_id}"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/live"): Scope.CAMPAIGNS_READ,
    **{
        ("GET", f"/v1/campaigns/{{campaign_id}}/{report}"): Scope.CAMPAIGNS_READ
        for report in (
            "content",
            "domains",
            "exclusions",
            "links",
            "live",
            "recipients",
            "recipients.csv",
            "recipients/{number}",
            "report.html",
            "timeline",
        )
    },
    ("PATCH", "/v1/campaigns/{campaign_id}"): Scope.CAMPAIGNS_WRITE,
    **{
        ("POST", f"/v1/campaigns/{{campaign_id}}/{move}"): Scope.CAMPAIGNS_WRITE
        for move in ("pause", "resume", "send-now", "cancel", "retry-failed")
    },
    **{("PUT", f"/v1/directory/{name}"): Scope.DIRECTORY_WRITE for name in RESOURCES},
    **{("GET", f"/v1/directory/{name}"): Scope.DIRECTORY_READ for name in RESOURCES},
    **{("GET", f"/v1/directory/{name}/{{external_id}}"): Scope.DIRECTORY_READ for name in RESOURCES},
    **{("DELETE", f"/v1/directory/{name}/{{external_id}}"): Scope.DIRECTORY_WRITE for name in RESOURCES},
    ("GET", "/v1/directory/users/{external_id}/preferences"): Scope.DIRECTORY_READ,
    ("PATCH", "/v1/directory/users/{external_id}/preferences"): Scope.PREFERENCES_WRITE,
    ("GET", "/v1/suppressions"): Scope.DIRECTORY_READ,
    ("POST", "/v1/suppressions"): Scope.PREFERENCES_WRITE,
    ("POST", "/v1/suppressions/remove"): Scope.PREFERENCES_WRITE,
    ("DELETE", "/v1/suppressions/{suppression_id}"): Scope.PREFERENCES_WRITE,
    ("POST", "/v1/imports"): Scope.DIRECTORY_WRITE,
    ("GET", "/v1/imports"): Scope.DIRECTORY_READ,
    ("GET", "/v1/imports/{import_id}"): Scope.DIRECTORY_READ,
    ("GET", "/v1/imports/{import_id}/rejections"): Scope.DIRECTORY_READ,
    # It holds what campaigns know as well.
    ("GET", "/v1/directory/users/{external_id}/export"): (Scope.DIRECTORY_READ, Scope.CAMPAIGNS_READ),
}


async def test_every_route_asks_for_the_scope_it_should(built_app: FastAPI) -> None:
    asked = {
        (each.method, each.path): each.scopes
        for each in read_operations(built_app.openapi())
        if each.path.startswith("/v1")
    }
    wanted = {route: (needed,) if isinstance(needed, Scope) else needed for route, needed in ROUTES.items()}
    assert asked == wanted
