"""A batch remembers since when its silence means something: while events come late, it means nothing."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_silence_counts"
down_revision = "20261124_history_stands_alone"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the instant."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("batches", sa.Column("silent_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Take it away."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("batches", "silent_since")
