"""A venue that takes every order it is sent, and says which on GET /received."""

import http.server
import json

RECEIVED = []


class Venue(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        body = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode(errors="replace")
        RECEIVED.append(f"{self.command} {self.path} {body}")
        del RECEIVED[:-1000]
        self.answer({"orderId": len(RECEIVED), "status": "FILLED"})

    do_POST = do_PUT = do_DELETE = take

    def do_GET(self):
        self.answer(RECEIVED)

    def log_message(self, *_words):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Venue).serve_forever()
