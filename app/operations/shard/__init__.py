"""`campaigns shard`: a school's rows together on one node of Citus, the schools spread over all of them."""
