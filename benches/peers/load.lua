-- Load for wrk: method and body come from the environment, the counts go out as one JSON line.
wrk.method = os.getenv("LOAD_METHOD") or "GET"
-- What an HTTP library of a trading service sends along.
wrk.headers["User-Agent"] = "python-requests/2.32.3"
wrk.headers["Accept"] = "*/*"
wrk.headers["Accept-Encoding"] = "gzip, deflate"
wrk.headers["Connection"] = "keep-alive"
if os.getenv("LOAD_KEY") then
  wrk.headers["X-MBX-APIKEY"] = os.getenv("LOAD_KEY")
end
local body = os.getenv("LOAD_BODY")
if body and body ~= "" then
  local file = assert(io.open(body, "rb"))
  wrk.body = file:read("*a")
  file:close()
  wrk.headers["Content-Type"] = os.getenv("LOAD_TYPE")
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"refused":%d,"errors":%d,"p50_us":%d,"p99_us":%d,"seconds":%.3f}\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), summary.duration / 1e6))
end
