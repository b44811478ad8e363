"""Which backups are kept: the newest whole ones.

Public names: drop_old.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from jobs.backupfiles import NAME, check_files, read_manifest
from jobs.errors import JobError


def drop_old(to: Path, *, keep: int, newest: str) -> list[str]:
    """Remove backups of the same installation as `newest` until `keep` whole ones are left; the names of those removed.

    Only what is found whole counts and is removed; what is damaged, or somebody else's, stays where it is.
    """
    origin = read_manifest(to / newest)[0].origin
    whole = 0
    removed = []
    for name in sorted((path.name for path in to.iterdir() if NAME.fullmatch(path.name)), reverse=True):
        folder = to / name
        if folder.is_symlink() or not folder.is_dir():
            continue
        try:
            manifest, _ = read_manifest(folder)
            if manifest.origin != origin or manifest.name != name:
                continue
            if name != newest and not check_files(folder, manifest, look=lambda _: None).ok:
                continue
        except (JobError, OSError):
            continue
        whole += 1
        if whole > keep and name != newest:
            # It loses its name first: a crash in the middle must not leave half of one that looks whole.
            away = to / f".{name}.removing"
            folder.rename(away)
            shutil.rmtree(away, ignore_errors=True)
            removed.append(name)
    return removed
