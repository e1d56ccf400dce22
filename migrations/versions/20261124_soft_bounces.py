"""Addresses that soft bounced, a suppression list that pages by time, and the words for its reasons."""

import sqlalchemy as sa
from alembic import op

revision = "20261124_soft_bounces"
down_revision = "20261124_guard"
branch_labels = None
depends_on = None

ROLE = "campaigns_tenant"
MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"
REASONS = {"bounce": "bounced", "complaint": "complained"}


def upgrade() -> None:
    """Add the table with its wall, and say why an address is suppressed as the API does."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "soft_bounces",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("address_key", sa.LargeBinary(), nullable=False),
        sa.Column("counted_from", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_soft_bounces_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "address_key", name=op.f("pk_soft_bounces")),
    )
    op.execute("ALTER TABLE soft_bounces ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON soft_bounces TO {ROLE} USING (school_id = {MINE}) "
        f"WITH CHECK (school_id = {MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON soft_bounces TO {ROLE}")
    op.create_index(
        "ix_suppressions_school_id_created_at_address_key",
        "suppressions",
        ["school_id", "created_at", "address_key"],
    )
    for before, after in REASONS.items():
        op.execute(f"UPDATE suppressions SET reason = '{after}' WHERE reason = '{before}'")  # noqa: S608  # ours


def downgrade() -> None:
    """Take it all back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for before, after in REASONS.items():
        op.execute(f"UPDATE suppressions SET reason = '{before}' WHERE reason = '{after}'")  # noqa: S608  # ours
    op.drop_index("ix_suppressions_school_id_created_at_address_key", table_name="suppressions")
    op.drop_table("soft_bounces")
