-- How many numbers of a lane from one to another are stored. Parameters: lane, first and last.
-- A view feeds this table behind the table of conversions: what has its number here is there too.
SELECT uniqExact(seq)
FROM conversion_numbers
WHERE lane = {lane:UInt64} AND seq BETWEEN {first:UInt64} AND {last:UInt64}
