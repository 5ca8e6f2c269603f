-- Links that have sent somebody to a variant of theirs lately, with their workspaces.
--
-- Without a workspace the key does not help; each part knows its earliest and latest time, so old ones
-- are not read.
-- Parameters: seconds, limit.
SELECT DISTINCT workspace, link_id
FROM clicks
WHERE time >= now64(3, 'UTC') - toIntervalSecond({seconds:UInt32})
  AND variant != ''
LIMIT {limit:UInt32}
