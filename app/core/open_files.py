"""How many connections a process may hold: each is an open file, and the usual soft limit is 1,024."""

import resource

ENOUGH = 65_536


def allow_many_files() -> int:
    """Raise the soft limit of open files as far as the hard one lets us; return what it is then.

    The soft limit is low for programs that use select(2) alone:
    https://0pointer.net/blog/file-descriptor-limits.html
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
