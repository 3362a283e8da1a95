"""TLS before a Postgres that was built without it: a program that offers it on a port of loopback, and nothing else.

Arguments: the port, the server's Unix socket, a certificate and its key. It says when it is ready.
Source of the messages: PostgreSQL documentation, "SSL Session Encryption" and "GSSAPI Session Encryption".
"""

import asyncio
import contextlib
import ssl
import sys

_TLS, _GSS = (bytes([0, 0, 0, 8, 4, 210, 22, last]) for last in (47, 48))


async def main(port: str, socket: str, certificate: str, key: str) -> None:
    """Serve until it is killed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            asked = await reader.readexactly(8)
            if asked == _GSS:
                writer.write(b"N")
                asked = await reader.readexactly(8)
            if asked == _TLS:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
                inner_reader, inner_writer = await asyncio.open_unix_connection(socket)
                await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", int(port))
    print("ready", flush=True)
    await server.serve_forever()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, until its end."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
