"""A batch remembers when it was called, and since when its silence means something: not while events lag."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_silence_counts"
down_revision = "20261124_history_stands_alone"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the instants."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("batches", sa.Column("called_at", sa.DateTime(timezone=True)))
    op.add_column("batches", sa.Column("silent_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take them away."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("batches", "silent_since")
    op.drop_column("batches", "called_at")
