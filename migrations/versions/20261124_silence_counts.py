"""A batch remembers when it was called, a campaign how far SES has answered and its events have come."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_silence_counts"
down_revision = "20261124_history_stands_alone"
branch_labels = None
depends_on = None


PROGRESS = ("accepted_until", "heard_until", "heard_at")


def upgrade() -> None:
    """Add the instants."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("batches", sa.Column("called_at", sa.DateTime(timezone=True)))
    for name in PROGRESS:
        op.add_column("campaign_counters", sa.Column(name, sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take them away."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in PROGRESS:
        op.drop_column("campaign_counters", name)
    op.drop_column("batches", "called_at")
