"""Grants: who may charge in this session. Pure. Source: charging.md section 9."""

from dataclasses import dataclass, replace
from typing import Final

#: How long a grant waits for a session.
GRANT_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Authorization:
    """Whether this session is authorized, and until when a grant waits for one."""

    authorized: bool = False
    granted_until_ms: int | None = None

    def granted(self, now_ms: int) -> bool:
        """Return whether a grant is open."""
        return self.granted_until_ms is not None and now_ms < self.granted_until_ms


def grant(authorization: Authorization, now_ms: int) -> Authorization:
    """Open a grant; one given while the session is authorized is ignored (Q29)."""
    if authorization.authorized:
        return authorization
    return replace(authorization, granted_until_ms=now_ms + GRANT_MS)


def authorize_session(
    authorization: Authorization, *, required: bool, now_ms: int
) -> Authorization:
    """Settle whether a session that waits is authorized now; an open grant is used up."""
    if authorization.authorized:
        return authorization
    if required and not authorization.granted(now_ms):
        return authorization
    return Authorization(authorized=True)


def end_session(authorization: Authorization) -> Authorization:
    """The session is over; a grant that is still open may serve the next one."""
    return replace(authorization, authorized=False) if authorization.authorized else authorization
