-- Why a block was refused may quote what stood in it. For the numbers of a block that held something of a person, only
-- that it was set aside stays.
-- Parameters: lane, first and last.
ALTER TABLE lane_gaps UPDATE detail = 'erased'
WHERE lane = {lane:UInt64} AND first >= {first:UInt64} AND last <= {last:UInt64} AND detail != 'erased'
