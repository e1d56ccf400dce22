"""One row for each person of a campaign, and the only way facts reach it."""

import app.recipients.filters  # noqa: F401  # its kind of filter is known wherever this floor is
