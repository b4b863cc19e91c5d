"""Opens connections and leaves them open: idle.py PORT TLS COUNT; the request comes on standard input.

Prints "ready" when all of them have been answered, and ends with its standard input.
"""

import socket
import ssl
import sys

port, tls, count = int(sys.argv[1]), sys.argv[2] == "tls", int(sys.argv[3])
request = sys.stdin.buffer.readline().rstrip(b"\n").decode("unicode_escape").encode()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
connections = []
for _ in range(count):
    connection = socket.create_connection(("127.0.0.1", port))
    if tls:
        connection = context.wrap_socket(connection, server_hostname="localhost")
    connection.sendall(request)
    answer = connection.recv(65536)
    if answer[9:12] not in (b"101", b"200"):
        sys.exit("not served: %r" % answer)
    connections.append(connection)
print("ready", flush=True)
sys.stdin.buffer.read()
