"""The history keeps what a visitor's program said of itself, a recipient whether SES suspects a bot."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_machine_signs"
down_revision = "20261124_soft_bounces"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; neither rewrites a row."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("email_events", sa.Column("agent", sa.Text(), nullable=True))
    op.add_column("recipients", sa.Column("suspected", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Take them back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("recipients", "suspected")
    op.drop_column("email_events", "agent")
