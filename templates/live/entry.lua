-- The table of routes: one line of text per app in shared memory. A line is read by these rules wherever it comes from,
-- also out of the table itself, and one that breaks them is no app: its requests go to a launcher.
--
--   name \t flags \t maxFails \t failTimeout \t signature \t host:port*weight[#pin] host:port*weight[#pin] ...
--
-- Flags, in this order: n its name leads to it, r a route does, s clients stay with an instance, p pool, h by client address.
gateway = {}

local match, gmatch, find, sub, lower = string.match, string.gmatch, string.find, string.sub, string.lower
local routes = ngx.shared.reveille_routes

-- Ports of ssh, Docker and etcd are no app's.
local forbidden = { [22] = true, [2375] = true, [2376] = true, [2377] = true, [2379] = true, [2380] = true }

local function is_ipv4(host)
  local bytes = { match(host, "^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
  if #bytes ~= 4 then return false end
  for _, byte in ipairs(bytes) do
    if #byte > 3 or tonumber(byte) > 255 or match(byte, "^0.") then return false end
  end
  local first, second = tonumber(bytes[1]), tonumber(bytes[2])
  return first > 0 and first < 224 and not (first == 169 and second == 254)
end

local function is_ipv6(host)
  local inner = match(host, "^%[([%da-f:]+)%]$")
  if not inner or #inner > 39 then return false end
  return inner == "::1" or not (match(inner, "^[0:]") or match(inner, "^fe[89ab]%x:") or match(inner, "^ff%x%x:"))
end

-- Whether an app can be there: no name, and no place of this host's own.
local function is_address(host, port)
  return port >= 1 and port <= 65535 and not forbidden[port] and (is_ipv4(host) or is_ipv6(host))
end

local function read_peers(list)
  local peers, pins = {}, {}
  for text in gmatch(list, "[^ ]+") do
    local address, weight, pin = match(text, "^([^*#]+)%*(%d+)#?(%x*)$")
    local host, port = match(address or "", "^(.+):(%d%d?%d?%d?%d?)$")
    if not host or not is_address(host, tonumber(port)) then return nil end
    if #weight > 3 or tonumber(weight) < 1 or (pin ~= "" and #pin ~= 16) then return nil end
    local peer = { host = host, port = tonumber(port), address = address, weight = tonumber(weight), pin = pin, current = 0 }
    peers[#peers + 1] = peer
    if pin ~= "" then pins[pin] = peer end
  end
  if #peers == 0 or #peers > 100 then return nil end
  return peers, pins
end

local function is_name(name)
  return #name <= 63 and match(name, "^[%l%d][%l%d_-]*$") and match(name, "[%l%d]$")
end

-- The app of a line, nil where it breaks the rules.
local function read_entry(line)
  local name, flags, fails, timeout, signature, list =
    match(line, "^([^\t]+)\t(n?r?s?p?h?)\t(%d+)\t(%d+)\t(%x*)\t([^\t%c]+)$")
  if not name or not is_name(name) or #fails > 4 or #timeout > 4 then return nil end
  if signature ~= "" and #signature ~= 64 then return nil end
  local peers, pins = read_peers(list)
  if not peers then return nil end
  return {
    line = line, name = name, app = "app_" .. name, signature = signature, peers = peers, pins = pins,
    named = find(flags, "n", 1, true), routed = find(flags, "r", 1, true), sticky = find(flags, "s", 1, true),
    pool = find(flags, "p", 1, true), hashed = find(flags, "h", 1, true),
    fails = tonumber(fails), timeout = tonumber(timeout),
  }
end

-- What a worker has read stays read for as long as the table is what it was then, or the line is the same. CHANGES is read
-- before the line and counted up after lines were changed: a line that changes in between is looked at again next time.
local CHANGES = "changes"
local state = ngx.shared.reveille_state
local cache, cached = {}, 0

local function lookup(name)
  local changes, known = state:get(CHANGES), cache[name]
  if known and known.checked == changes then return known end
  local line = routes:get(name)
  if known and known.line == line then
    known.checked = changes
    return known
  end
  if type(line) ~= "string" then
    cache[name] = nil
    return nil
  end
  if cached > 20000 then cache, cached = {}, 0 end
  local entry = read_entry(line)
  if entry and entry.name ~= name then entry = nil end
  if entry then entry.checked = changes end
  cache[name], cached = entry, cached + 1
  return entry
end
