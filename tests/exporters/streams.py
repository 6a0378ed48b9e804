"""Clients with a protocol of their own: Fluentd's forward, syslog."""

import subprocess
import tempfile
from pathlib import Path

from stage import KEPT, PASSWORD, TOKEN, Wrong, expect, is_clean, is_masked, until


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
