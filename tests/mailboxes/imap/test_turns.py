"""Sessions of one process take turns."""

import asyncio

from mailboxes.imap.reading_commands import COMMANDS_IN_A_ROW, read_command
from mailboxes.imap.server import imap_host
from mailboxes.imap.session import Session
from mailhost.net.connection import Connection
from mailhost.net.store_threads import close_store_threads


def test_a_client_that_sends_many_commands_at_once_lets_others_have_their_turn(shared_db: None) -> None:
    async def run() -> int:
        turns = 0

        async def another() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with imap_host(tls=None) as host:
            connection = Connection()
            connection.data_received(b"a NOOP\r\n" * 10 * COMMANDS_IN_A_ROW)
            session = Session(connection, host)
            task = asyncio.create_task(another())
            for _ in range(10 * COMMANDS_IN_A_ROW):
                await read_command(session)
            task.cancel()
        close_store_threads()
        return turns

    assert asyncio.run(run()) >= 9
