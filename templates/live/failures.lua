-- Who is left out for having failed.
-- By app and address: failures in a row; with "rest " before it: that it is left out for a while. As nginx does it by
-- max_fails and fail_timeout: one that failed as often gets a single request after each rest, and is back when that one is
-- answered.
local failed = ngx.shared.reveille_failed

local function key_of(entry, address)
  return entry.name .. " " .. address
end

local function has_failed(entry, peer)
  return entry.fails > 0 and (failed:get(key_of(entry, peer.address)) or 0) >= entry.fails
end

local function rest(entry, address)
  failed:set("rest " .. key_of(entry, address), true, entry.timeout)
end

local function is_down(entry, peer)
  return has_failed(entry, peer) and failed:get("rest " .. key_of(entry, peer.address)) ~= nil
end

local function fail(entry, address)
  if #entry.peers == 1 or entry.fails == 0 then return end
  local key = key_of(entry, address)
  if (failed:incr(key, 1, 0, entry.timeout) or 0) < entry.fails then
    failed:expire(key, entry.timeout)
  else
    failed:expire(key, 0)
    rest(entry, address)
  end
end

-- An address that an app did not have before may be somebody else than it was. Adds the keys of its failures to `keys`.
local function add_strangers(keys, entry, before)
  local known = {}
  for _, peer in ipairs(before and before.peers or {}) do known[peer.address] = true end
  for _, peer in ipairs(entry.peers) do
    local key = not known[peer.address] and key_of(entry, peer.address)
    if key and failed:get(key) then keys[#keys + 1] = key end
  end
end

local function is_up(entry)
  if #entry.peers == 1 then return true end
  for _, peer in ipairs(entry.peers) do
    if not is_down(entry, peer) then return true end
  end
  return false
end
