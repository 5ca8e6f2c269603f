-- Writes what waits in a stage over the clicks of one month, part by part: a part is changed as a whole, with its
-- projection, or not yet. Rows that come meanwhile lie in parts of their own.
ALTER TABLE clicks
    UPDATE
        verdict = joinGet('$stage', 'verdict', concat(toString(lane), '/', toString(seq))),
        reasons = joinGet('$stage', 'reasons', concat(toString(lane), '/', toString(seq))),
        channel = joinGet('$stage', 'channel', concat(toString(lane), '/', toString(seq))),
        source = joinGet('$stage', 'source', concat(toString(lane), '/', toString(seq))),
        browser = joinGet('$stage', 'browser', concat(toString(lane), '/', toString(seq))),
        browser_version = joinGet('$stage', 'browser_version', concat(toString(lane), '/', toString(seq))),
        os = joinGet('$stage', 'os', concat(toString(lane), '/', toString(seq))),
        os_version = joinGet('$stage', 'os_version', concat(toString(lane), '/', toString(seq))),
        device = joinGet('$stage', 'device', concat(toString(lane), '/', toString(seq))),
        model = joinGet('$stage', 'model', concat(toString(lane), '/', toString(seq))),
        app = joinGet('$stage', 'app', concat(toString(lane), '/', toString(seq)))
    IN PARTITION $month
    WHERE time >= fromUnixTimestamp64Milli($from, 'UTC') AND time <= fromUnixTimestamp64Milli($last, 'UTC')
        AND joinGet('$stage', 'verdict', concat(toString(lane), '/', toString(seq))) != 0
        -- Who was erased meanwhile stays so.
        AND privacy != 'count_only'
