"""A supervisor over one small door, for the tests: `python -m tests.embedded.small_host FOLDER PORT MODE`."""

import asyncio
import signal
import sys
from pathlib import Path

from mailhost.embedded.child import ServerFailed
from mailhost.embedded.programs import Program
from mailhost.embedded.supervisor import Supervisor


def tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def main(folder: Path, port: int, mode: str) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    supervisor = Supervisor(folder=Path.cwd(), logs=folder, report=tell)
    program = Program("door", "tests.embedded.small_door", (mode, str(folder), str(port)), ("door",))
    ready_seconds = 1.0 if mode == "deaf" else 30.0
    try:
        await supervisor.start_programs(
            doors=[program], workers=[], host="127.0.0.1", ports={"door": port}, seconds=ready_seconds
        )
        tell("ready")
        await stopping.wait()
    except ServerFailed as error:
        tell(str(error))
    finally:
        await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
