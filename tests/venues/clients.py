"""What real client libraries do at each venue: one call a kind of message, with the class that the message is of."""

import re

import ccxt

from venue import KEY, PASSPHRASE, SECRET

SPOT, SWAP, STOCK = "BTC/USDT", "BTC/USDT:USDT", "BTC/USD"


def rebased(urls, base):
    """The same addresses below another one."""
    if isinstance(urls, dict):
        return {name: rebased(url, base) for name, url in urls.items()}
    return re.sub(r"^https?://[^/]+", base, urls) if isinstance(urls, str) else urls


def market(exchange, symbol, ident, **more):
    derived = ":" in symbol
    base, quote = symbol.split(":")[0].split("/")
    return exchange.safe_market_structure({
        "id": ident, "lowercaseId": ident.lower(), "symbol": symbol, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
        "settle": symbol.split(":")[1] if derived else None, "settleId": symbol.split(":")[1] if derived else None,
        "type": "swap" if derived else "spot", "spot": not derived, "swap": derived, "contract": derived, "margin": not derived,
        "linear": derived or None, "inverse": False if derived else None, "contractSize": 1.0 if derived else None, "active": True,
        "precision": {"amount": 0.001, "price": 0.1}, "limits": {}, "info": {"orderTypes": ["LIMIT", "MARKET"]}, **more,
    })


def exchange(name, base, markets, **options):
    client = getattr(ccxt, name)({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE, "enableRateLimit": False,
                                  "maxRetriesOnFailure": 0, "options": options})
    client.urls["api"] = rebased(client.urls["api"], base)
    if "hostname" in client.describe():
        client.hostname = "unused"
    client.set_markets([market(client, *each) for each in markets])
    client.currencies = client.currencies or {}
    for code in ("USDT", "BTC", "USD"):
        structure = {"id": code, "code": code, "precision": 0.00000001, "active": True, "limits": {}, "networks": {}, "info": {}}
        client.currencies[code] = structure
        client.currencies_by_id[code] = structure
    return client


def binance(base):
    client = exchange("binance", base, [(SPOT, "BTCUSDT"), (SWAP, "BTCUSDT")], defaultType="spot")
    return {
        "A balance": lambda: client.fetch_balance(),
        "A open orders": lambda: client.fetch_open_orders(SPOT),
        "E spot buy": lambda: client.create_order(SPOT, "limit", "buy", 1, 100),
        "E spot sell": lambda: client.create_order(SPOT, "market", "sell", 1),
        "G spot replace": lambda: client.edit_order("1", SPOT, "limit", "buy", 1, 101),
        "B spot cancel": lambda: client.cancel_order("1", SPOT),
        "B spot cancel all": lambda: client.cancel_all_orders(SPOT),
        "E swap buy": lambda: client.create_order(SWAP, "limit", "buy", 1, 100),
        "C swap reduce": lambda: client.create_order(SWAP, "market", "sell", 1, None, {"reduceOnly": True}),
        "E swap batch": lambda: client.create_orders([{"symbol": SWAP, "type": "limit", "side": "buy", "amount": 1, "price": 1}]),
        "C swap batch reduce": lambda: client.create_orders(
            [{"symbol": SWAP, "type": "market", "side": "sell", "amount": 1, "params": {"reduceOnly": True}}]),
        "G swap edit": lambda: client.edit_order("1", SWAP, "limit", "buy", 2, 100),
        "B swap cancel": lambda: client.cancel_order("1", SWAP),
        "B swap cancel all": lambda: client.cancel_all_orders(SWAP),
        "I swap leverage": lambda: client.set_leverage(5, SWAP),
        "J transfer": lambda: client.transfer("USDT", 1, "spot", "future"),
        "L listen key": lambda: client.fapiprivate_post_listenkey(),
        "B dead-man": lambda: client.fapiprivate_post_countdowncancelall({"symbol": "BTCUSDT", "countdownTime": 1000}),
        "I dead-man off": lambda: client.fapiprivate_post_countdowncancelall({"symbol": "BTCUSDT", "countdownTime": 0}),
    }


def okx(base):
    client = exchange("okx", base, [(SPOT, "BTC-USDT"), (SWAP, "BTC-USDT-SWAP")])
    return {
        "A balance": lambda: client.fetch_balance(),
        "E spot buy": lambda: client.create_order(SPOT, "limit", "buy", 1, 100),
        "E swap buy": lambda: client.create_order(SWAP, "limit", "buy", 1, 100),
        "C swap reduce": lambda: client.create_order(SWAP, "market", "sell", 1, None, {"reduceOnly": True}),
        "D hedge close": lambda: client.create_order(SWAP, "market", "sell", 1, None, {"posSide": "long", "hedged": True}),
        "E batch": lambda: client.create_orders([{"symbol": SPOT, "type": "limit", "side": "buy", "amount": 1, "price": 1}]),
        "G amend": lambda: client.edit_order("1", SPOT, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("1", SPOT),
        "B cancel many": lambda: client.cancel_orders(["1", "2"], SPOT),
        "C close": lambda: client.close_position(SWAP),
        "I leverage": lambda: client.set_leverage(5, SWAP, {"marginMode": "cross"}),
        "J transfer": lambda: client.transfer("USDT", 1, "funding", "trading"),
        "B dead-man": lambda: client.cancel_all_orders_after(60000),
        "I dead-man off": lambda: client.cancel_all_orders_after(0),
    }


def bybit(base):
    client = exchange("bybit", base, [(SPOT, "BTCUSDT"), (SWAP, "BTCUSDT")], enableUnifiedAccount=True, enableUnifiedMargin=False)
    return {
        "A open orders": lambda: client.private_get_v5_order_realtime({"category": "linear"}),
        "E spot sell": lambda: client.create_order(SPOT, "market", "sell", 1),
        "E swap buy": lambda: client.create_order(SWAP, "limit", "buy", 1, 100),
        "C swap reduce": lambda: client.create_order(SWAP, "market", "sell", 1, None, {"reduceOnly": True}),
        "G amend": lambda: client.edit_order("1", SWAP, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("1", SWAP),
        "B cancel all": lambda: client.cancel_all_orders(SWAP),
        "E batch": lambda: client.create_orders([{"symbol": SWAP, "type": "limit", "side": "buy", "amount": 1, "price": 1}]),
        "I leverage": lambda: client.set_leverage(5, SWAP),
        "J transfer": lambda: client.transfer("USDT", 1, "unified", "fund"),
        "B dead-man": lambda: client.private_post_v5_order_disconnected_cancel_all({"timeWindow": 40}),
    }


def kraken(base):
    client = exchange("kraken", base, [(STOCK, "XBTUSD")])
    return {
        "A balance": lambda: client.fetch_balance(),
        "E buy": lambda: client.create_order(STOCK, "limit", "buy", 1, 100),
        "E sell": lambda: client.create_order(STOCK, "market", "sell", 1),
        "C margin reduce": lambda: client.create_order(STOCK, "market", "sell", 1, None, {"leverage": "2", "reduceOnly": True}),
        "E batch": lambda: client.create_orders([{"symbol": STOCK, "type": "limit", "side": "buy", "amount": 1, "price": 1},
                                                 {"symbol": STOCK, "type": "limit", "side": "buy", "amount": 1, "price": 2}]),
        "G amend": lambda: client.edit_order("O1", STOCK, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("O1", STOCK),
        "B cancel all": lambda: client.cancel_all_orders(),
        "B dead-man": lambda: client.cancel_all_orders_after(60000),
        "I dead-man off": lambda: client.cancel_all_orders_after(0),
        "J withdraw": lambda: client.private_post_withdraw({"asset": "XBT", "key": "k", "amount": "1"}),
    }


def kraken_futures(base):
    client = exchange("krakenfutures", base, [("BTC/USD:USD", "PF_XBTUSD")])
    symbol = "BTC/USD:USD"
    return {
        "A open orders": lambda: client.fetch_open_orders(symbol),
        "E buy": lambda: client.create_order(symbol, "limit", "buy", 1, 100),
        "C reduce": lambda: client.create_order(symbol, "market", "sell", 1, None, {"reduceOnly": True}),
        "E batch": lambda: client.create_orders([{"symbol": symbol, "type": "limit", "side": "buy", "amount": 1, "price": 1}]),
        "G edit": lambda: client.edit_order("1", symbol, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("1", symbol),
        "B cancel many": lambda: client.cancel_orders(["1", "2"], symbol),
        "B cancel all": lambda: client.cancel_all_orders(symbol),
        "B dead-man": lambda: client.cancel_all_orders_after(60000),
        "I leverage": lambda: client.set_leverage(5, symbol),
    }


def coinbase(base):
    client = exchange("coinbase", base, [(STOCK, "BTC-USD")], createMarketBuyOrderRequiresPrice=False)
    return {
        "E buy": lambda: client.create_order(STOCK, "limit", "buy", 1, 100),
        "E sell": lambda: client.create_order(STOCK, "market", "sell", 1),
        "G edit": lambda: client.edit_order("o1", STOCK, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("o1", STOCK),
        "C close": lambda: client.close_position(STOCK, None, {"clientOrderId": "c", "size": 1}),
        "J move": lambda: client.v3_private_post_brokerage_portfolios_move_funds({"funds": {"value": "1", "currency": "USD"}}),
    }


def deribit(base):
    client = exchange("deribit", base, [("BTC/USD:BTC", "BTC-PERPETUAL")])
    symbol = "BTC/USD:BTC"
    return {
        "A positions": lambda: client.private_get_get_positions({"currency": "BTC"}),
        "E buy": lambda: client.create_order(symbol, "limit", "buy", 10, 100),
        "C reduce": lambda: client.create_order(symbol, "market", "sell", 10, None, {"reduceOnly": True}),
        "G edit": lambda: client.edit_order("1", symbol, "limit", "buy", 20, 100),
        "B cancel": lambda: client.cancel_order("1", symbol),
        "B cancel all": lambda: client.cancel_all_orders(symbol),
        "C close": lambda: client.private_get_close_position({"instrument_name": "BTC-PERPETUAL", "type": "market"}),
        "J transfer": lambda: client.private_get_submit_transfer_to_subaccount({"currency": "BTC", "amount": 1, "destination": 2}),
    }


def alpaca(base):
    client = exchange("alpaca", base, [(STOCK, "BTC/USD")])
    return {
        "A open orders": lambda: client.fetch_open_orders(STOCK),
        "E buy": lambda: client.create_order(STOCK, "limit", "buy", 1, 100),
        "E sell": lambda: client.create_order(STOCK, "market", "sell", 1),
        "G edit": lambda: client.edit_order("1", STOCK, "limit", "buy", 2, 100),
        "B cancel": lambda: client.cancel_order("1", STOCK),
        "B cancel all": lambda: client.cancel_all_orders(),
        "C close all": lambda: client.trader_private_delete_v2_positions(),
    }


def python_binance(base):
    from binance.client import Client
    client = Client(KEY, SECRET, ping=False)
    client.API_URL, client.MARGIN_API_URL, client.FUTURES_URL = f"{base}/api", f"{base}/sapi", f"{base}/fapi"
    spot, swap = {"symbol": "BTCUSDT", "type": "MARKET", "quantity": 1}, {"symbol": "BTCUSDT", "type": "MARKET", "quantity": 1}
    return {
        "A open orders": lambda: client.get_open_orders(symbol="BTCUSDT"),
        "E spot buy": lambda: client.create_order(side="BUY", **spot),
        "A spot test": lambda: client.create_test_order(side="BUY", **spot),
        "B spot cancel": lambda: client.cancel_order(symbol="BTCUSDT", orderId=1),
        "E swap buy": lambda: client.futures_create_order(side="BUY", **swap),
        "C swap reduce": lambda: client.futures_create_order(side="SELL", reduceOnly="true", **swap),
        "B swap cancel": lambda: client.futures_cancel_order(symbol="BTCUSDT", orderId=1),
        "B swap cancel all": lambda: client.futures_cancel_all_open_orders(symbol="BTCUSDT"),
        "I swap leverage": lambda: client.futures_change_leverage(symbol="BTCUSDT", leverage=5),
        "J withdraw": lambda: client.withdraw(coin="BTC", address="x", amount=1),
    }


def alpaca_py(base):
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import LimitOrderRequest, ReplaceOrderRequest
    client = TradingClient(KEY, SECRET, url_override=base)
    one = "00000000-0000-4000-8000-000000000001"
    order = {"symbol": "AAPL", "qty": 1, "time_in_force": TimeInForce.DAY, "limit_price": 1}
    return {
        "A orders": lambda: client.get_orders(),
        "E buy": lambda: client.submit_order(LimitOrderRequest(side=OrderSide.BUY, **order)),
        "E sell": lambda: client.submit_order(LimitOrderRequest(side=OrderSide.SELL, **order)),
        "G replace": lambda: client.replace_order_by_id(one, ReplaceOrderRequest(qty=2)),
        "B cancel": lambda: client.cancel_order_by_id(one),
        "B cancel all": lambda: client.cancel_orders(),
        "C close all": lambda: client.close_all_positions(cancel_orders=True),
    }


CCXT = {"binance": binance, "okx": okx, "bybit": bybit, "kraken": kraken, "kraken_futures": kraken_futures, "coinbase": coinbase,
        "deribit": deribit, "alpaca": alpaca}
# Libraries of one venue: which, and what.
OTHERS = {"binance": python_binance, "alpaca": alpaca_py}
