"""Scripts at a desk: what one entry file prints."""

import contextlib

from evsed.services.script.desk import Desk, Run, in_utc


@contextlib.contextmanager
def at_desk(tmp_path, text, desk=Desk, **around):
    """Yield a run of an entry file that has been loaded; time stands at 0."""
    home = tmp_path / "usr" / "lua"
    home.mkdir(parents=True, exist_ok=True)
    (home / "init.lua").write_bytes(text if isinstance(text, bytes) else text.encode())
    with in_utc():
        run = Run(desk(**around), home.parent)
        run.to(0)
        yield run


def printed(tmp_path, text, **around):
    """Return what an entry file prints."""
    with at_desk(tmp_path, text, **around) as run:
        return run.desk.output
