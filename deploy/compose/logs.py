"""A log receiver that takes Loki's pushes, and gives the newest lines back on GET /lines."""

import gzip
import http.server
import json

LINES = []


class Logs(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return whole

    def do_POST(self):
        body = self.body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for stream in json.loads(body)["streams"]:
            LINES.extend(line for _, line in stream["values"])
        del LINES[:-1000]
        self.answer(204)

    def do_GET(self):
        self.answer(200, json.dumps(LINES).encode())

    def log_message(self, *_words):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 3100), Logs).serve_forever()
