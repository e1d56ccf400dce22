"""Clicks by link: what the report of a campaign's links counts, without reading the rest of its history.

Only clicks name a link, so only they have a place in it: no other event pays for it.
"""

from alembic import op

revision = "20261124_link_clicks"
down_revision = "20261124_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_email_events_links",
        "email_events",
        ["school_id", "campaign_id", "link", "number"],
        postgresql_include=["machine"],
        postgresql_where="link IS NOT NULL",
    )


def downgrade() -> None:
    """Take it back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_email_events_links", table_name="email_events")
