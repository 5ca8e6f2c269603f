-- The journals' numbers of a person's conversions stay, by the names that the events have now.
-- Parameters: request, workspace.
ALTER TABLE conversion_numbers UPDATE
    event_id = transform(
        event_id,
        (SELECT arrayMap(pair -> pair.1, arraySort(groupUniqArray((name, stand_in)))) FROM persons WHERE request = {request:String} AND kind = 'stand_in'),
        (SELECT arrayMap(pair -> pair.2, arraySort(groupUniqArray((name, stand_in)))) FROM persons WHERE request = {request:String} AND kind = 'stand_in'),
        event_id)
WHERE workspace = {workspace:String}
  AND event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'stand_in')
