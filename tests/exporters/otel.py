"""OpenTelemetry's SDK: logs, traces and metrics over HTTP and gRPC."""

import logging

from stage import KEPT, PASSWORD, TOKEN, expect, is_clean, is_masked, one, until


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
