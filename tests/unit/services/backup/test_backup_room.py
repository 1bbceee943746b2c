"""A backup on its way is on the disk, and leaves as much of it free as files have to."""

import pytest
from backup_world import fill, made_by, service

from evsed.errors import StorageError
from evsed.services.backup import service as backup_service

SPARE_BYTES = 64 * 1024 * 1024


async def test_a_backup_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    backups = service(tmp_path)
    fill(tmp_path / "usr")
    monkeypatch.setattr(backup_service, "_free_bytes", lambda _folder: SPARE_BYTES - 1)
    with pytest.raises(StorageError, match="the disk would be full"):
        await backups.create()
    monkeypatch.setattr(backup_service, "_free_bytes", lambda _folder: SPARE_BYTES)
    assert await made_by(backups)
