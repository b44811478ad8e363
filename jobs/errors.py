"""What can go wrong with runs, schedules and workers, in words for the person at the screen.

Public names: JobError, UsageError, BusyError, PersonWanted.
"""

from __future__ import annotations


class JobError(Exception):
    """Something could not be done; the text says what and what to do next."""


class UsageError(JobError):
    """What was asked for makes no sense (no such site, run or schedule; a wrong cron expression)."""


class BusyError(UsageError):
    """The site is being crawled already."""


class PersonWanted(BusyError):
    """The site's run stands at a gate that only a person can open."""
