"""Requests as the product makes them, to vary in tests."""

import json
from typing import Any

HTML = (
    '<p>Hello {{name}}</p><a href="{{base}}/c/{{id}}?a=1&amp;b=2">Read</a>'
    ' <a href="{{base}}/p/{{id}}">Preferences</a> <a href="{{base}}/u/{{id}}">Unsubscribe</a>'
    '<a href="https://elsewhere.example/">Elsewhere</a><img src="{{base}}/o/{{id}}" width="1">'
)


def make_entry(address: str, number: int = 0, base: str = "http://127.0.0.1:9") -> dict[str, Any]:
    """Return one entry of a bulk call."""
    data = {"name": f"Person {number}", "id": str(number), "base": base}
    return {
        "Destination": {"ToAddresses": [address]},
        "ReplacementTags": [
            {"Name": "campaign_id", "Value": "campaign-1"},
            {"Name": "recipient_id", "Value": str(number)},
        ],
        "ReplacementHeaders": [
            {"Name": "List-Unsubscribe", "Value": f"<{base}/u/{number}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ],
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": json.dumps(data)}},
    }


def make_call(*entries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the parameters of SendBulkEmail."""
    content = {"Subject": "Hi {{name}}", "Html": HTML, "Text": "Hello {{name}}"}
    call = {
        "FromEmailAddress": "School <news@school.example>",
        "ConfigurationSetName": "campaigns",
        "DefaultContent": {"Template": {"TemplateContent": content, "TemplateData": "{}"}},
        "BulkEmailEntries": list(entries),
    }
    return call | changes


def make_single(address: str, **changes: Any) -> dict[str, Any]:
    """Return the parameters of SendEmail with Simple content."""
    call = {
        "FromEmailAddress": "news@school.example",
        "Destination": {"ToAddresses": [address]},
        "ConfigurationSetName": "campaigns",
        "Content": {
            "Simple": {
                "Subject": {"Data": "Test {{literally}}"},
                "Body": {"Html": {"Data": "<p>{{literally}}</p>"}, "Text": {"Data": "plain"}},
            }
        },
    }
    return call | changes
