-- How the table changes: by the file that is read when nginx starts, and by whoever reaches the door, a socket in a
-- folder of the controller's user alone.
local REVISION = "\0revision"  -- no name of an app
local NONE = "none"            -- while lines are put, so that a reload in between takes the table for one that is there
local HEAD = "^reveille table 1 (%S+) (%x+)$"

-- Puts lines into the table. Returns how many break the rules; those change nothing.
local function put(lines)
  local bad = 0
  for line in gmatch(lines, "([^\n]+)\n") do
    local gone = match(line, "^([^\t]+)\t%-$")
    local entry = not gone and read_entry(line)
    if gone and is_name(gone) then
      routes:delete(gone)
    elseif entry then
      forget(entry, lookup(entry.name))
      local ok, words = routes:safe_set(entry.name, line)
      if not ok then error("the table is full: " .. tostring(words)) end
    else
      bad = bad + 1
    end
  end
  return bad
end

local function first_bad(lines)
  local number = 0
  for line in gmatch(lines, "([^\n]*)\n") do
    number = number + 1
    local gone = match(line, "^([^\t]+)\t%-$")
    if not (gone and is_name(gone)) and not read_entry(line) then return number end
  end
  return find(lines, "[^\n]$") and number + 1 or nil
end

-- A socket that is left of an nginx that was killed would keep the next one from starting. Its workers may live on for a
-- moment and hold it; a master that lives (this one, when it reloads) has it still.
local function clear(socket, pid_file)
  for _, suffix in ipairs({ "", ".oldbin" }) do
    local pid = match(text_of(pid_file .. suffix) or "", "^%d+")
    if pid and is_nginx("master", pid) then return end
  end
  os.remove(socket)
end

-- At the start of nginx. A table that is there already is newer than the file: this is a reload.
function gateway.open(folder, number)
  clear(folder .. "/door/" .. number, folder .. "/nginx.pid")
  if routes:get(REVISION) then return end
  local path = folder .. "/table"
  local head, lines = match(text_of(path) or "", "^([^\n]*)\n(.*)$")
  local _, revision = match(head or "", HEAD)
  if not revision then return end
  local ok, bad = pcall(put, lines)
  if ok and bad == 0 then return routes:set(REVISION, revision) end
  ngx.log(ngx.ERR, "of the table in ", path, " some is left out: ", tostring(bad), " lines")
end

local function say(status, text)
  ngx.status = status
  ngx.say(text)
end

-- Everything that the lines do not name goes.
local function keep_only(lines)
  local named = {}
  for name in gmatch(lines, "([^\t\n]+)\t[^\n]*\n") do named[name] = true end
  for _, name in ipairs(routes:get_keys(0)) do
    if not named[name] and name ~= REVISION then routes:delete(name) end
  end
end

-- GET: the revision. PUT: `reveille table 1 <revision before, or *> <revision after>` and lines, all of them or nothing.
function gateway.table()
  local now = routes:get(REVISION) or NONE
  if ngx.req.get_method() ~= "PUT" then return say(200, now) end
  ngx.req.read_body()
  local head, lines = match(ngx.req.get_body_data() or "", "^([^\n]*)\n(.*)$")
  local before, after = match(head or "", HEAD)
  if not before then return say(400, "no table") end
  if before ~= "*" and before ~= now then return say(409, now) end
  local bad = first_bad(lines)
  if bad then return say(400, "line " .. bad .. " breaks the rules") end
  routes:set(REVISION, NONE)  -- one that ends in the middle is none
  if before == "*" then keep_only(lines) end
  local ok, words = pcall(put, lines)
  if not ok then return say(507, words) end
  routes:set(REVISION, after)
  say(200, after)
end
