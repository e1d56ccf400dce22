"""Statistics of the directory follow a new school at once: the planner must know a large one from none."""

from alembic import op

revision = "20261128_fresh_statistics"
down_revision = "20261124_link_clicks"
branch_labels = None
depends_on = None

TABLES = ("users", "enrollments", "bookings", "passes", "subscriptions", "orders", "memberships")
# By default a table is analysed once a tenth of it has changed: for other schools, that is, and not for one
# that has just come with fifty thousand users.
SETTINGS = {"autovacuum_analyze_scale_factor": "0", "autovacuum_analyze_threshold": "10000"}


def upgrade() -> None:
    """Analyse after so many changes, however large the table is."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    settings = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} SET ({settings})")


def downgrade() -> None:
    """Go back to the defaults."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(SETTINGS)})")
