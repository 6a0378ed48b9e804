-- Load for wrk: method and body come from the environment, the counts go out as one JSON line.
wrk.method = os.getenv("LOAD_METHOD") or "GET"
local body = os.getenv("LOAD_BODY")
if body and body ~= "" then
  local file = assert(io.open(body, "rb"))
  wrk.body = file:read("*a")
  file:close()
end

function done(summary)
  local e = summary.errors
  io.write(string.format('{"requests":%d,"refused":%d,"errors":%d}\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout))
end
