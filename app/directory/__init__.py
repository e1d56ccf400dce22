"""What a school knows of its users: courses, enrollments, groups, preferences, suppressions."""
