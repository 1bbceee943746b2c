"""``python -m evsed.bench.bare_server``: aiohttp and nothing else; answers every GET alike.

The body comes from standard input, the port goes to standard output.
"""

import asyncio
import sys

from aiohttp import web


async def _serve(body: bytes) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    application = web.Application()
    application.router.add_get("/api/v1/state", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    asyncio.run(_serve(sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
