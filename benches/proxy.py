#!/usr/bin/env python3
"""A TCP proxy that adds a round-trip time and counts: proxy.py RTT_MS COUNTS LISTEN:TO[,LISTEN:TO…] (loopback ports).

Ends on SIGTERM and then writes {"bytes": …, "connections": …} to the file COUNTS.
"""
import asyncio
import json
import os
import signal
import sys

HALF, COUNTS = float(sys.argv[1]) / 2000, sys.argv[2]
seen = dict(bytes=0, connections=0)


async def one_way(reader, writer):
    """Reads at once and writes after half the round trip; what is under way does not hold up what follows."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue()

    async def late():
        while True:
            due, data = await queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()

    task = asyncio.create_task(late())
    try:
        while data := await reader.read(65536):
            seen['bytes'] += len(data)
            queue.put_nowait((loop.time() + HALF, data))
    except ConnectionError:
        pass
    queue.put_nowait((loop.time() + HALF, b''))
    try:
        await task
    except (ConnectionError, OSError):
        pass


def to(port):
    async def connected(reader, writer):
        seen['connections'] += 1
        await asyncio.sleep(HALF * 2)       # the handshake, which the kernel answered for us
        there, away = await asyncio.open_connection('127.0.0.1', port)
        for w in (writer, away):
            w.get_extra_info('socket').setsockopt(6, 1, 1)
        await asyncio.gather(one_way(reader, away), one_way(there, writer))
        writer.close()
        away.close()
    return connected


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    for pair in sys.argv[3].split(','):
        listen, port = pair.split(':')
        await asyncio.start_server(to(int(port)), '127.0.0.1', int(listen), backlog=1000)
    print('ready', flush=True)
    await stop.wait()
    with open(COUNTS, 'w') as file:
        json.dump(seen, file)
    os._exit(0)     # connections may still be open

asyncio.run(main())
