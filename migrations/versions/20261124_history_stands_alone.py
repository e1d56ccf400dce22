"""The history of preferences names its school without a foreign key: imports write it by the thousand."""

from alembic import op

revision = "20261124_history_stands_alone"
down_revision = "20261124_every_record"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the key."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint("fk_preference_changes_school_id", "preference_changes", type_="foreignkey")


def downgrade() -> None:
    """Bring it back."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_foreign_key(
        "fk_preference_changes_school_id",
        "preference_changes",
        "schools",
        ["school_id"],
        ["id"],
        ondelete="CASCADE",
    )
