-- Whose turn it is. Every step of a pull request through the queue is one call of this
-- script, so each step happens whole or not at all, in one round trip.
--
-- A pull request ("pull") is named <installation>:<repository id>:<number> and is in one state:
--
--     (none) --enqueue--> ready --take--> running --finish--> (none), or ready if asked again
--                           ^                |--give_back--> later --sweep when due--> ready
--                           '----sweep when the lease has run out----'
--
-- Keys, all behind the prefix in KEYS[1]:
--     pull:<pull>          hash: state, generation (one more with each event), review (the
--                          generation that last asked for a review) and its reason, token (of
--                          the turn that holds it), taken, tries and pauses (failed attempts at
--                          one generation, and times it was put back), owner, repository, since
--                          (when it became ready, ms)
--     commands:<pull>      list of commands not yet answered, oldest first
--     ready:<installation> list of its ready pulls; each stands in it once
--     ring                 list of the installations with ready pulls; each stands in it once
--     ready                how many pulls are ready
--     leases, later        sorted sets: running pulls by lease end, waiting pulls by due time, ms
--     token                counter; a turn's token is never given twice, so a worker that was
--                          stopped too long cannot pass for the one that came after it
--     seen:<window>:<n>    sets of hashed delivery ids; two half-day windows are looked at
--     failures             list of pulls given up, newest first
--     swept                stands while another sweep is not needed
--     most                 how many pulls of one installation may be running at once; 0: any
--     count                hash of counters for the metrics
--     checks               hash of check runs that are open; see open_checks.py
-- RQ carries only "there is work": KEYS[2..4] are its set of queues, our queue, its job prefix.
-- Time is Redis's own, so that workers whose clocks differ agree on when a lease ends.

local prefix, rq_queues, rq_queue, rq_job = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local operation, stamp, job_id, job_data, job_timeout = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local arg = {}
for i = 6, #ARGV do arg[i - 5] = ARGV[i] end

local MOST_WAKES = 64 -- RQ jobs kept for ready pulls; each take adds the next
local MOST_COMMANDS = 50
local MOST_FAILURES = 1000
local WINDOW = 12 * 60 * 60 * 1000
local WEEK = 7 * 24 * 60 * 60

local ring, leases, later = prefix .. 'ring', prefix .. 'leases', prefix .. 'later'
local ready_count, counters = prefix .. 'ready', prefix .. 'count'
local function pull_key(pull) return prefix .. 'pull:' .. pull end
local function commands_key(pull) return prefix .. 'commands:' .. pull end
local function ready_key(installation) return prefix .. 'ready:' .. installation end
local function installation_of(pull) return string.match(pull, '^%d+') end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function whole(number) return string.format('%.0f', number) end

local function running_by_installation()
  local found = {}
  for _, pull in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    local installation = installation_of(pull)
    found[installation] = (found[installation] or 0) + 1
  end
  return found
end

-- How many pulls could be taken now, as far as wake-ups are kept for them.
local function takeable()
  local ready = math.min(tonumber(redis.call('GET', ready_count) or 0), MOST_WAKES)
  local most = tonumber(redis.call('GET', prefix .. 'most') or 0)
  if most == 0 or redis.call('LLEN', rq_queue) >= ready then return ready end
  local running, found = running_by_installation(), 0
  for _, installation in ipairs(redis.call('LRANGE', ring, 0, -1)) do
    local free = math.max(0, most - (running[installation] or 0))
    found = found + math.min(free, redis.call('LLEN', ready_key(installation)))
    if found >= ready then return ready end
  end
  return found
end

-- One RQ job for each pull that can be taken, up to a limit. It has no retry of RQ's: the pull
-- keeps its place here, and the next wake-up comes from here too. Too many cost an empty take
-- each; too few are filled up by the next take or sweep.
local function wake()
  for n = redis.call('LLEN', rq_queue) + 1, takeable() do
    local id = job_id .. '-' .. n
    redis.call('HSET', rq_job .. id, 'created_at', stamp, 'enqueued_at', stamp, 'data', job_data,
      'origin', string.match(rq_queue, '[^:]+$'), 'description', 'take a turn', 'status', 'queued',
      'timeout', job_timeout, 'result_ttl', 0, 'failure_ttl', WEEK)
    redis.call('SADD', rq_queues, rq_queue)
    redis.call('RPUSH', rq_queue, id)
  end
end

local function make_ready(pull)
  redis.call('HSET', pull_key(pull), 'state', 'ready', 'since', whole(now))
  redis.call('HDEL', pull_key(pull), 'token')
  local installation = installation_of(pull)
  if redis.call('RPUSH', ready_key(installation), pull) == 1 then
    redis.call('RPUSH', ring, installation)
  end
  redis.call('INCR', ready_count)
end

local function holds(pull, token)
  local found = redis.call('HMGET', pull_key(pull), 'state', 'token')
  return found[1] == 'running' and found[2] == token
end

local function lost()
  redis.call('HINCRBY', counters, 'fenced', 1)
  return 'lost'
end

local steps = {}

-- arg: pull, owner, repository, hashed delivery, its set, reason or '', command or ''
function steps.enqueue()
  local pull, delivery, reason, command = arg[1], arg[4], arg[6], arg[7]
  local window = math.floor(now / WINDOW)
  local seen = prefix .. 'seen:' .. whole(window) .. ':' .. arg[5]
  local before = prefix .. 'seen:' .. whole(window - 1) .. ':' .. arg[5]
  if redis.call('SISMEMBER', seen, delivery) == 1 or redis.call('SISMEMBER', before, delivery) == 1 then
    return 'repeated'
  end
  local key = pull_key(pull)
  local generation = redis.call('HINCRBY', key, 'generation', 1)
  redis.call('HSET', key, 'owner', arg[2], 'repository', arg[3])
  if reason ~= '' then
    local waiting = redis.call('HGET', key, 'reason')
    if waiting and waiting ~= reason then reason = 'event' end
    redis.call('HSET', key, 'review', generation, 'reason', reason)
  end
  if command ~= '' and redis.call('LLEN', commands_key(pull)) < MOST_COMMANDS then
    redis.call('RPUSH', commands_key(pull), command)
  end
  local result = 'coalesced'
  if not redis.call('HGET', key, 'state') then
    make_ready(pull)
    wake()
    result = 'queued'
  end
  -- Last, so that an event that failed half-way is not taken for a repeated one.
  if redis.call('SADD', seen, delivery) == 1 then
    redis.call('PEXPIRE', seen, 2 * WINDOW)
  end
  return result
end

-- arg: as enqueue. For those who only suspect that there is work: nothing if it waits already.
function steps.ensure()
  if redis.call('HGET', pull_key(arg[1]), 'state') then return 'coalesced' end
  return steps.enqueue()
end

-- The next installation that may have one more turn; those that may not go to the end.
local function next_installation(most)
  local running = most > 0 and running_by_installation() or {}
  for _ = 1, redis.call('LLEN', ring) do
    local installation = redis.call('LPOP', ring)
    if most == 0 or (running[installation] or 0) < most then return installation end
    redis.call('RPUSH', ring, installation)
  end
  return nil
end

-- arg: lease (ms), most turns of one installation at once or 0. The next installation in the
-- ring, its oldest pull.
function steps.take()
  local most = prefix .. 'most'
  if (redis.call('GET', most) or '0') ~= arg[2] then redis.call('SET', most, arg[2]) end
  local installation = next_installation(tonumber(arg[2]))
  if not installation then return false end
  local pull = redis.call('LPOP', ready_key(installation))
  if redis.call('EXISTS', ready_key(installation)) == 1 then
    redis.call('RPUSH', ring, installation)
  end
  redis.call('DECR', ready_count)
  local key = pull_key(pull)
  local found = redis.call('HMGET', key, 'generation', 'taken', 'owner', 'repository', 'reason', 'review', 'since')
  if not found[1] then return steps.take() end -- its hash was deleted by hand: nothing to do for it
  if found[1] ~= found[2] then redis.call('HSET', key, 'taken', found[1], 'tries', 0, 'pauses', 0) end
  local tries = redis.call('HINCRBY', key, 'tries', 1)
  local token = redis.call('INCR', prefix .. 'token')
  redis.call('HSET', key, 'state', 'running', 'token', token)
  redis.call('ZADD', leases, now + tonumber(arg[1]), pull)
  wake()
  local commands = redis.call('LRANGE', commands_key(pull), 0, -1)
  return { pull, found[3], found[4], found[6] and found[5] or '', found[1], token, tries,
    whole(now - tonumber(found[7])), commands, redis.call('HGET', key, 'pauses') or 0 }
end

-- arg: pull, token, lease (ms)
function steps.beat()
  if not holds(arg[1], arg[2]) then return lost() end
  redis.call('ZADD', leases, now + tonumber(arg[3]), arg[1])
  return 'held'
end

-- arg: pull, token, generation of the turn
function steps.standing()
  if not holds(arg[1], arg[2]) then return lost() end
  local review = redis.call('HGET', pull_key(arg[1]), 'review')
  if review and tonumber(review) > tonumber(arg[3]) then return 'superseded' end
  return 'held'
end

-- arg: pull, token. Its oldest command has been answered.
function steps.answered()
  if not holds(arg[1], arg[2]) then return lost() end
  redis.call('LPOP', commands_key(arg[1]))
  return 'held'
end

-- arg: pull, token, generation of the turn, number of commands it answered, failure or ''
function steps.finish()
  local pull, key = arg[1], pull_key(arg[1])
  if not holds(pull, arg[2]) then return lost() end
  redis.call('ZREM', leases, pull)
  redis.call('LTRIM', commands_key(pull), arg[4], -1)
  if arg[5] ~= '' then
    redis.call('LPUSH', prefix .. 'failures', arg[5])
    redis.call('LTRIM', prefix .. 'failures', 0, MOST_FAILURES - 1)
  end
  local found = redis.call('HMGET', key, 'generation', 'review')
  if found[1] == arg[3] then
    redis.call('DEL', key, commands_key(pull))
    wake() -- its installation may have another turn now
    return 'done'
  end
  if found[2] and tonumber(found[2]) <= tonumber(arg[3]) then redis.call('HDEL', key, 'review', 'reason') end
  make_ready(pull)
  wake()
  return 'again'
end

-- arg: pull, token, delay (ms), '1' if the attempt counts as failed
function steps.give_back()
  local pull = arg[1]
  if not holds(pull, arg[2]) then return lost() end
  redis.call('ZREM', leases, pull)
  if arg[4] ~= '1' then redis.call('HINCRBY', pull_key(pull), 'tries', -1) end
  if tonumber(arg[3]) > 0 then
    redis.call('HSET', pull_key(pull), 'state', 'later')
    redis.call('HDEL', pull_key(pull), 'token')
    redis.call('HINCRBY', pull_key(pull), 'pauses', 1)
    redis.call('ZADD', later, now + tonumber(arg[3]), pull)
    wake()
    return 'later'
  end
  make_ready(pull)
  wake()
  return 'ready'
end

-- arg: ms for which others need not sweep, or 0.
-- Leases that ran out and pulls that are due go back to the queue; lost RQ jobs are replaced.
function steps.sweep()
  local moved = { 0, 0 }
  if arg[1] ~= '0' and not redis.call('SET', prefix .. 'swept', 1, 'NX', 'PX', arg[1]) then
    return moved
  end
  for n, set in ipairs({ leases, later }) do
    local pulls = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, 500)
    for _, pull in ipairs(pulls) do
      redis.call('ZREM', set, pull)
      make_ready(pull)
    end
    moved[n] = #pulls
  end
  redis.call('HINCRBY', counters, 'expired', moved[1])
  wake()
  return moved
end

-- arg: installation. It is gone or suspended: drop all its work, fence whoever holds a turn of it.
function steps.forget()
  local installation = arg[1]
  local pulls = redis.call('LRANGE', ready_key(installation), 0, -1)
  redis.call('DECRBY', ready_count, #pulls)
  redis.call('DEL', ready_key(installation))
  redis.call('LREM', ring, 0, installation)
  for _, set in ipairs({ leases, later }) do
    for _, pull in ipairs(redis.call('ZRANGE', set, 0, -1)) do
      if installation_of(pull) == installation then
        redis.call('ZREM', set, pull)
        pulls[#pulls + 1] = pull
      end
    end
  end
  for _, pull in ipairs(pulls) do redis.call('DEL', pull_key(pull), commands_key(pull)) end
  return #pulls
end

function steps.counts()
  local oldest = now
  for _, installation in ipairs(redis.call('LRANGE', ring, 0, 999)) do
    local pull = redis.call('LINDEX', ready_key(installation), 0)
    oldest = math.min(oldest, tonumber(redis.call('HGET', pull_key(pull), 'since')))
  end
  local counted = redis.call('HMGET', counters, 'expired', 'fenced', 'redelivered', 'reconciled')
  local checks, since = redis.call('HVALS', prefix .. 'checks'), now / 1000
  for _, check in ipairs(checks) do since = math.min(since, cjson.decode(check).since) end
  return { redis.call('GET', ready_count) or 0, redis.call('ZCARD', leases), redis.call('ZCARD', later),
    redis.call('LLEN', ring), whole(now - oldest), redis.call('LLEN', prefix .. 'failures'),
    redis.call('LLEN', rq_queue), counted[1] or 0, counted[2] or 0, counted[3] or 0, counted[4] or 0,
    #checks, whole(now - since * 1000) }
end

-- arg: name of a counter, by how much
function steps.add()
  return redis.call('HINCRBY', counters, arg[1], arg[2])
end

-- arg: most rows. Running first, then ready in the order of their turns, then waiting.
function steps.list()
  local rows, most = {}, tonumber(arg[1])
  local function add(pull)
    if #rows >= most then return end
    local found = redis.call('HMGET', pull_key(pull), 'owner', 'repository', 'state', 'since', 'tries')
    rows[#rows + 1] = { pull, found[1] or '', found[2] or '', found[3] or '', whole(now - tonumber(found[4] or now)), found[5] or 0 }
  end
  for _, pull in ipairs(redis.call('ZRANGE', leases, 0, most - 1)) do add(pull) end
  local installations = redis.call('LRANGE', ring, 0, most - 1)
  for place = 0, most - 1 do
    local before = #rows
    for _, installation in ipairs(installations) do
      local pull = redis.call('LINDEX', ready_key(installation), place)
      if pull then add(pull) end
    end
    if #rows == before then break end
  end
  for _, pull in ipairs(redis.call('ZRANGE', later, 0, most - 1)) do add(pull) end
  return rows
end

return steps[operation]()
