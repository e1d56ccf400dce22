"""The audit trail, which a tenant adds to and never changes; who made an API key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_audit"
down_revision = "20261124_machine_signs"
branch_labels = None
depends_on = None

ROLE = "campaigns_tenant"
MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"
MAKER = ("created_by_kind", "created_by_id", "created_by_name")


def upgrade() -> None:
    """Add the table with its wall, and three columns that need no rewrite."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "audit_entries",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_audit_entries_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_school_id_at_id", "audit_entries", ["school_id", "at", "id"])
    op.execute("ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON audit_entries TO {ROLE} USING (school_id = {MINE}) "
        f"WITH CHECK (school_id = {MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT ON audit_entries TO {ROLE}")
    for name in MAKER:
        op.add_column("api_keys", sa.Column(name, sa.Text()))


def downgrade() -> None:
    """Take it all back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in reversed(MAKER):
        op.drop_column("api_keys", name)
    op.drop_table("audit_entries")
