"""Counters of attempts in Redis: one script for any number of them, each both looked at and counted in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from authenticator.limits import Backoff, Limit
from authenticator.storage import records, waits
from authenticator.storage.redis.client import Redis
from authenticator.storage.sealing import Sealer

PREFIX = "authenticator:a:"
KEEP_BACKOFF = 90 * 86_400  # seconds: failures in a row are remembered until a success forgives them, or nobody tried for so long

# For each key six numbers: 0 and allowed, window … for a limit; 1 and free, first, longest, dead, keep for a backoff.
# Gives for each 1 or 0 (counted, refused), until and count.
SCRIPT = """
local now = tonumber(ARGV[1])
local told = {}
for i, key in ipairs(KEYS) do
  local at = 2 + (i - 1) * 6
  local found = redis.call('HMGET', key, 'count', 'until')
  local count, till = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local counted = 0
  if tonumber(ARGV[at]) == 0 then
    local allowed, window = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    if till <= now then count, till = 0, now + window end
    if count < allowed then
      counted, count = 1, count + 1
      redis.call('HSET', key, 'count', count, 'until', till)
      redis.call('PEXPIRE', key, math.max(1, till - now))
    end
  else
    local free, first, longest = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local dead, keep = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
    if (till <= now or count <= free) and count < dead then
      counted, count = 1, count + 1
      local over = count - free
      local wait = 0
      if over > 0 then wait = math.min(longest, first * 2 ^ math.min(over - 1, 20)) end
      till = now + wait * 1000
      redis.call('HSET', key, 'count', count, 'until', string.format('%.0f', till))
      redis.call('EXPIRE', key, keep)
    end
  end
  told[#told + 1] = counted
  told[#told + 1] = string.format('%.0f', till)
  told[#told + 1] = count
end
return told
"""


class Attempts:
    """Counts in Redis; None where it is away."""

    def __init__(self, redis: Redis, sealer: Sealer) -> None:
        self._redis = redis
        self._sealer = sealer

    def count(self, counters: Sequence[Limit | Backoff], now: datetime) -> int | None:
        """The same answer as the port's `count_attempts`."""
        never = max((waits.wait_of_none(counter) for counter in counters), default=0)
        if never or not counters:
            return never
        at = records.millis(now)
        numbers = [number for counter in counters for number in _numbers(counter)]
        keys = self._keys([counter.key for counter in counters])
        told = self._redis.ask(lambda client: client.eval(SCRIPT, len(keys), *keys, at, *numbers))
        if told is None:
            return None
        answers = zip(counters, told[::3], told[1::3], told[2::3], strict=True)
        return max(0 if int(counted) else waits.wait_of(counter, int(until), int(count), at) for counter, counted, until, count in answers)

    def forgive(self, keys: Sequence[str]) -> None:
        if keys:
            self._redis.ask(lambda client: client.delete(*self._keys(keys)))

    def _keys(self, keys: Sequence[str]) -> list[str]:
        return [f"{PREFIX}{key}" for key in waits.attempt_ids(keys, self._sealer)]


def _numbers(counter: Limit | Backoff) -> tuple[int, ...]:
    if isinstance(counter, Limit):
        return (0, counter.allowed, counter.seconds * 1000, 0, 0, 0)
    return (1, counter.free, counter.first, counter.longest, counter.dead, KEEP_BACKOFF)
