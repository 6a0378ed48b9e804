#!/usr/bin/env python3
"""Real exporters through a running sidecar into receivers that answer as the real ones do.

Of every client is asked: the planted secrets reach nobody, everything else arrives equal after decoding, the client sees success,
and nothing is sent twice. `run.py [CLIENT ...]` runs those named, else all. A client that is not installed is a failure, unless it
stands behind `--without`.
"""

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import receivers

ROOT = Path(__file__).resolve().parent.parent.parent
# Made here, so that no scanner of repositories takes it for one.
TOKEN = "gh" + "p_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
PASSWORD = "correct horse battery"
SECRETS = (TOKEN.encode(), PASSWORD.encode())
KEPT = "order 7f9c24e8 filled at 0.50"


class Stage:
    """A sidecar, and the receivers behind it."""

    def __init__(self, binary, directory):
        self.http, self.tcp = receivers.Http(), {"syslog": receivers.Tcp(), "fluent": receivers.Tcp(acknowledge=True)}
        try:
            self.grpc = receivers.Grpc()
        except ImportError:
            self.grpc = None
        policy = Path(directory, "policy.yaml")
        grpc = self.grpc.port if self.grpc else self.http.port
        policy.write_text(f"""version: 1
service: exporters
data_dir: {directory}/data
listeners: {{ingress: "127.0.0.1:0", egress: "127.0.0.1:0", admin: "127.0.0.1:0", health: "127.0.0.1:0"}}
upstreams:
  http: {{url: "http://127.0.0.1:{self.http.port}"}}
  grpc: {{url: "http://127.0.0.1:{grpc}", protocol: h2c}}
routes:
  - {{name: grpc, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.logs.v1.LogsService}}, upstream: grpc}}
  - {{name: grpc-t, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.trace.v1.TraceService}}, upstream: grpc}}
  - {{name: grpc-m, listener: egress, match: {{path_prefix: /opentelemetry.proto.collector.metrics.v1.MetricsService}}, upstream: grpc}}
  - {{name: http, listener: egress, upstream: http, allow_headers: [authorization, dd-api-key]}}
streams:
  - {{name: syslog, listen: "127.0.0.1:0", format: syslog, to: "127.0.0.1:{self.tcp['syslog'].port}"}}
  - {{name: fluent, listen: "127.0.0.1:0", format: forward, to: "127.0.0.1:{self.tcp['fluent'].port}"}}
""")
        command = [binary, "run", "--policy", policy, "--data", Path(directory, "data")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.ports = {}
        for line in self.process.stdout:
            words = line.split()
            if words[0] == "stream":
                self.ports[words[2].strip("()")] = int(words[1].rsplit(":", 1)[1])
            elif words[0] == "state":
                break
            elif "://" in line:
                self.ports[words[0]] = int(words[1].rsplit(":", 1)[1])
        self.url = f"http://127.0.0.1:{self.ports['egress']}"

    def close(self):
        self.process.terminate()
        self.process.wait(30)


class Wrong(Exception):
    """What a client or a receiver saw and should not have."""


def expect(what, seen, wanted):
    if seen != wanted:
        raise Wrong(f"{what}: {seen!r}, not {wanted!r}")


def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Wrong(f"{what} did not come")
        time.sleep(0.02)


def is_clean(data):
    for secret in SECRETS:
        if secret in data:
            raise Wrong(f"a secret arrived: {data[:400]!r}")


def one(stage, path=None):
    """The one request that reached the receiver: its path, its headers, its decoded body."""
    until("the request", lambda: stage.http.received)
    time.sleep(0.1)
    requests = stage.http.take()
    expect("requests", len(requests), 1)
    _, where, headers, body = requests[0]
    if path:
        expect("path", where.split("?")[0], path)
    body = receivers.plain(headers, body)
    is_clean(body)
    return where, headers, body


def is_masked(text):
    """What is left of `KEPT` and a secret behind it."""
    if not (text.startswith(KEPT + " gh") and "****" in text):
        raise Wrong(f"not as it was around the mask: {text!r}")


# OpenTelemetry's SDK

def attributes(of):
    return {pair.key: pair.value.string_value for pair in of}


def check_logs(request):
    is_clean(request.SerializeToString())
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    is_masked(record.body.string_value)
    said = attributes(record.attributes)
    expect("attribute", said["symbol"], "BTCUSDT")
    expect("attribute", said["password"][:4], "****")
    expect("ids", len(request.resource_logs[0].scope_logs[0].log_records), 1)


def otlp(stage, transport, signal, compression=None):
    from opentelemetry.sdk.resources import Resource
    base = f"opentelemetry.exporter.otlp.proto.{transport}"
    module = __import__(f"{base}.{signal}_exporter" if signal != "logs" else f"{base}._log_exporter", fromlist=["x"])
    resource = Resource.create({"service.name": "desk"})
    options = {"timeout": 10}
    if transport == "http":
        options["endpoint"] = f"{stage.url}/v1/{'traces' if signal == 'trace' else signal.removesuffix('s') + 's'}"
        if compression:
            from opentelemetry.exporter.otlp.proto.http import Compression
            options["compression"] = Compression.Gzip
    else:
        import grpc
        options |= {"endpoint": f"127.0.0.1:{stage.ports['egress']}", "insecure": True}
        if compression:
            options["compression"] = grpc.Compression.Gzip
    return module, resource, options


def otlp_logs(stage, transport, compression=None):
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    module, resource, options = otlp(stage, transport, "logs", compression)
    results, exporter = [], module.OTLPLogExporter(**options)
    export = exporter.export
    exporter.export = lambda batch, *rest: results.append(export(batch, *rest)) or results[-1]
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = logging.getLogger(f"otlp-{transport}-{compression}")
    logger.propagate = False
    logger.addHandler(LoggingHandler(logger_provider=provider))
    logger.warning("%s %s", KEPT, TOKEN, extra={"symbol": "BTCUSDT", "password": PASSWORD})
    provider.shutdown()
    expect("results", [result.name for result in results], ["SUCCESS"])


def received_otlp(stage, transport, kind):
    if transport == "grpc":
        until("the call", lambda: stage.grpc.received)
        requests = stage.grpc.take()
        expect("calls", len(requests), 1)
        is_clean(requests[0].SerializeToString())
        return requests[0]
    _, _, body = one(stage)
    request = kind()
    request.ParseFromString(body)
    return request


def client_otlp_logs(stage):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    for transport in ("http", "grpc"):
        for compression in (None, "gzip"):
            otlp_logs(stage, transport, compression)
            check_logs(received_otlp(stage, transport, ExportLogsServiceRequest))


def client_otlp_traces(stage):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    for transport in ("http", "grpc"):
        module, resource, options = otlp(stage, transport, "trace")
        provider = TracerProvider(resource=resource)
        provider.add_span_processor(SimpleSpanProcessor(module.OTLPSpanExporter(**options)))
        with provider.get_tracer("desk").start_as_current_span("fill") as span:
            span.set_attribute("symbol", "BTCUSDT")
            span.add_event("note", {"text": f"{KEPT} {TOKEN}"})
        provider.shutdown()
        span = received_otlp(stage, transport, ExportTraceServiceRequest).resource_spans[0].scope_spans[0].spans[0]
        expect("span", (span.name, len(span.trace_id), attributes(span.attributes)), ("fill", 16, {"symbol": "BTCUSDT"}))
        is_masked(attributes(span.events[0].attributes)["text"])


def client_otlp_metrics(stage):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    for transport in ("http", "grpc"):
        module, resource, options = otlp(stage, transport, "metric")
        if transport == "http":
            options["endpoint"] = f"{stage.url}/v1/metrics"
        reader = PeriodicExportingMetricReader(module.OTLPMetricExporter(**options), export_interval_millis=3_600_000)
        provider = MeterProvider(metric_readers=[reader], resource=resource)
        provider.get_meter("desk").create_counter("fills").add(3, {"symbol": "BTCUSDT", "token": TOKEN})
        provider.shutdown()
        request = received_otlp(stage, transport, ExportMetricsServiceRequest)
        metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
        point = metric.sum.data_points[0]
        expect("metric", (metric.name, point.as_int), ("fills", 3))
        expect("attribute", attributes(point.attributes)["symbol"], "BTCUSDT")


# Log handlers over HTTP

def client_loki(stage):
    import logging_loki
    handler = logging_loki.LokiHandler(url=f"{stage.url}/loki/api/v1/push", tags={"app": "desk"}, version="1")
    failed = []
    handler.handleError = failed.append
    handler.emit(logging.makeLogRecord({"name": "desk", "levelname": "INFO", "msg": f"{KEPT} {TOKEN}"}))
    expect("errors of the handler", failed, [])
    _, _, body = one(stage, "/loki/api/v1/push")
    stream = json.loads(body)["streams"][0]
    expect("label", stream["stream"]["app"], "desk")
    is_masked(stream["values"][0][1])


def client_splunk(stage):
    from splunk_handler import SplunkHandler
    handler = SplunkHandler(host="127.0.0.1", port=stage.ports["egress"], token="0" * 8, index="main", protocol="http",
                            verify=False, flush_interval=0.2, retry_count=2)
    for number in range(2):
        handler.emit(logging.makeLogRecord({"name": "desk", "levelname": "INFO", "msg": f"{KEPT} {TOKEN}", "n": number}))
    handler.shutdown()
    _, headers, body = one(stage, "/services/collector/event")
    expect("credential of the receiver", headers["Authorization"], "Splunk 00000000")
    decoder, text, events = json.JSONDecoder(), body.decode(), []
    while text:
        event, end = decoder.raw_decode(text)
        events.append(event)
        text = text[end:].lstrip()
    expect("events", len(events), 2)
    for event in events:
        is_masked(event["event"] if isinstance(event["event"], str) else event["event"]["message"])


def client_datadog(stage):
    from datadog_api_client import ApiClient, Configuration
    from datadog_api_client.v2.api.logs_api import LogsApi
    from datadog_api_client.v2.model.content_encoding import ContentEncoding
    from datadog_api_client.v2.model.http_log import HTTPLog
    from datadog_api_client.v2.model.http_log_item import HTTPLogItem
    configuration = Configuration(host=stage.url, api_key={"apiKeyAuth": "0" * 8})
    configuration.server_index = None
    for coding in (None, ContentEncoding.GZIP, ContentEncoding.DEFLATE):
        with ApiClient(configuration) as client:
            api = LogsApi(client)
            api._submit_log_endpoint.settings["servers"] = None
            log = HTTPLog([HTTPLogItem(message=f"{KEPT} {TOKEN}", service="desk", ddtags="env:a"),
                           HTTPLogItem(message="nothing")])
            api.submit_log(log, **({"content_encoding": coding} if coding else {}))
        _, _, body = one(stage, "/api/v2/logs")
        items = json.loads(body)
        is_masked(items[0]["message"])
        expect("neighbours", (items[0]["service"], items[1]["message"]), ("desk", "nothing"))


def client_elasticsearch(stage):
    from elasticsearch import Elasticsearch
    from elasticsearch.helpers import bulk
    for compress in (False, True):
        client = Elasticsearch(stage.url, http_compress=compress, retry_on_timeout=False)
        actions = [{"_index": "logs", "n": number, "message": f"{KEPT} {TOKEN}"} for number in range(3)]
        expect("documents taken", bulk(client, actions), (3, []))
        _, _, body = one(stage, "/_bulk")
        lines = [json.loads(line) for line in body.splitlines()]
        expect("actions", [next(iter(line)) for line in lines[::2]], ["index"] * 3)
        expect("documents", [line["n"] for line in lines[1::2]], [0, 1, 2])
        [is_masked(line["message"]) for line in lines[1::2]]


def client_requests(stage):
    import requests
    session = requests.Session()
    body = {"message": f"{KEPT} {TOKEN}", "n": 1.5}
    answer = session.post(f"{stage.url}/collect", json=body, timeout=10)
    expect("status", answer.status_code, 200)
    expect("told", answer.headers.get("sekisho-found"), 'github-token;field="message"' if "field" in answer.headers.get(
        "sekisho-found", "") else "github-token")
    is_masked(json.loads(one(stage, "/collect")[2])["message"])
    files = {"file": ("a.log", f"{KEPT} {TOKEN}\n")}
    session.post(f"{stage.url}/upload", files=files, data={"password": PASSWORD, "n": "1"}, timeout=10).raise_for_status()
    _, _, body = one(stage, "/upload")
    if b'name="n"\r\n\r\n1\r\n' not in body or b"****" not in body:
        raise Wrong(f"not as it was around the masks: {body!r}")
    pieces = (f"{KEPT} {TOKEN}\n"[at:at + 9].encode() for at in range(0, 80, 9))
    session.post(f"{stage.url}/chunked", data=pieces, timeout=10).raise_for_status()
    is_masked(one(stage, "/chunked")[2].decode())


def client_httpx(stage):
    import httpx
    with httpx.Client(http1=False, http2=True) as client:
        answer = client.post(f"{stage.url}/collect", json={"message": f"{KEPT} {TOKEN}"})
    expect("answer", (answer.status_code, answer.http_version), (200, "HTTP/2"))
    is_masked(json.loads(one(stage, "/collect")[2])["message"])


def client_curl(stage):
    for version in ("--http1.1", "--http2-prior-knowledge"):
        command = ["curl", "-sS", "--fail", version, "--data-binary", f"{KEPT} {TOKEN}", f"{stage.url}/collect"]
        subprocess.run(command, check=True, capture_output=True)
        is_masked(one(stage, "/collect")[2].decode())


def aws(stage, service):
    import boto3
    from botocore.config import Config
    config = Config(retries={"total_max_attempts": 3}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=stage.url, region_name="eu-central-1", config=config,
                        aws_access_key_id="x" * 16, aws_secret_access_key="y" * 32)


def refused(call, *wanted):
    from botocore.exceptions import ClientError
    try:
        call()
    except ClientError as error:
        expect("status", error.response["ResponseMetadata"]["HTTPStatusCode"], 403)
        expect("attempts", error.response["ResponseMetadata"]["RetryAttempts"], 0)
        return
    raise Wrong("a signed body with a secret went on")


def client_boto3(stage):
    s3, logs = aws(stage, "s3"), aws(stage, "logs")
    clean = KEPT.encode() * 100
    s3.put_object(Bucket="b", Key="k", Body=clean)
    expect("object", one(stage)[2], clean)
    refused(lambda: s3.put_object(Bucket="b", Key="k", Body=f"{KEPT} {TOKEN}".encode()))
    event = {"timestamp": 1, "message": KEPT}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    expect("event", json.loads(one(stage)[2])["logEvents"], [event])
    refused(lambda: logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[
        {"timestamp": 1, "message": f"{KEPT} {TOKEN}"}]))
    expect("requests that went on", stage.http.take(), [])


# Protocols of their own

def client_fluent(stage):
    import msgpack
    from fluent import sender
    fluent = sender.FluentSender("desk", host="127.0.0.1", port=stage.ports["fluent"], nanosecond_precision=True)
    if not fluent.emit("fill", {"message": f"{KEPT} {TOKEN}", "password": PASSWORD, "n": 1.5}):
        raise Wrong(f"the sender failed: {fluent.last_error}")
    fluent.close()
    until("the entry", lambda: stage.tcp["fluent"].received)
    arrived = stage.tcp["fluent"].take()
    is_clean(arrived)
    tag, _, record = msgpack.unpackb(arrived, strict_map_key=False)[:3]
    expect("entry", (tag, record["n"], record["password"][:4]), ("desk.fill", 1.5, "****"))
    is_masked(record["message"])


def syslog_daemon(stage, command, send, wanted):
    """Starts a daemon that forwards what `send` gives it, and looks at what it forwarded."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until("the daemon", send)
        until("the messages", lambda: stage.tcp["syslog"].received.count(KEPT.encode()) >= 2)
    finally:
        process.terminate()
        process.wait(20)
    arrived = stage.tcp["syslog"].take()
    is_clean(arrived)
    frames = list(wanted(arrived))
    expect("masked messages", sum(KEPT.encode() in frame and b"****" in frame for frame in frames), 2)


def counted(data):
    while data:
        length, data = data.split(b" ", 1)
        yield data[:int(length)]
        data = data[int(length):]


def log_file(directory):
    """A file that a daemon reads, and what writes it."""
    path = Path(directory, "app.log")
    path.write_text(f"{KEPT} {TOKEN}\n{KEPT} {TOKEN}\n")
    return path


def client_rsyslog(stage):
    for framing, wanted in (("octet-counted", counted), ("traditional", bytes.splitlines)):
        with tempfile.TemporaryDirectory() as directory:
            path, config = log_file(directory), Path(directory, "rsyslog.conf")
            config.write_text(f'''module(load="imfile")
global(workDirectory="{directory}")
input(type="imfile" File="{path}" Tag="desk")
action(type="omfwd" Target="127.0.0.1" Port="{stage.ports['syslog']}" Protocol="tcp" TCP_Framing="{framing}"
       Template="RSYSLOG_SyslogProtocol23Format")
''')
            command = ["rsyslogd", "-n", "-f", config, "-i", Path(directory, "pid")]
            syslog_daemon(stage, command, lambda: True, wanted)


def client_syslog_ng(stage):
    version = subprocess.run(["syslog-ng", "--version"], capture_output=True, text=True, check=True).stdout
    version = version.split("Config version: ")[1].split()[0] if "Config version: " in version else "3.38"
    for driver, wanted in (("syslog", counted), ("network", bytes.splitlines)):
        with tempfile.TemporaryDirectory() as directory:
            path, config = log_file(directory), Path(directory, "syslog-ng.conf")
            config.write_text(f'''@version: {version}
source s {{ file("{path}" flags(no-parse) program-override("desk") read-old-records(yes)); }};
destination d {{ {driver}("127.0.0.1" port({stage.ports['syslog']}) transport("tcp")); }};
log {{ source(s); destination(d); }};
''')
            paths = ["-R", Path(directory, "persist"), "-p", Path(directory, "pid"), "-c", Path(directory, "ctl")]
            command = ["syslog-ng", "-F", "--no-caps", "-f", config, *paths]
            syslog_daemon(stage, command, lambda: True, wanted)


CLIENTS = {name.removeprefix("client_").replace("_", "-"): client
           for name, client in list(globals().items()) if name.startswith("client_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--without", action="append", default=[], metavar="CLIENT")
    parser.add_argument("--binary", default=os.environ.get("SEKISHO_BINARY", ROOT / "target/debug/sekisho"))
    args = parser.parse_args()
    unknown = [name for name in args.clients + args.without if name not in CLIENTS]
    if unknown:
        parser.error(f"no client is called {', '.join(unknown)}")
    if not shutil.which(str(args.binary)):
        parser.error(f"{args.binary} is not there: cargo build, or --binary")
    # What a client says of its own trouble is told by what it did.
    logging.lastResort = None
    failed = []
    for name in args.clients or [name for name in CLIENTS if name not in args.without]:
        with tempfile.TemporaryDirectory() as directory:
            stage = Stage(str(args.binary), directory)
            try:
                CLIENTS[name](stage)
                print(f"ok    {name}", flush=True)
            except (Wrong, ImportError, FileNotFoundError) as error:
                failed.append(name)
                print(f"FAIL  {name}: {error}", flush=True)
            finally:
                stage.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
