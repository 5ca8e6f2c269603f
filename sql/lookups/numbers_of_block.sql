-- How many numbers of a lane from one to another are stored. Parameters: lane, first and last.
-- A block's numbers are one part, which is there whole or not at all, and they are written last: where one of them is
-- here, the block's conversions and refunds are in their tables too.
SELECT uniqExact(seq)
FROM conversion_numbers
WHERE lane = {lane:UInt64} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
