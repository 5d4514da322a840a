"""An https server of this process that takes what is POSTed to it, or answers what the test says it shall."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11


@dataclass
class ReportPlace:
    """What was POSTed. answers: of the next requests, raw; the last one from then on. None: it says nothing."""

    port: int = 0
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes | None] = field(default_factory=lambda: [answer(201)])
    hello: list[str | None] = field(default_factory=list)  # the names that clients asked for

    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.posted]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http = h11.Connection(h11.SERVER)
        body = b""
        try:
            while not isinstance(event := http.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    http.receive_data(await reader.read(65_536))
                elif isinstance(event, h11.Request):
                    fields = {name.decode(): value.decode() for name, value in event.headers}
                    target = event.target.decode()
                elif isinstance(event, h11.Data):
                    body += event.data
                elif isinstance(event, h11.ConnectionClosed):
                    return
            self.posted.append((target, fields, body))
            said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if said is None:
                await reader.read()
            else:
                writer.write(said)
                await writer.drain()
        except (ConnectionError, ssl.SSLError, h11.RemoteProtocolError):
            pass
        finally:
            writer.close()


def answer(status: int, *fields: str, body: bytes = b"") -> bytes:
    head = "".join(f"{each}\r\n" for each in (*fields, f"Content-Length: {len(body)}"))
    return f"HTTP/1.1 {status} As told\r\n{head}\r\n".encode() + body


@asynccontextmanager
async def report_place(context: ssl.SSLContext) -> AsyncIterator[ReportPlace]:
    place = ReportPlace()

    def note(_: object, name: str | None, __: object) -> None:
        place.hello.append(name)

    context.sni_callback = note
    server = await asyncio.start_server(place.serve, "127.0.0.1", 0, ssl=context)
    place.port = server.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        server.close()
