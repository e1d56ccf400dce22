"""Bookings, passes, subscriptions, orders; imports and mailing lists; what an audience needs to be fast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_every_record"
down_revision = "20261124_tenant_walls"
branch_labels = None
depends_on = None


OBSTRUCTED = (
    "wire_address IS NULL OR suppressed OR shares_address OR marketing = 'unsubscribed' "
    "OR newsletter = 'unsubscribed'"
)
SUBSCRIBED = "marketing = 'subscribed' OR newsletter = 'subscribed'"
ENROLLED = {
    "course": ["status", "starts_at", "ends_at", "course"],
    "user": ["user", "status", "starts_at", "ends_at"],
}
ROLE = "campaigns_tenant"
TABLES = (
    "bookings",
    "import_rejections",
    "imports",
    "mailing_lists",
    "orders",
    "passes",
    "subscriptions",
)
MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")

    op.create_table(
        "imports",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("rows_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_stored", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("preferences_kept", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "progressed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_imports_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_imports")),
    )
    op.create_table(
        "mailing_lists",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_mailing_lists_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "id", name=op.f("pk_mailing_lists")),
    )
    op.create_index(
        op.f("ix_mailing_lists_school_id_name"), "mailing_lists", ["school_id", "name"], unique=True
    )
    op.create_table(
        "import_rejections",
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "import_id"],
            ["imports.school_id", "imports.id"],
            name=op.f("fk_import_rejections_school_id_import_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "school_id", "import_id", "line", "ordinal", name=op.f("pk_import_rejections")
        ),
    )
    op.create_table(
        "passes",
        sa.Column("user", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("category", sa.String(length=255, collation="C"), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credits_left", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "category"],
            ["categories.school_id", "categories.external_id"],
            name=op.f("fk_passes_school_id_category"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "user"],
            ["users.school_id", "users.external_id"],
            name=op.f("fk_passes_school_id_user"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_passes_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "external_id", name=op.f("pk_passes")),
    )
    op.create_index(
        "ix_passes_active",
        "passes",
        ["school_id", "valid_until"],
        unique=False,
        postgresql_where="status = 'active'",
    )
    op.create_index(op.f("ix_passes_school_id_category"), "passes", ["school_id", "category"], unique=False)
    op.create_index(
        op.f("ix_passes_school_id_user"),
        "passes",
        ["school_id", "user"],
        unique=False,
        postgresql_include=["status", "valid_from", "valid_until", "credits_left", "category"],
    )
    op.create_table(
        "subscriptions",
        sa.Column("user", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("category", sa.String(length=255, collation="C"), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("current_period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "category"],
            ["categories.school_id", "categories.external_id"],
            name=op.f("fk_subscriptions_school_id_category"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "user"],
            ["users.school_id", "users.external_id"],
            name=op.f("fk_subscriptions_school_id_user"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_subscriptions_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "external_id", name=op.f("pk_subscriptions")),
    )
    op.create_index(
        "ix_subscriptions_running",
        "subscriptions",
        ["school_id", "current_period_end"],
        unique=False,
        postgresql_where="status IN ('active', 'trialing')",
    )
    op.create_index(
        op.f("ix_subscriptions_school_id_category"), "subscriptions", ["school_id", "category"], unique=False
    )
    op.create_index(
        op.f("ix_subscriptions_school_id_user"),
        "subscriptions",
        ["school_id", "user"],
        unique=False,
        postgresql_include=["status", "current_period_end", "category"],
    )
    op.create_table(
        "bookings",
        sa.Column("user", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("course", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("trainer", sa.String(length=255, collation="C"), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "course"],
            ["courses.school_id", "courses.external_id"],
            name=op.f("fk_bookings_school_id_course"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "trainer"],
            ["trainers.school_id", "trainers.external_id"],
            name=op.f("fk_bookings_school_id_trainer"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "user"],
            ["users.school_id", "users.external_id"],
            name=op.f("fk_bookings_school_id_user"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_bookings_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "external_id", name=op.f("pk_bookings")),
    )
    op.create_index(
        "ix_bookings_ends",
        "bookings",
        ["school_id", "ends_at"],
        unique=False,
        postgresql_include=["starts_at", "user", "course", "trainer"],
        postgresql_where="status = 'confirmed'",
    )
    op.create_index(
        op.f("ix_bookings_school_id_course"),
        "bookings",
        ["school_id", "course"],
        unique=False,
        postgresql_include=["user", "status", "starts_at", "ends_at", "trainer"],
    )
    op.create_index(op.f("ix_bookings_school_id_trainer"), "bookings", ["school_id", "trainer"], unique=False)
    op.create_index(
        op.f("ix_bookings_school_id_user"),
        "bookings",
        ["school_id", "user"],
        unique=False,
        postgresql_include=["status", "starts_at", "ends_at", "course", "trainer"],
    )
    op.create_index(
        "ix_bookings_starts",
        "bookings",
        ["school_id", "starts_at"],
        unique=False,
        postgresql_include=["ends_at", "user", "course", "trainer"],
        postgresql_where="status = 'confirmed'",
    )
    op.create_table(
        "orders",
        sa.Column("user", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("course", sa.String(length=255, collation="C"), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("school_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["school_id", "course"],
            ["courses.school_id", "courses.external_id"],
            name=op.f("fk_orders_school_id_course"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["school_id", "user"],
            ["users.school_id", "users.external_id"],
            name=op.f("fk_orders_school_id_user"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["school_id"], ["schools.id"], name=op.f("fk_orders_school_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("school_id", "external_id", name=op.f("pk_orders")),
    )
    op.create_index(
        "ix_orders_paid",
        "orders",
        ["school_id", "placed_at"],
        unique=False,
        postgresql_include=["user", "course"],
        postgresql_where="status = 'paid'",
    )
    op.create_index(op.f("ix_orders_school_id_course"), "orders", ["school_id", "course"], unique=False)
    op.create_index(
        op.f("ix_orders_school_id_user"),
        "orders",
        ["school_id", "user"],
        unique=False,
        postgresql_include=["status", "placed_at", "course"],
    )
    op.add_column("users", sa.Column("suppressed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("users", sa.Column("shares_address", sa.Boolean(), server_default="false", nullable=False))
    op.create_index(
        "ix_users_obstructed",
        "users",
        ["school_id", "external_id"],
        unique=False,
        postgresql_include=[
            "wire_address",
            "suppressed",
            "shares_address",
            "marketing",
            "newsletter",
            "status",
            "address_key",
            "registered_at",
            "created_at",
        ],
        postgresql_where=OBSTRUCTED,
    )
    op.create_index(
        "ix_users_subscribed",
        "users",
        ["school_id", "external_id"],
        unique=False,
        postgresql_include=["marketing", "newsletter"],
        postgresql_where=SUBSCRIBED,
    )
    # What an audience asks of a record now stands in the index that finds it.
    op.drop_index(op.f("ix_users_school_id_registered_at"), table_name="users")
    op.create_index(
        op.f("ix_users_school_id_registered_at"),
        "users",
        ["school_id", "registered_at"],
        unique=False,
        postgresql_include=["external_id"],
    )
    op.drop_index("ix_enrollments_active", table_name="enrollments", postgresql_where="status = 'active'")
    op.create_index(
        "ix_enrollments_active",
        "enrollments",
        ["school_id", "starts_at"],
        unique=False,
        postgresql_include=["ends_at", "user", "course"],
        postgresql_where="status = 'active'",
    )
    for leading, included in (("user", "course"), ("course", "user")):
        op.drop_index(op.f(f"ix_enrollments_school_id_{leading}"), table_name="enrollments")
        op.create_index(
            op.f(f"ix_enrollments_school_id_{leading}"),
            "enrollments",
            ["school_id", leading],
            unique=False,
            postgresql_include=ENROLLED[included],
        )
    op.create_index(
        op.f("ix_users_school_id_status_external_id"),
        "users",
        ["school_id", "status", "external_id"],
        unique=False,
    )

    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO {ROLE} USING (school_id = {MINE}) "
            f"WITH CHECK (school_id = {MINE})"
        )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {ROLE}")
    # Imports stage their rows in a temporary table. Everybody may make one, unless that was taken from them;
    # who may not grant it leaves it to the administrator.
    op.execute(
        f"""
        DO $$ BEGIN
            EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {ROLE}', current_database());
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END $$
        """
    )
    # Truth for the users already there.
    op.execute(
        """
        UPDATE users u SET shares_address = true
        FROM (
            SELECT school_id, address_key FROM users GROUP BY school_id, address_key HAVING count(*) > 1
        ) AS shared
        WHERE (u.school_id, u.address_key) = (shared.school_id, shared.address_key)
        """
    )
    op.execute(
        """
        UPDATE users u SET suppressed = true FROM suppressions s
        WHERE (u.school_id, u.address_key) = (s.school_id, s.address_key)
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")

    op.execute(
        f"""
        DO $$ BEGIN
            EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM {ROLE}', current_database());
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END $$
        """
    )
    op.drop_index("ix_users_subscribed", table_name="users", postgresql_where=SUBSCRIBED)
    op.drop_index(op.f("ix_users_school_id_registered_at"), table_name="users")
    op.create_index(
        op.f("ix_users_school_id_registered_at"), "users", ["school_id", "registered_at"], unique=False
    )
    op.drop_index("ix_enrollments_active", table_name="enrollments", postgresql_where="status = 'active'")
    op.create_index(
        "ix_enrollments_active",
        "enrollments",
        ["school_id", "ends_at", "starts_at"],
        unique=False,
        postgresql_where="status = 'active'",
    )
    for leading in ("user", "course"):
        op.drop_index(op.f(f"ix_enrollments_school_id_{leading}"), table_name="enrollments")
        op.create_index(
            op.f(f"ix_enrollments_school_id_{leading}"), "enrollments", ["school_id", leading], unique=False
        )
    op.drop_index(op.f("ix_users_school_id_status_external_id"), table_name="users")
    op.drop_index(
        "ix_users_obstructed",
        table_name="users",
        postgresql_where=OBSTRUCTED,
    )
    op.drop_column("users", "shares_address")
    op.drop_column("users", "suppressed")
    op.drop_index(op.f("ix_orders_school_id_user"), table_name="orders")
    op.drop_index(op.f("ix_orders_school_id_course"), table_name="orders")
    op.drop_index("ix_orders_paid", table_name="orders", postgresql_where="status = 'paid'")
    op.drop_table("orders")
    op.drop_index("ix_bookings_starts", table_name="bookings", postgresql_where="status = 'confirmed'")
    op.drop_index(op.f("ix_bookings_school_id_user"), table_name="bookings")
    op.drop_index(op.f("ix_bookings_school_id_trainer"), table_name="bookings")
    op.drop_index(op.f("ix_bookings_school_id_course"), table_name="bookings")
    op.drop_index("ix_bookings_ends", table_name="bookings", postgresql_where="status = 'confirmed'")
    op.drop_table("bookings")
    op.drop_index(op.f("ix_subscriptions_school_id_user"), table_name="subscriptions")
    op.drop_index(op.f("ix_subscriptions_school_id_category"), table_name="subscriptions")
    op.drop_index(
        "ix_subscriptions_running",
        table_name="subscriptions",
        postgresql_where="status IN ('active', 'trialing')",
    )
    op.drop_table("subscriptions")
    op.drop_index(op.f("ix_passes_school_id_user"), table_name="passes")
    op.drop_index(op.f("ix_passes_school_id_category"), table_name="passes")
    op.drop_index("ix_passes_active", table_name="passes", postgresql_where="status = 'active'")
    op.drop_table("passes")
    op.drop_table("import_rejections")
    op.drop_index(op.f("ix_mailing_lists_school_id_name"), table_name="mailing_lists")
    op.drop_table("mailing_lists")
    op.drop_table("imports")
