"""Venues on loopback, faithful where it matters here: each checks the signature over the bytes that it received, keeps a record of
every message, and answers in its own shape."""

import base64
import hashlib
import hmac
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY, SECRET, PASSPHRASE = "fake-key", base64.b64encode(b"a fake secret, made for a test").decode(), "fake-passphrase"


def mac(kind, secret, text):
    return hmac.new(secret, text, kind).digest()


class Message:
    """A request as it arrived."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        self.path, _, self.query = target.partition("?")

    def line(self):
        return f"{self.method} {self.path}"

    def fields(self):
        """What it says, from query and body."""
        text = self.body.decode()
        if text[:1] in "{[" and text:
            said = json.loads(text)
            return said[0] if isinstance(said, list) else said
        return dict(urllib.parse.parse_qsl("&".join(part for part in (self.query, text) if part)))


class Venue:
    """What all of them have: a record, and refusal of what is not signed."""

    name = ""

    def __init__(self):
        self.record, self.unsigned, self.lock = [], [], threading.Lock()
        self.orders, self.next = {}, 1000

    def handle(self, message):
        with self.lock:
            self.record.append(message)
            if self.is_private(message) and not self.is_signed(message):
                self.unsigned.append(message)
                return 401, self.unauthorised()
            return 200, self.answer(message)

    def is_private(self, message):
        return True

    def unauthorised(self):
        return {"error": "signature"}

    def take(self):
        """What has arrived since the last time."""
        with self.lock:
            taken, self.record = self.record, []
            return taken

    def number(self):
        self.next += 1
        return str(self.next)


class Binance(Venue):
    name = "binance"

    def is_private(self, message):
        return "listenKey" not in message.path and "userDataStream" not in message.path

    def is_signed(self, message):
        signed = message.query + message.body.decode()
        text, _, signature = signed.rpartition("&signature=")
        return (message.headers.get("X-MBX-APIKEY") == KEY
                and signature == mac("sha256", SECRET.encode(), text.encode()).hex())

    def unauthorised(self):
        return {"code": -1022, "msg": "Signature for this request is not valid."}

    def answer(self, message):
        path, said = message.path, message.fields()
        order = {"symbol": said.get("symbol", "BTCUSDT"), "orderId": int(self.number()), "clientOrderId": "c", "status": "NEW",
                 "price": said.get("price", "0"), "origQty": said.get("quantity", "0"), "executedQty": "0",
                 "cummulativeQuoteQty": "0", "side": said.get("side", "BUY"), "type": said.get("type", "LIMIT"),
                 "timeInForce": "GTC", "transactTime": 1760000000000, "updateTime": 1760000000000, "reduceOnly": False}
        if path.endswith("/batchOrders"):
            return [order]
        if path.endswith("/cancelReplace"):
            return {"cancelResult": "SUCCESS", "newOrderResult": "SUCCESS", "cancelResponse": order, "newOrderResponse": order}
        if path.endswith(("/openOrders", "/allOrders")):
            return [order]
        if path.endswith(("listenKey", "userDataStream")):
            return {"listenKey": "fake-listen-key"}
        if path.endswith("/account"):
            return {"balances": [{"asset": "USDT", "free": "10", "locked": "0"}], "assets": [], "positions": [], "permissions": []}
        if path.endswith("/leverage"):
            return {"symbol": "BTCUSDT", "leverage": 5, "maxNotionalValue": "1000"}
        if path.endswith("/withdraw/apply"):
            return {"id": "w1"}
        if path.endswith("/asset/transfer"):
            return {"tranId": 13}
        if path.endswith("/countdownCancelAll"):
            return {"symbol": "BTCUSDT", "countdownTime": said.get("countdownTime")}
        return order


class Okx(Venue):
    name = "okx"

    def is_private(self, message):
        return not message.path.startswith(("/api/v5/public", "/api/v5/market"))

    def is_signed(self, message):
        text = message.headers.get("OK-ACCESS-TIMESTAMP", "") + message.method + message.target
        signature = base64.b64encode(mac("sha256", SECRET.encode(), text.encode() + message.body)).decode()
        return message.headers.get("OK-ACCESS-SIGN") == signature and message.headers.get("OK-ACCESS-PASSPHRASE") == PASSPHRASE

    def unauthorised(self):
        return {"code": "50113", "data": [], "msg": "Invalid signature"}

    def answer(self, message):
        said = message.fields()
        data = {"ordId": self.number(), "clOrdId": "", "sCode": "0", "sMsg": "", "tag": "", "ts": "1760000000000",
                "instId": said.get("instId", "BTC-USDT"), "state": "live", "side": "buy", "ordType": "limit", "sz": "1",
                "accFillSz": "0", "px": "1", "cTime": "1760000000000", "transId": "1", "wdId": "1", "ccy": "USDT", "amt": "1",
                "lever": "5", "mgnMode": "cross", "posSide": "net", "details": [], "from": "6", "to": "18"}
        return {"code": "0", "data": [data], "msg": ""}


class Bybit(Venue):
    name = "bybit"

    def is_private(self, message):
        return not message.path.startswith("/v5/market")

    def is_signed(self, message):
        headers = message.headers
        text = headers.get("X-BAPI-TIMESTAMP", "") + headers.get("X-BAPI-API-KEY", "") + headers.get("X-BAPI-RECV-WINDOW", "")
        text = text.encode() + (message.query.encode() if message.method == "GET" else message.body)
        return headers.get("X-BAPI-SIGN") == mac("sha256", SECRET.encode(), text).hex()

    def unauthorised(self):
        return {"retCode": 10004, "retMsg": "error sign!", "result": {}}

    def answer(self, message):
        result = {"orderId": self.number(), "orderLinkId": "", "id": "w1", "transferId": "t1", "status": "SUCCESS"}
        if message.method == "GET" or message.path.endswith(("cancel-all", "batch")):
            result = {"list": [{"orderId": "1", "orderLinkId": "", "symbol": "BTCUSDT", "totalEquity": "1", "coin": []}],
                      "category": "linear", "unified": 1, "uta": 1}
        return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1760000000000}


class Kraken(Venue):
    name = "kraken"

    def is_private(self, message):
        return message.path.startswith("/0/private")

    def is_signed(self, message):
        nonce = str(message.fields().get("nonce", ""))
        digest = hashlib.sha256(nonce.encode() + message.body).digest()
        expected = mac("sha512", base64.b64decode(SECRET), message.path.encode() + digest)
        return message.headers.get("API-Sign") == base64.b64encode(expected).decode()

    def unauthorised(self):
        return {"error": ["EAPI:Invalid signature"]}

    def answer(self, message):
        name = message.path.rsplit("/", 1)[-1]
        result = {
            "Balance": {"ZUSD": "10.0"}, "BalanceEx": {"ZUSD": {"balance": "10.0", "hold_trade": "0"}},
            "OpenOrders": {"open": {}}, "CancelOrder": {"count": 1}, "CancelAll": {"count": 1},
            "CancelAllOrdersAfter": {"currentTime": "2026-01-01T00:00:00Z", "triggerTime": "0"},
            "AmendOrder": {"amend_id": "A1"}, "Withdraw": {"refid": "R1"}, "WalletTransfer": {"refid": "R2"},
            "AddOrderBatch": {"orders": [{"txid": "O1", "descr": {"order": "buy 1 XBTUSD @ limit 1"}}]},
        }.get(name, {"txid": ["O" + self.number()], "descr": {"order": "buy 1.00000000 XBTUSD @ limit 100.0"}})
        return {"error": [], "result": result}


class KrakenFutures(Venue):
    name = "kraken_futures"

    def is_signed(self, message):
        sent = message.query or message.body.decode()
        endpoint = message.path.removeprefix("/derivatives")
        digest = hashlib.sha256((sent + endpoint).encode()).digest()
        expected = mac("sha512", base64.b64decode(SECRET), digest)
        return message.headers.get("Authent") == base64.b64encode(expected).decode()

    def unauthorised(self):
        return {"result": "error", "error": "authenticationError"}

    def answer(self, message):
        name = message.path.rsplit("/", 1)[-1]
        order = {"orderId": self.number(), "cliOrdId": None, "type": "lmt", "symbol": "PF_XBTUSD", "side": "buy", "quantity": 1,
                 "filled": 0, "limitPrice": 1, "reduceOnly": False, "timestamp": "2026-01-01T00:00:00.000Z"}
        placed = {"order_id": order["orderId"], "status": "placed", "receivedTime": "2026-01-01T00:00:00.000Z",
                  "orderEvents": [{"type": "PLACE", "order": order}]}
        answers = {
            "sendorder": {"sendStatus": placed}, "editorder": {"editStatus": {**placed, "status": "edited"}},
            "cancelorder": {"cancelStatus": {"status": "cancelled", "order_id": "1"}},
            "cancelallorders": {"cancelStatus": {"status": "cancelled", "cancelledOrders": []}},
            "cancelallordersafter": {"status": {"currentTime": "2026-01-01T00:00:00.000Z", "triggerTime": "0"}},
            "batchorder": {"batchStatus": [{**placed, "order_tag": "1"}]},
            "openorders": {"openOrders": []}, "openpositions": {"openPositions": []}, "accounts": {"accounts": {}},
        }
        return {"result": "success", "serverTime": "2026-01-01T00:00:00.000Z", **answers.get(name, {})}


class Coinbase(Venue):
    name = "coinbase"

    def is_signed(self, message):
        text = message.headers.get("CB-ACCESS-TIMESTAMP", "") + message.method + message.path
        expected = mac("sha256", SECRET.encode(), text.encode() + message.body).hex()
        return message.headers.get("CB-ACCESS-SIGN") == expected

    def answer(self, message):
        name = message.path.rsplit("/", 1)[-1]
        answers = {
            "orders": {"success": True, "success_response": {"order_id": self.number(), "product_id": "BTC-USD", "side": "BUY",
                                                             "client_order_id": "c"}, "order_configuration": {}},
            "batch_cancel": {"results": [{"success": True, "order_id": "o1"}]},
            "edit": {"success": True, "errors": []},
            "close_position": {"success": True, "success_response": {"order_id": "1", "product_id": "BTC-USD", "side": "SELL"}},
            "move_funds": {"source_portfolio_uuid": "a", "target_portfolio_uuid": "b"},
        }
        return answers.get(name, {"accounts": [], "orders": [], "data": {"id": "t1"}, "has_next": False})


class Deribit(Venue):
    name = "deribit"

    def is_private(self, message):
        return "/private/" in message.path

    def is_signed(self, message):
        said = message.headers.get("Authorization", "").removeprefix("deri-hmac-sha256 ").split(",")
        parts = dict(part.split("=", 1) for part in said if "=" in part)
        text = "\n".join([parts.get("ts", ""), parts.get("nonce", ""), message.method, message.target, message.body.decode(), ""])
        return parts.get("sig") == mac("sha256", SECRET.encode(), text.encode()).hex()

    def unauthorised(self):
        return {"jsonrpc": "2.0", "error": {"code": 13009, "message": "unauthorized"}}

    def answer(self, message):
        name = message.path.rsplit("/", 1)[-1]
        order = {"order_id": self.number(), "instrument_name": "BTC-PERPETUAL", "direction": "buy", "amount": 10, "price": 1,
                 "order_state": "open", "order_type": "limit", "filled_amount": 0, "creation_timestamp": 1760000000000}
        result = {"order": order, "trades": []}
        if name in ("cancel_all", "cancel_all_by_instrument", "cancel_all_by_currency"):
            result = 1
        elif name.startswith("cancel"):
            result = order
        elif name.startswith("get_open_orders") or name == "get_positions":
            result = []
        elif name.startswith(("submit_transfer", "withdraw")):
            result = {"id": 1, "state": "confirmed", "currency": "BTC", "amount": 1, "created_timestamp": 1760000000000}
        return {"jsonrpc": "2.0", "result": result, "usIn": 1, "usOut": 2}


class Alpaca(Venue):
    name = "alpaca"

    def is_signed(self, message):
        return message.headers.get("APCA-API-KEY-ID") == KEY and message.headers.get("APCA-API-SECRET-KEY") == SECRET

    def unauthorised(self):
        return {"code": 40110000, "message": "request is not authorized"}

    def answer(self, message):
        one = "00000000-0000-4000-8000-000000000001"
        order = {"id": one, "client_order_id": "c", "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
                 "submitted_at": "2026-01-01T00:00:00Z", "asset_id": one, "symbol": "BTC/USD", "asset_class": "crypto",
                 "qty": "1", "filled_qty": "0", "order_class": "simple", "order_type": "limit", "type": "limit", "side": "buy",
                 "time_in_force": "gtc", "limit_price": "1", "status": "accepted", "extended_hours": False}
        if message.method == "DELETE" and message.path == "/v2/orders":
            return [{"id": one, "status": 200, "body": order}]
        if message.method == "DELETE" and message.path == "/v2/positions":
            return [{"symbol": "AAPL", "status": 200, "body": order}]
        if message.method == "DELETE" and message.path.startswith("/v2/orders/"):
            return None
        if message.line() in ("GET /v2/orders", "GET /v2/positions"):
            return []
        if message.path == "/v2/account":
            return {"id": one, "account_number": "1", "status": "ACTIVE", "currency": "USD", "cash": "10", "equity": "10"}
        return order


VENUES = (Binance, Okx, Bybit, Kraken, KrakenFutures, Coinbase, Deribit, Alpaca)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, answer = self.server.venue.handle(Message(self.command, self.path, self.headers, body))
        text = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(204 if answer is None else status)
        self.send_header("content-type", "application/json")
        if answer is not None:
            self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_any

    def log_message(self, *_):
        pass


def serve(venue):
    """Runs a venue on a port of its own, which it returns."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.venue, server.daemon_threads = venue, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]
