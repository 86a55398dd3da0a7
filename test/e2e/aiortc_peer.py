"""A peer as the Python clients of the signaling server are, for the end-to-end tests.

It uses aiortc and behaves as those peers do: sign-in and rooms over HTTP, `register` as the first frame, a client
that sends its offer right behind it without waiting for the answer, files as `name:size`, chunks, `END_OF_FILE`, and
at the end: close the peer connection, close the WebSocket, then POST /delete-peers-and-room.

It is stricter than they are in one point: any frame that the Python server would not have sent ends it with exit
code 3, so that a test which passes has shown that none came.

Needs Debian's python3-aiortc and python3-websockets.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import os
import sys
import urllib.request

import websockets
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

CHUNK_BYTES = 64 * 1024
HIGH_WATER_BYTES = 1024 * 1024
KEEP_ALIVE = b"KEEP_ALIVE"
END_OF_FILE = "END_OF_FILE"


class UnknownFrame(Exception):
    """A frame that a peer of the Python server would stumble over."""


class ServerError(Exception):
    """The server said `type: error`."""


def say(text):
    print(text, flush=True)


def post(base, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        base + path, data=json.dumps(body or {}).encode(), headers=headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def check_frame(frame, known):
    """Ends this peer on an error, and on everything that it was not written for."""
    kind = frame.get("type")
    if kind == "error":
        raise ServerError(frame["reason"])
    if kind not in known:
        raise UnknownFrame(f"type {kind!r}, keys {sorted(frame)}")
    return kind


class Files:
    """The files of one data channel, both ways."""

    def __init__(self, channel, folder):
        self.channel = channel
        self.folder = folder
        self.received = 0
        self.arrived = asyncio.Event()
        self.closed = asyncio.Event()
        self.failure = None
        self._current = None
        self._drained = asyncio.Event()
        channel.bufferedAmountLowThreshold = HIGH_WATER_BYTES // 4
        channel.on("bufferedamountlow", self._drained.set)
        channel.on("message", self._on_message)
        channel.on("close", self.closed.set)

    async def send(self, path):
        size = os.path.getsize(path)
        digest = hashlib.sha256()
        self.channel.send(f"{os.path.basename(path)}:{size}")
        self.channel.send(KEEP_ALIVE)  # the real ones send it every 15 s, also inside a file
        with open(path, "rb") as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                self._drained.clear()
                self.channel.send(chunk)
                if self.channel.bufferedAmount > HIGH_WATER_BYTES:
                    await self._drained.wait()
        self.channel.send(END_OF_FILE)
        say(f"sent {os.path.basename(path)} {size} bytes sha256={digest.hexdigest()}")

    async def close(self):
        """Closes the channel and lets the other end see it.

        Closing the connection is one packet that aiortc never repeats, and a busy machine loses it now and then: the
        other end would notice only half a minute later. If this request is lost, the connection's end still comes.
        """
        self.channel.close()
        try:
            await asyncio.wait_for(self.closed.wait(), 2)
        except asyncio.TimeoutError:
            say("the other end did not see the channel close")

    async def wait_for(self, count):
        """Until that many files came; False when the other end left before."""
        while self.received < count and self.failure is None:
            self.arrived.clear()
            waits = [asyncio.ensure_future(event.wait()) for event in (self.arrived, self.closed)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self.closed.is_set():
                break
        if self.failure is not None:
            raise RuntimeError(self.failure)
        return self.received >= count

    def lost(self, state):
        if state in ("failed", "closed"):
            self.closed.set()

    def _on_message(self, message):
        if message == KEEP_ALIVE:
            return
        if isinstance(message, bytes):
            name, size, sink, digest = self._current
            sink.write(message)
            digest.update(message)
        elif message == END_OF_FILE:
            self._finish()
        else:
            name, size = message.rsplit(":", 1)
            path = os.path.join(self.folder, os.path.basename(name))
            self._current = (path, int(size), open(path, "wb"), hashlib.sha256())

    def _finish(self):
        path, size, sink, digest = self._current
        sink.close()
        self._current = None
        if os.path.getsize(path) != size:
            self.failure = f"{path} has {os.path.getsize(path)} bytes, not {size}"
        self.received += 1
        self.arrived.set()
        say(f"received {os.path.basename(path)} {size} bytes sha256={digest.hexdigest()}")


def new_connection():
    # Without iceServers: the default would ask a public STUN server.
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


async def leave(options, connection, socket, username):
    if connection is not None:
        await connection.close()
    await socket.close()
    reply = await asyncio.to_thread(post, options.http, "/delete-peers-and-room", {"peer_id": username})
    say(f"deleted: {reply['status']}")


async def next_frame(socket, known):
    frame = json.loads(await socket.recv())
    return check_frame(frame, known), frame


async def worker(options):
    identity = post(options.http, "/anonymous-signin")
    username, id_token = identity["username"], identity["id_token"]
    room = post(options.http, "/create-room", token=id_token)
    connection = None
    socket = await websockets.connect(options.ws)
    try:
        await socket.send(
            json.dumps(
                {
                    "type": "register",
                    "peer_id": username,
                    "room_id": room["room_id"],
                    "token": room["token"],
                    "id_token": id_token,
                }
            )
        )
        _, reply = await next_frame(socket, {"registered_auth"})
        session = {"r": reply["room_id"], "t": reply["token"], "p": reply["peer_id"]}
        say("sleap-session:" + base64.urlsafe_b64encode(json.dumps(session).encode()).decode())

        _, offer = await next_frame(socket, {"offer"})
        connection = new_connection()
        opened = asyncio.get_running_loop().create_future()

        @connection.on("datachannel")
        def on_datachannel(channel):
            files = Files(channel, options.out)
            connection.on("connectionstatechange", lambda: files.lost(connection.connectionState))
            opened.set_result(files)

        await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        await socket.send(
            json.dumps(
                {
                    "type": "answer",
                    "sender": username,
                    "target": offer["sender"],
                    "sdp": connection.localDescription.sdp,
                }
            )
        )
        # From here on the socket is read until the end, so that an unknown frame is noticed.
        reading = asyncio.ensure_future(next_frame(socket, set()))
        serving = asyncio.ensure_future(serve(options, opened))
        await asyncio.wait([reading, serving], return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            serving.cancel()
            reading.result()
        reading.cancel()
        serving.result()
    finally:
        await leave(options, connection, socket, username)


async def serve(options, opened):
    files = await opened
    if not await files.wait_for(options.expect):
        raise RuntimeError(f"the client left after {files.received} of {options.expect} files")
    for path in options.send:
        await files.send(path)
    await files.closed.wait()


async def client(options):
    identity = post(options.http, "/anonymous-signin")
    username, id_token = identity["username"], identity["id_token"]
    body = options.session.split(":", 1)[1]
    session = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    connection = new_connection()
    files = Files(connection.createDataChannel("my-data-channel"), options.out)
    opened = asyncio.Event()
    files.channel.on("open", opened.set)
    await connection.setLocalDescription(await connection.createOffer())
    socket = await websockets.connect(options.ws)
    try:
        await socket.send(
            json.dumps(
                {
                    "type": "register",
                    "peer_id": username,
                    "room_id": session["r"],
                    "token": session["t"],
                    "id_token": id_token,
                }
            )
        )
        # Pipelined: the answer to `register` is not waited for.
        await socket.send(
            json.dumps(
                {
                    "type": "offer",
                    "sender": username,
                    "target": session["p"],
                    "sdp": connection.localDescription.sdp,
                }
            )
        )
        kind, frame = "", {}
        while kind != "answer":
            kind, frame = await next_frame(socket, {"registered_auth", "answer"})
        await connection.setRemoteDescription(RTCSessionDescription(frame["sdp"], "answer"))
        reading = asyncio.ensure_future(next_frame(socket, set()))
        moving = asyncio.ensure_future(exchange(options, files, opened))
        await asyncio.wait([reading, moving], return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            moving.cancel()
            reading.result()
        reading.cancel()
        moving.result()
    finally:
        await leave(options, connection, socket, username)


async def exchange(options, files, opened):
    await opened.wait()
    for path in options.send:
        await files.send(path)
    if not await files.wait_for(options.expect):
        raise RuntimeError(f"the worker left after {files.received} of {options.expect} files")
    await files.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["worker", "client"])
    parser.add_argument("--http", default="http://127.0.0.1:8001")
    parser.add_argument("--ws", default="ws://127.0.0.1:8080")
    parser.add_argument("--session", help="client: what the worker printed")
    parser.add_argument("--send", nargs="*", default=[], help="files to send")
    parser.add_argument("--expect", type=int, default=1, help="files to wait for; a worker answers after them")
    parser.add_argument("--out", default=".", help="where received files go")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    run = worker if options.mode == "worker" else client
    try:
        asyncio.run(run(options))
    except UnknownFrame as error:
        say(f"unknown frame: {error}")
        sys.exit(3)
    except ServerError as error:
        say(f"server error: {error}")
        sys.exit(4)


if __name__ == "__main__":
    main()
