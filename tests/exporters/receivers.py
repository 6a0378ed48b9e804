"""Receivers that answer as the real ones do and keep what reached them."""

import gzip
import json
import socket
import threading
import zlib
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Http:
    """Everything that is HTTP: OTLP, Loki, Splunk, Datadog, Elasticsearch, S3, CloudWatch Logs."""

    def __init__(self):
        self.received = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def body(self):
                if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                    pieces = []
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        pieces.append(self.rfile.read(size))
                        self.rfile.readline()
                    while self.rfile.readline().strip():
                        pass
                    return b"".join(pieces)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def answer(self):
                body = self.body()
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append((self.command, self.path, headers, body))
                status, kind, text = receiver.reply(self.path, body)
                self.send_response(status)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def reply(path, body):
        if path.startswith("/v1/"):
            return 200, "application/x-protobuf", b""
        if path.startswith("/loki/"):
            return 204, "text/plain", b""
        if path.startswith("/services/collector"):
            return 200, "application/json", b'{"text":"Success","code":0}'
        if path.startswith("/api/v2/logs"):
            return 202, "application/json", b"{}"
        if path.endswith("/_bulk"):
            actions = [json.loads(line) for line in plain({}, body).splitlines()[::2]]
            items = [{next(iter(action)): {"_index": "logs", "status": 201}} for action in actions]
            return 200, "application/json", json.dumps({"took": 1, "errors": False, "items": items}).encode()
        if path == "/":
            return 200, "application/x-amz-json-1.1", b'{"nextSequenceToken":"1"}'
        return 200, "text/plain", b""

    def take(self):
        taken, self.received[:] = list(self.received), []
        return taken


def plain(headers, body):
    """A body without its content coding."""
    if headers.get("content-encoding") == "gzip" or body[:2] == b"\x1f\x8b":
        return gzip.decompress(body)
    if headers.get("content-encoding") == "deflate":
        return zlib.decompress(body)
    return body


class Grpc:
    """OTLP over gRPC: the services as OpenTelemetry's own package defines them."""

    def __init__(self):
        import grpc
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc

        self.received = received = []

        def service(base, answer):
            class Service(base):
                def Export(self, request, context):
                    received.append(request)
                    return answer()

            return Service()

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        logs_grpc.add_LogsServiceServicer_to_server(
            service(logs_grpc.LogsServiceServicer, logs.ExportLogsServiceResponse), self.server)
        metrics_grpc.add_MetricsServiceServicer_to_server(
            service(metrics_grpc.MetricsServiceServicer, metrics.ExportMetricsServiceResponse), self.server)
        trace_grpc.add_TraceServiceServicer_to_server(
            service(trace_grpc.TraceServiceServicer, trace.ExportTraceServiceResponse), self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def take(self):
        taken, self.received[:] = list(self.received), []
        return taken


class Tcp:
    """Keeps what comes on each connection; acknowledges what Fluentd's protocol wants acknowledged."""

    def __init__(self, acknowledge=False):
        self.received, self.acknowledge = bytearray(), acknowledge
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        unpacker = None
        if self.acknowledge:
            import msgpack
            unpacker = msgpack.Unpacker(strict_map_key=False)
        while piece := client.recv(65536):
            self.received += piece
            if unpacker is None:
                continue
            unpacker.feed(piece)
            for message in unpacker:
                options = message[-1] if isinstance(message[-1], dict) else {}
                if "chunk" in options:
                    client.sendall(msgpack.packb({"ack": options["chunk"]}))

    def take(self):
        taken, self.received[:] = bytes(self.received), b""
        return taken
