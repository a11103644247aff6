-- Requests that are with an instance right now. Each worker counts its own, so that what one that was killed had can be
-- told from the rest; the sums of all are beside it, for who has to choose.
local flight = ngx.shared.reveille_flight  -- "<pid> <address>"
local busy = ngx.shared.reveille_busy      -- "<address>"
local me

local function text_of(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- Whether an nginx process of this kind has this number: "master", "worker".
local function is_nginx(kind, pid)
  return find(text_of("/proc/" .. pid .. "/cmdline") or "", "nginx: " .. kind, 1, true) == 1
end

-- What was dropped to make room is not counted off below nothing.
local function count(address, step)
  me = me or ngx.worker.pid() .. " "
  local init = step > 0 and 0 or nil
  flight:incr(me .. address, step, init)
  busy:incr(address, step, init)
end

-- The request is with this instance from now on ("": with none). A variable, as ngx.ctx is lost on every internal redirect.
local function hold(var, address)
  local before = var.held
  if before and before ~= "" then count(before, -1) end
  var.held = address
  if address ~= "" then count(address, 1) end
end

-- All keys, one by one. In a request, others get their turn in between: with 50,000 addresses it takes most of a second.
local function keys(is_request)
  local all, index = flight:get_keys(0), 0
  return function()
    index = index + 1
    if is_request and index % 500 == 0 then ngx.sleep(0) end
    return all[index]
  end
end

-- Drops what workers that are no more have left, and the one whose number is `born` now; nil in a request.
local function bury(born)
  local is_dead = { [born or ""] = true }
  for key in keys(not born) do
    local pid, address = match(key, "^(%d+) (.+)$")
    if pid and is_dead[pid] == nil then
      -- Of several that look, one takes it away.
      is_dead[pid] = not is_nginx("worker", pid) and flight:add("buried " .. pid, true, 60) or false
    end
    if pid and is_dead[pid] then
      busy:incr(address, -(flight:get(key) or 0))
      flight:delete(key)
    end
  end
end

-- A worker that dies is replaced at once: who is born looks for the dead.
function gateway.born()
  bury(tostring(ngx.worker.pid()))
end

-- GET /flight: a line for each address with requests.
function gateway.flight()
  bury()
  local sums = {}
  for key in keys(true) do
    local address = match(key, "^%d+ (.+)$")
    if address then sums[address] = (sums[address] or 0) + (flight:get(key) or 0) end
  end
  for address, sum in pairs(sums) do
    if sum > 0 then ngx.say(address, " ", sum) end
  end
end
