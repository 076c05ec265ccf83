"""
An adb server for the real adb client, whose devices are this machine's shell.

    python adb_server.py FOLDER SERIAL[=STATE]... [--before SCRIPT]

It prints its port, then serves until it is killed. FOLDER replaces /data/local/tmp; each command
starts with SCRIPT. SIGUSR1 removes all devices. The protocol follows adb's SERVICES.TXT and
OVERVIEW.TXT, and shell_protocol.h for `shell,v2`; errors have the text of adb's transport.cpp.
The rest of adb (sync, forward, ...) is refused, because hvit-edge does not use it.
"""

import argparse
import asyncio
import re
import signal
import socket
import struct
import subprocess

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
HEADER = struct.Struct("<BI")
FEATURES = b"shell_v2,cmd"
ON_DEVICE = "/data/local/tmp"
UNUSABLE = {
    "offline": "device offline",
    "unauthorized": "device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\n"
    "Try 'adb kill-server' if that seems wrong.\n"
    "Otherwise check for a confirmation dialog on your device.",
}


class Refused(Exception):
    """Has the text that the client receives after FAIL."""


class Server:
    """Holds the devices and the open connections."""

    def __init__(self, folder: str, devices: dict[str, str], before: str, version: int) -> None:
        self.folder, self.devices, self.before, self.version = folder, devices, before, version
        self.connections: set[asyncio.Task] = set()

    def unplug(self) -> None:
        """Remove all devices and close their connections."""
        self.devices.clear()
        for connection in self.connections:
            connection.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client to the end of its connection."""
        self.connections.add(asyncio.current_task())
        try:
            while await self.answer(await request(reader), reader, writer):
                pass
        except Refused as refused:
            writer.write(b"FAIL" + counted(str(refused).encode()))
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.connections.remove(asyncio.current_task())
            writer.close()

    async def answer(
        self, wanted: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request; return True if the connection continues, to a device."""
        if match := re.fullmatch(r"host:tport:(any|serial:(?P<serial>.*))", wanted):
            self.choose(match["serial"])
            writer.write(b"OKAY" + struct.pack("<Q", 1))
            return True
        if match := re.fullmatch(r"shell,v2[^:]*:(?P<command>.*)", wanted, re.DOTALL):
            writer.write(b"OKAY")
            command = self.before + match["command"].replace(ON_DEVICE, self.folder)
            await shell(command, reader, writer)
        else:
            writer.write(b"OKAY" + counted(self.fact(wanted)))
        return False

    def fact(self, wanted: str) -> bytes:
        """Return a fact that needs no device."""
        if match := re.fullmatch(r"host(-serial:(?P<serial>.*))?:features", wanted):
            self.choose(match["serial"])
            return FEATURES
        if wanted == "host:version":
            return b"%04x" % self.version
        if wanted == "host:host-features":
            return FEATURES
        if wanted == "host:devices":
            return "".join(f"{name}\t{state}\n" for name, state in self.devices.items()).encode()
        raise Refused(f"unknown service {wanted}")

    def choose(self, serial: str | None) -> None:
        """Return the device; None selects the only one. Raise Refused if it cannot be used."""
        if serial is None and not self.devices:
            raise Refused("no devices/emulators found")
        if serial is None and len(self.devices) > 1:
            raise Refused("more than one device/emulator")
        serial = next(iter(self.devices)) if serial is None else serial
        if serial not in self.devices:
            raise Refused(f"device '{serial}' not found")
        if self.devices[serial] in UNUSABLE:
            raise Refused(UNUSABLE[self.devices[serial]])


def counted(payload: bytes) -> bytes:
    return b"%04x" % len(payload) + payload


async def request(reader: asyncio.StreamReader) -> str:
    length = int(await reader.readexactly(4), 16)
    return (await reader.readexactly(length)).decode()


async def shell(command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Run a command as adbd does: stdin and stdout are one socket, and a lost client hangs up."""
    ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", command,
        stdin=theirs[0], stdout=theirs[0], stderr=theirs[1], start_new_session=True,
    )  # fmt: skip
    for end in theirs:
        end.close()
    (out, into), (err, other) = [await asyncio.open_unix_connection(sock=end) for end in ours]
    output = asyncio.gather(copy(out, STDOUT, writer), copy(err, STDERR, writer))
    client = asyncio.ensure_future(feed(reader, into))
    try:
        await asyncio.wait([output, client], return_when=asyncio.FIRST_COMPLETED)
        if output.done():
            status = await process.wait()
            writer.write(HEADER.pack(EXIT, 1) + bytes([status if status >= 0 else 128 - status]))
            await writer.drain()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGHUP)
        for task in (output, client):
            task.cancel()
        await asyncio.gather(output, client, return_exceptions=True)
        for end in (into, other):
            end.close()


async def copy(source: asyncio.StreamReader, kind: int, writer: asyncio.StreamWriter) -> None:
    """Send what a command writes as packets of `kind`."""
    while data := await source.read(2**16):
        writer.write(HEADER.pack(kind, len(data)) + data)
        await writer.drain()


async def feed(reader: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    """Pass the client's data to a command until the client disconnects."""
    try:
        while True:
            kind, length = HEADER.unpack(await reader.readexactly(HEADER.size))
            data = await reader.readexactly(length)
            if kind == STDIN:
                into.write(data)
                await into.drain()
            elif kind == CLOSE_STDIN:
                into.write_eof()
    except (asyncio.IncompleteReadError, ConnectionError):
        return


def client_version() -> int:
    """Return the version that this machine's client requires: 41 of "1.0.41"."""
    said = subprocess.run(["adb", "version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"version 1\.0\.(\d+)", said)[1])


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("devices", nargs="*")
    parser.add_argument("--before", default="")
    given = parser.parse_args()
    pairs = [device.partition("=") for device in given.devices]
    devices = {serial: state or "device" for serial, _, state in pairs}
    server = Server(given.folder, devices, given.before, client_version())
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, server.unplug)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print(listener.sockets[0].getsockname()[1], flush=True)
    async with listener:
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
