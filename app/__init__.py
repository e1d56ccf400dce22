"""Campaigns: bulk email for schools.

who (`audience`) + what (`content`) -> `campaigns` (recorded) -> `delivery` (planned, sent) ->
`tracking` and `feedback` (what came back) -> `reports` (what it adds up to).
"""

__version__ = "0.1.0"
