"""An example trading service: it logs, places an order a second, and serves an export. All it sends goes to its sidecar."""

import http.client
import http.server
import json
import secrets
import threading
import time

SIDECAR = ("127.0.0.1", 15001)
# Made up at the start: a secret that a careless line of code puts into the log.
TOKEN = "ghp_" + "".join(secrets.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(36))
PASSWORD = secrets.token_hex(12)


def send(method, path, body, headers):
    connection = http.client.HTTPConnection(*SIDECAR, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def log(line):
    entry = [str(time.time_ns()), line]
    push = {"streams": [{"stream": {"app": "trader"}, "values": [entry]}]}
    return send("POST", "/loki/api/v1/push", json.dumps(push), {"content-type": "application/json"})


def trade(number):
    order = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001&newClientOrderId=demo-{number}&timestamp={time.time_ns() // 1_000_000}"
    headers = {"x-mbx-apikey": "k" * 20, "content-type": "application/x-www-form-urlencoded"}
    return send("POST", "/binance/api/v3/order", order, headers)


def work():
    number = 0
    while True:
        number += 1
        try:
            status, answer = trade(number)
            log(f"order {number}: {status} {answer.decode(errors='replace')[:200]}")
            log(f"level=debug msg=\"calling the build server\" token={TOKEN} password={PASSWORD} order={number}")
        except OSError as error:
            print(f"the sidecar does not answer: {error}", flush=True)
        time.sleep(1)


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"user,api_token\nann,{TOKEN}\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/csv")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        pass


threading.Thread(target=work, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Service).serve_forever()
