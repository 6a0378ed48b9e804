"""Log handlers and other clients that speak HTTP."""

import json
import logging
import subprocess

from stage import KEPT, PASSWORD, TOKEN, Wrong, expect, is_masked, one


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
    expect("credential of the receiver", headers["authorization"], "Splunk 00000000")
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
