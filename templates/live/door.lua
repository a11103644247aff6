-- How the table changes: by the file that is read when nginx starts, and by whoever reaches the door, a socket in a
-- folder of the controller's user alone.
local REVISION = "revision"
local PUSHER = "pusher"  -- pid of the worker that changes the table
local NONE = "none"      -- while it is changed, so that a reload in between takes it for one that is there
local HEAD = "^reveille table 1 (%S+) (%x+)$"
local TOO_LATE = "it took too long, and somebody else began"

-- Where a line leads: its name, and the line, true if that is in the table already, false if the app goes; nil where it
-- breaks the rules. Adds the keys of failures that will count no more to `strangers`.
local function read_line(line, strangers)
  local name, rest = match(line, "^([^\t]+)\t(.*)$")
  if not name then return nil end
  if rest == "-" then return is_name(name) and name, false end
  local before = routes:get(name)
  if before == line then return name, true end
  local entry = read_entry(line)
  if not entry then return nil end
  add_strangers(strangers, entry, before and read_entry(before))
  return name, line
end

-- What lines want: by name as above, strangers, and what is at the beginning of those that break the rules: where it is a
-- name, its app has no line then, as whoever had the address that it had before may have left it.
local function read(lines, stay)
  local wanted, strangers, bad = {}, {}, {}
  for line in gmatch(lines, "[^\n]*\n?") do
    local name, value
    stay()  -- so that it is not taken for frozen: whether it was is looked at before anything is changed
    if sub(line, -1) == "\n" then name, value = read_line(sub(line, 1, -2), strangers) end
    if name then wanted[name] = value
    elseif line ~= "" then
      name = sub(match(line, "^[^\t\n]*"), 1, 64)
      bad[#bad + 1] = name
      if is_name(name) then wanted[name] = false end
    end
  end
  return wanted, strangers, bad
end

-- Everything that is not wanted goes.
local function drop_others(wanted)
  for _, name in ipairs(routes:get_keys(0)) do
    if wanted[name] == nil then wanted[name] = false end
  end
end

-- Makes the table what is wanted, for as long as it may. Of an app that finds no room nothing stays, so that what is there
-- is right: how many there are of them, and why.
local function put(wanted, strangers, may_go_on)
  for name, line in pairs(wanted) do
    if not may_go_on() then return 0 end
    if not line then routes:delete(name) end
  end
  local left_out, why = 0, nil
  for name, line in pairs(wanted) do
    if not may_go_on() then return 0 end
    if type(line) == "string" then
      local ok, words = routes:safe_set(name, line)
      if not ok then
        routes:delete(name)
        left_out, why = left_out + 1, words
      end
    end
  end
  for _, key in ipairs(strangers) do failed:delete(key) end
  return left_out, why
end

local function is_master(pid)
  return find(text_of("/proc/" .. pid .. "/cmdline") or "", "nginx: master", 1, true) == 1
end

-- A socket that is left of an nginx that was killed would keep the next one from starting. Its workers may live on for a
-- moment and hold it; a master that lives (this one, when it reloads) has it still.
local function clear(socket, pid_file)
  for _, suffix in ipairs({ "", ".oldbin" }) do
    local pid = match(text_of(pid_file .. suffix) or "", "^%d+")
    if pid and is_master(pid) then return end
  end
  os.remove(socket)
end

-- At the start of nginx. A table that is there already is newer than the file: this is a reload.
function gateway.open(folder, number)
  clear(folder .. "/door/" .. number, folder .. "/nginx.pid")
  if state:get(REVISION) then return end
  local path = folder .. "/table"
  local head, lines = match(text_of(path) or "", "^([^\n]*)\n(.*)$")
  local _, revision = match(head or "", HEAD)
  if not revision then return end
  local function always() return true end
  local wanted, strangers, bad = read(lines, always)
  drop_others(wanted)
  local left_out, why = put(wanted, strangers, always)
  state:incr(CHANGES, 1, 0)
  if #bad == 0 and left_out == 0 then return state:set(REVISION, revision) end
  ngx.log(ngx.ERR, "of the table in ", path, " ", #bad, " lines break the rules, and ", left_out, " find no room: ", why)
end

local function say(status, text)
  ngx.status = status
  ngx.say(text)
end

-- One push at a time, of all workers, so that nobody else changes what a revision is about to stand for. Waits for
-- another one for 2 s, unless its worker is no more. One that is frozen is in nobody's way after 10 s.
local STAY = 10
local function enter()
  for _ = 1, 200 do
    if state:add(PUSHER, ngx.worker.pid(), STAY) then return true end
    local pid = state:get(PUSHER)
    if pid and not is_worker(pid) then state:delete(PUSHER) else ngx.sleep(0.01) end
  end
  return false
end

-- Whether nobody took this worker for gone meanwhile.
local function is_inside()
  return state:get(PUSHER) == ngx.worker.pid()
end

-- The same for one that is at it, and will be for longer: with 250,000 lines it takes seconds.
local function stays_inside()
  return is_inside() and state:expire(PUSHER, STAY)
end

-- Of which moment the table is: so many pushes have changed it. Who says of which one he knew it is refused after others.
local function turn()
  return tostring(state:get(CHANGES) or 0)
end

-- Takes lines: all but those that break the rules, of which it says so.
local function take(before, after, known, lines)
  local now = state:get(REVISION) or NONE
  if before ~= "*" and before ~= now or known and known ~= turn() then return 409, now end
  local wanted, strangers, bad = read(lines, stays_inside)
  if before == "*" then drop_others(wanted) end
  if not is_inside() then return 503, TOO_LATE end
  state:set(REVISION, NONE)  -- one that ends in the middle is none
  -- Whether it is alone is looked at before each line, as one that was frozen may go on while another one is at it, or
  -- after that; and then once more, by the count, as it may have been frozen behind such a look.
  local changes = state:get(CHANGES) or 0
  local ok, left_out, why = pcall(put, wanted, strangers, stays_inside)
  local is_alone = state:incr(CHANGES, 1, 0) == changes + 1 and is_inside()
  if not ok then return 500, left_out end
  if not is_alone then
    state:set(REVISION, NONE)
    return 503, TOO_LATE
  end
  if left_out > 0 then return 507, left_out .. " apps find no room in its memory, launchers lead to them: " .. why end
  state:set(REVISION, after)
  table.insert(bad, 1, after)
  return 200, table.concat(bad, "\n")
end

-- GET: the revision, and its turn in a header. PUT: `reveille table 1 <revision before, or *> <revision after>` and lines,
-- none of them where that is not the revision, or where `?turn=` is not its turn. Answers the revision after it, and a line
-- for each that breaks the rules.
function gateway.table()
  ngx.header.turn = turn()
  if ngx.req.get_method() ~= "PUT" then return say(200, state:get(REVISION) or NONE) end
  ngx.req.read_body()
  local head, lines = match(ngx.req.get_body_data() or "", "^([^\n]*)\n(.*)$")
  local before, after = match(head or "", HEAD)
  if not before then return say(400, "no table") end
  if lines ~= "" and sub(lines, -1) ~= "\n" then return say(400, "its end is missing") end
  if not enter() then return say(503, "somebody else changes it") end
  local ok, status, text = pcall(take, before, after, ngx.var.arg_turn, lines)
  if is_inside() then state:delete(PUSHER) end
  ngx.header.turn = turn()
  if ok then say(status, text) else say(500, status) end
end
