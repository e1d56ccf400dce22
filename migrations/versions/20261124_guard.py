"""What guard, retries and refusals of a campaign remember; why a batch is in doubt, which goes first."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_guard"
down_revision = "20261124_silence_counts"
branch_labels = None
depends_on = None

ACTIVE = sa.text("status IN ('scheduled', 'preparing', 'sending')")
DUE = sa.text("state = 'due'")


def upgrade() -> None:
    """Add the columns, and have the indexes follow what is asked of them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("campaigns", sa.Column("accepted_bounce_rate", sa.Float()))
    op.add_column("campaigns", sa.Column("accepted_complaint_rate", sa.Float()))
    op.add_column("campaigns", sa.Column("retry_from", sa.Integer()))
    op.add_column("campaigns", sa.Column("retry_unknown_before", sa.DateTime(timezone=True)))
    op.add_column("campaigns", sa.Column("lone_refusals", sa.Integer(), server_default="0", nullable=False))
    op.add_column("campaigns", sa.Column("lone_refusal", sa.LargeBinary()))
    op.add_column("batches", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.add_column("batches", sa.Column("doubt", sa.Text()))
    op.drop_index("ix_campaigns_active", table_name="campaigns")
    op.create_index("ix_campaigns_status", "campaigns", ["status"])
    op.drop_index("ix_batches_due", table_name="batches")
    op.create_index(
        "ix_batches_due",
        "batches",
        ["school_id", "campaign_id", "priority", "number"],
        postgresql_where=DUE,
    )
    op.drop_index("ix_batches_open", table_name="batches")
    op.create_index(
        "ix_batches_open",
        "batches",
        ["school_id", "campaign_id", "state"],
        postgresql_where=sa.text("state IN ('calling', 'unknown', 'undecided')"),
    )


def downgrade() -> None:
    """Take them away."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_batches_open", table_name="batches")
    op.create_index(
        "ix_batches_open",
        "batches",
        ["school_id", "campaign_id", "state"],
        postgresql_where=sa.text("state IN ('calling', 'unknown')"),
    )
    op.drop_index("ix_batches_due", table_name="batches")
    op.create_index("ix_batches_due", "batches", ["school_id", "campaign_id", "number"], postgresql_where=DUE)
    op.drop_index("ix_campaigns_status", table_name="campaigns")
    op.create_index("ix_campaigns_active", "campaigns", ["status"], postgresql_where=ACTIVE)
    for name in ("doubt", "priority"):
        op.drop_column("batches", name)
    for name in (
        "lone_refusal",
        "lone_refusals",
        "retry_unknown_before",
        "retry_from",
        "accepted_complaint_rate",
        "accepted_bounce_rate",
    ):
        op.drop_column("campaigns", name)
