-- Requests that are with an instance right now. Each worker counts its own, so that nobody else changes them, and what one
-- that was killed had can be told from the rest. A count of none has no key: there are no more of them than requests.
-- Not `reveille_flight`: an older release had other keys there, and a reload keeps a memory by its name.
local flight = ngx.shared.reveille_in_flight  -- "<number of the worker> <address>"
local WORKER = "worker "                      -- and a number: in `state`, the pid that has it
local WORKERS = "workers"                     -- how many numbers were ever given, from 0 on
local me

local function text_of(path)
  local file = io.open(path, "r")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

-- The pid of a process's parent, nil where that process is no more, as is a zombie.
local function parent_of(pid)
  local mark, parent = match(text_of("/proc/" .. pid .. "/stat") or "", "^.*%) (%a) (%d+)")
  return mark ~= "Z" and parent or nil
end

-- Whether a worker of this nginx has this pid: all have one parent, also where the master was killed. Not by its title: it gets
-- that after its birth, and who has the pid of a dead one may be a worker of another nginx.
local function is_worker(pid)
  return parent_of(pid) == parent_of("self")
end

-- What was dropped to make room is not counted off below nothing.
local function count(address, step)
  local key = me .. address
  if flight:incr(key, step, step > 0 and 0 or nil) == 0 then flight:delete(key) end
end

-- Requests that an instance has from all workers.
local function requests_of(address)
  local sum = 0
  for number = 0, (state:get(WORKERS) or 0) - 1 do
    sum = sum + (flight:get(number .. " " .. address) or 0)
  end
  return sum
end

-- The request is with this instance from now on ("": with none). A variable, as ngx.ctx is lost on every internal redirect.
local function hold(var, address)
  local before = var.held
  if before and before ~= "" then count(before, -1) end
  var.held = address
  if address ~= "" then count(address, 1) end
end

-- All keys, one by one. In a request, others get their turn in between: with 50,000 of them it takes a while.
local function keys(is_request)
  local all, index = flight:get_keys(0), 0
  return function()
    index = index + 1
    if is_request and index % 500 == 0 then ngx.sleep(0) end
    return all[index]
  end
end

-- Drops what workers that are no more have left, and the one whose pid is `born` now; nil in a request.
local function bury(born)
  local dead = {}
  for number = 0, (state:get(WORKERS) or 0) - 1 do
    local pid = state:get(WORKER .. number)
    local is_dead = pid and (pid == born or not is_worker(pid))
    -- Of several that look, one takes it away.
    if is_dead and state:add("buried " .. number .. " " .. pid, true, 60) then dead[tostring(number)] = true end
  end
  if not next(dead) then return end
  for key in keys(not born) do
    if dead[match(key, "^%d+")] then flight:delete(key) end
  end
  for number in pairs(dead) do state:delete(WORKER .. number) end
end

-- A worker that dies is replaced at once: who is born looks for the dead, and has the lowest number that is free.
function gateway.born()
  local pid, number = ngx.worker.pid(), 0
  bury(pid)
  while not state:add(WORKER .. number, pid) do number = number + 1 end
  while (state:get(WORKERS) or 0) <= number do state:incr(WORKERS, 1, 0) end
  me = number .. " "
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
