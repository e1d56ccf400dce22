"""What became of a recipient's mail gets a table of its own, apart from who they are.

Unlike the migrations before it, this one takes away what the running version uses: stop every process first,
and start the new version once it has run. It copies the facts of all recipients in one transaction.
"""

import sqlalchemy as sa
from alembic import op
from alembic.util.exc import CommandError

revision = "20261128_outcomes_apart"
down_revision = "20261128_fresh_statistics"
branch_labels = None
depends_on = None

ROLE = "campaigns_tenant"
MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"
COUNTS = ("open_count", "machine_open_count", "click_count", "machine_click_count")
INSTANTS = (
    *("accepted_at", "delivered_at", "first_opened_at", "last_opened_at", "first_clicked_at"),
    *("last_clicked_at", "soft_bounced_at", "auto_replied_at", "bounced_at", "complained_at"),
    *("rejected_at", "reason_at", "unsubscribed_at"),
)
WORDS = ("message_id", "reason_code", "diagnostic")
FACTS = {
    "attempt": "integer NOT NULL DEFAULT 1",
    **dict.fromkeys(("reason_rank", *COUNTS), "integer NOT NULL DEFAULT 0"),
    **dict.fromkeys(("unsubscribed", "suspected"), "boolean NOT NULL DEFAULT false"),
    **dict.fromkeys(INSTANTS, "timestamptz"),
    **dict.fromkeys(("status", "handoff"), "text NOT NULL DEFAULT 'queued'"),
    **dict.fromkeys(WORDS, "text"),
}
"""Columns that move, those of fixed width first: a row is read up to the last column that is asked for."""
MESSAGES = "(school_id, message_id) WHERE message_id IS NOT NULL"


RUNNING = """
    SELECT string_agg(DISTINCT application_name, ', ') FROM pg_stat_activity
    WHERE datname = current_database() AND application_name IN ('campaigns-api', 'campaigns-worker')
        AND EXISTS (SELECT FROM recipients)
"""


def _stop_the_world(tables: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
    if running := op.get_bind().execute(sa.text(RUNNING)).scalar():
        raise CommandError(f"This step needs everything stopped, and {running} still works on the database.")


def upgrade() -> None:
    """Make the table with its wall, move the facts, and write addresses once where they are the same.

    Raises CommandError while a process works that knows recipients as they were.
    """
    _stop_the_world("recipients")
    columns = ", ".join(f"{name} {kind}" for name, kind in FACTS.items())
    op.execute(
        f"""
        CREATE TABLE recipient_outcomes (
            school_id uuid NOT NULL, campaign_id uuid NOT NULL, number integer NOT NULL,
            {columns}, "user" varchar(255) COLLATE "C",
            CONSTRAINT pk_recipient_outcomes PRIMARY KEY (school_id, campaign_id, number)
        ) WITH (fillfactor = 70)
        """
    )
    moved = ", ".join(FACTS)
    op.execute(
        f"""
        INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user", {moved})
        SELECT school_id, campaign_id, number, "user", {moved} FROM recipients
        WHERE status <> 'queued' OR attempt > 1 OR email IS NULL
        ORDER BY school_id, campaign_id, number
        """  # noqa: S608  # names of ours, here and below
    )
    op.execute(f"CREATE INDEX ix_recipient_outcomes_school_id_message_id ON recipient_outcomes {MESSAGES}")
    op.execute("ALTER TABLE recipient_outcomes ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON recipient_outcomes TO {ROLE} USING (school_id = {MINE}) "
        f"WITH CHECK (school_id = {MINE})"
    )
    op.execute(f"GRANT SELECT ON recipient_outcomes TO {ROLE}")
    op.execute("DROP INDEX ix_recipients_school_id_message_id")
    op.execute(f"ALTER TABLE recipients {', '.join(f'DROP COLUMN {name}' for name in FACTS)}")
    op.execute("ALTER TABLE recipients RESET (fillfactor)")
    op.execute("UPDATE recipients SET wire_address = NULL WHERE wire_address = email")
    op.execute("ANALYZE recipient_outcomes")  # reports are asked before autovacuum comes


def downgrade() -> None:
    """Take the facts back to the recipients; CommandError as above."""
    _stop_the_world("recipients, recipient_outcomes")
    op.execute("ALTER TABLE recipients SET (fillfactor = 70)")
    added = (f"ADD COLUMN {name} {kind}" for name, kind in FACTS.items())
    op.execute(f"ALTER TABLE recipients {', '.join(added)}")
    op.execute("UPDATE recipients SET wire_address = email WHERE wire_address IS NULL")
    moved = ", ".join(f"{name} = o.{name}" for name in FACTS)
    op.execute(
        f"""
        UPDATE recipients r SET {moved} FROM recipient_outcomes o
        WHERE (r.school_id, r.campaign_id, r.number) = (o.school_id, o.campaign_id, o.number)
        """  # noqa: S608
    )
    op.execute(f"CREATE INDEX ix_recipients_school_id_message_id ON recipients {MESSAGES}")
    op.execute("DROP TABLE recipient_outcomes")
