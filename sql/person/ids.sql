-- What belongs to a person, as it was taken up: each id and name once.
-- Parameters: request; kinds, which; most, how many at most.
SELECT DISTINCT toString(kind) AS kind, id, name
FROM persons
WHERE request = {request:String} AND has({kinds:Array(String)}, toString(kind))
LIMIT {most:UInt64}
