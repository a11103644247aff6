-- Where a request goes: which app it is for, which instance has it, and how many each has right now.
local balancer = require "ngx.balancer"
local flight = ngx.shared.reveille_flight
local failed = ngx.shared.reveille_failed

-- The request is with this instance from now on ("": with none). A variable, as ngx.ctx is lost on every internal redirect.
local function hold(var, address)
  local before = var.held
  if before and before ~= "" then flight:incr(before, -1, 0) end
  var.held = address
  if address ~= "" then flight:incr(address, 1, 0) end
end

local function is_down(entry, peer)
  return entry.fails > 0 and (failed:get(peer.address) or 0) >= entry.fails
end

local function is_up(entry)
  if #entry.peers == 1 then return true end
  for _, peer in ipairs(entry.peers) do
    if not is_down(entry, peer) then return true end
  end
  return false
end

-- The value of $app: of the app that runs and that $segment leads to, else "". Of a sticky one $sticky has it instead.
function gateway.find()
  local var = ngx.var
  local segment = var.segment
  local way, name = match(segment, "^(%l*)/(.+)$")
  local entry = name and lookup(lower(name))
  if not entry then return "" end
  if not (way == "" and entry.named or way == "route" and entry.routed) then return "" end
  if not is_up(entry) then
    var.dead = entry.app
    return ""
  end
  if entry.pool then var.unproven = "" end
  ngx.ctx.entry = entry
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
    local busy = (flight:get(peer.address) or 0) / peer.weight
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

local function choose(entry, tried, var)
  local peers = entry.peers
  if #peers == 1 then return peers[1] end
  local pinned = entry.sticky and entry.pins[var.cookie_reveille_instance or ""]
  if pinned and not tried[pinned] and not is_down(entry, pinned) then return pinned end
  local up, left = {}, {}
  for _, peer in ipairs(peers) do
    if not tried[peer] then
      left[#left + 1] = peer
      if not is_down(entry, peer) then up[#up + 1] = peer end
    end
  end
  local candidates = #up > 0 and up or #left > 0 and left or peers
  if entry.hashed then return drawn(candidates, var.remote_addr) end
  return least(candidates)
end

-- Called for each try. What broke off counts against who had it, as with nginx's own max_fails.
function gateway.balance()
  local var, ctx = ngx.var, ngx.ctx
  local entry = ctx.entry or lookup(sub(var.app .. var.sticky, 5))
  if not entry then return ngx.exit(502) end
  local tried = ctx.tried
  if not tried then
    tried = {}
    ctx.tried, ctx.entry = tried, entry
    if #entry.peers > 1 then balancer.set_more_tries(#entry.peers - 1) end
  elseif #entry.peers > 1 and entry.fails > 0 then
    failed:incr(ctx.peer.address, 1, 0, entry.timeout)
  end
  local peer = choose(entry, tried, var)
  tried[peer], ctx.peer = true, peer
  if entry.sticky then var.answer = peer.pin end
  hold(var, peer.address)
  assert(balancer.set_current_peer(peer.host, peer.port))
end

-- Where a launcher says that the app is: $woken, which is an address with a port.
function gateway.woken()
  local var = ngx.var
  local host, port = match(var.woken, "^(.+):(%d+)$")
  hold(var, var.woken)
  assert(balancer.set_current_peer(host, tonumber(port)))
end

-- The instance has the request no more.
function gateway.leave()
  local var = ngx.var
  if var.held and var.held ~= "" then hold(var, "") end
  return ""
end
