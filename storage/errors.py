"""What can go wrong in the store, in words a user understands.

Public names: StorageError, SchemaError, BodyError, FencedError, BackupError.
"""


class StorageError(Exception):
    """Base of all errors of this package."""


class SchemaError(StorageError):
    """The database is not at the version this Tuskwatch needs; the message names the next step."""


class BodyError(StorageError):
    """A stored body cannot be given back: missing, altered, too large, or badly encoded."""


class FencedError(StorageError):
    """A crawl that was taken from its worker tried to write; it must end, and another one goes on."""


class BackupError(StorageError):
    """A backup could not be made, read or given back; the message says what to do."""
