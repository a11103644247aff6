-- Where a request goes: which app it is for, and which instance has it.
local balancer = require "ngx.balancer"
local NOBODY = -3  -- NGX_BUSY: "no live upstreams", a 502

-- The value of $app: of the app that runs and that $segment leads to, else "". Of a sticky one $sticky has it instead.
function gateway.find()
  local var = ngx.var
  local segment = var.segment
  local slash = find(segment, "/", 1, true)
  local entry = slash and lookup(lower(sub(segment, slash + 1)))
  if not entry then return "" end
  local way = sub(segment, 1, slash - 1)
  if not (way == "" and entry.named or way == "route" and entry.routed) then return "" end
  if not is_up(entry) then
    var.dead = entry.app
    return ""
  end
  if entry.pool then var.unproven = "" end
  if not entry.sticky then return entry.app end
  var.sticky = entry.app
  return ""
end

-- The name in a signed cookie, "" unless its app runs and the signature is its.
function gateway.signed(cookie)
  local name, signature = match(cookie or "", "^([%w_-]+)%.(%x+)$")
  local entry = name and lookup(lower(name))
  if entry and entry.named and entry.signature ~= "" and entry.signature == lower(signature) then return entry.name end
  return ""
end

-- By the client's address: each server draws a number for it, the highest has it. One more or less moves its own clients only.
local function drawn(candidates, client)
  local best, most
  for _, peer in ipairs(candidates) do
    local number = (tonumber(sub(ngx.md5(client .. " " .. peer.address), 1, 8), 16) + 1) / 4294967297
    local score = -peer.weight / math.log(number)
    if not most or score > most then best, most = peer, score end
  end
  return best
end

-- The one that has least to do for its weight; of several, in turn and by weight.
local function least(candidates)
  local fewest, free = nil, {}
  for _, peer in ipairs(candidates) do
    local busy = requests_of(peer.address) / peer.weight
    if not fewest or busy < fewest then fewest, free = busy, {} end
    if busy == fewest then free[#free + 1] = peer end
  end
  local best, total = nil, 0
  for _, peer in ipairs(free) do
    peer.current, total = peer.current + peer.weight, total + peer.weight
    if not best or peer.current > best.current then best = peer end
  end
  best.current = best.current - total
  return best
end

-- The one to try next, nil if there is none that is worth it.
local function choose(entry, tried, var)
  local peers = entry.peers
  if #peers == 1 then return not tried[peers[1].address] and peers[1] or nil end
  local pinned = entry.sticky and entry.pins[var.cookie_reveille_instance or ""]
  if pinned and not tried[pinned.address] and not is_down(entry, pinned) then return pinned end
  local candidates = {}
  for _, peer in ipairs(peers) do
    if not tried[peer.address] and not is_down(entry, peer) then candidates[#candidates + 1] = peer end
  end
  if #candidates == 0 then return nil end
  if entry.hashed then return drawn(candidates, var.remote_addr) end
  return least(candidates)
end

-- Where it goes. A WebSocket that is silent for long is nobody's: it would keep its app awake.
local function send(var, host, port)
  assert(balancer.set_current_peer(host, port))
  if var.upgrade ~= "" then assert(balancer.set_timeouts(nil, nil, gateway.silence)) end
end

local function entry_of(var)
  local app = var.app
  if app == "" then app = var.sticky end
  return app ~= "" and lookup(sub(app, 5)) or nil
end

-- Called for each try. What broke off counts against who had it.
function gateway.balance()
  local var = ngx.var
  -- Looked up anew for each try: while the body or an answer was waited for, the app may have left an address to somebody
  -- else.
  local entry = entry_of(var)
  local first = entry and #entry.peers == 1 and var.held == "" and entry.peers[1]
  if first then  -- the usual case, with nothing to remember
    if entry.sticky then var.answer = first.pin end
    hold(var, first.address)
    return send(var, first.host, first.port)
  end
  local ctx = ngx.ctx
  local tried = ctx.tried  -- by address
  if not entry then return ngx.exit(NOBODY) end
  if not tried then
    tried = {}
    ctx.tried = tried
    if #entry.peers > 1 then balancer.set_more_tries(#entry.peers - 1) end
  else
    fail(entry, ctx.last)
  end
  local peer = choose(entry, tried, var)
  if not peer then
    hold(var, "")
    return ngx.exit(NOBODY)
  end
  if #entry.peers > 1 and has_failed(entry, peer) then rest(entry, peer.address) end
  tried[peer.address], ctx.last = true, peer.address
  if entry.sticky then var.answer = peer.pin end
  hold(var, peer.address)
  send(var, peer.host, peer.port)
end

-- Where a launcher says that the app is: $woken, which is an address with a port.
function gateway.woken()
  local var = ngx.var
  local host, port = match(var.woken, "^(.+):(%d+)$")
  hold(var, var.woken)
  send(var, host, tonumber(port))
end

-- The last one that was tried is as good as dead: no answer came of it.
function gateway.fail()
  local var = ngx.var
  local entry = entry_of(var)
  if var.held ~= "" then
    if entry then fail(entry, var.held) end
    hold(var, "")
  end
  return ""
end

-- The request is over. Who has answered it is alive.
function gateway.leave()
  local var = ngx.var
  local held = var.held
  if not held or held == "" then return end
  hold(var, "")
  -- A client that did not wait for it says nothing of it.
  if ngx.status == 499 then return end
  local entry = entry_of(var)
  if not entry or #entry.peers == 1 then return end
  local key = key_of(entry, held)
  if failed:get(key) and match(var.upstream_header_time or "", "%d$") then failed:delete(key) end
end
