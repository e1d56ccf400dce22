"""Row-level security, the tenant role, and the first partition of the history.

A tenant's transaction runs as `campaigns_tenant` with `app.school_id` set; without the setting no row is
seen. The owner (batch writers, sweeps, migrations) is not bound by the policies.
"""

from alembic import op

revision = "20261124_tenant_walls"
down_revision = "20261124_first_tables"
branch_labels = None
depends_on = None

ROLE = "campaigns_tenant"
WRITTEN_BY_TENANTS = (
    "api_keys",
    "campaign_links",
    "campaigns",
    "categories",
    "courses",
    "enrollments",
    "groups",
    "idempotency_keys",
    "memberships",
    "preference_changes",
    "suppressions",
    "trainers",
    "unsubscriptions",
    "users",
)
READ_BY_TENANTS = ("batches", "campaign_counters", "email_events", "exclusions", "recipients")
HIDDEN_FROM_TENANTS = ("parked_events",)
MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The role belongs to the whole server: another database of it may have made it, even at this moment.
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    # Whoever may not grant it was made a member by the administrator who set the server up.
    op.execute(
        f"""
        DO $$ BEGIN
            EXECUTE format('GRANT {ROLE} TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege OR internal_error THEN NULL;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute("CREATE TABLE email_events_default PARTITION OF email_events DEFAULT")
    for table in (*WRITTEN_BY_TENANTS, *READ_BY_TENANTS, *HIDDEN_FROM_TENANTS):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO {ROLE} USING (school_id = {MINE}) "
            f"WITH CHECK (school_id = {MINE})"
        )
    op.execute("ALTER TABLE schools ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON schools TO {ROLE} USING (id = {MINE}) WITH CHECK (id = {MINE})")
    op.execute(f"GRANT SELECT, UPDATE ON schools TO {ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(WRITTEN_BY_TENANTS)} TO {ROLE}")
    op.execute(f"GRANT SELECT ON {', '.join(READ_BY_TENANTS)} TO {ROLE}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("schools", *WRITTEN_BY_TENANTS, *READ_BY_TENANTS, *HIDDEN_FROM_TENANTS):
        op.execute(f"DROP POLICY tenant ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {ROLE}")
    op.execute("DROP TABLE email_events_default")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
