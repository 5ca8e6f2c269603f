-- What takes a person's sales back, by the names that the events have now: all of it is the table's key.
-- Parameters: request, workspace.
INSERT INTO refunds (workspace, reference, event_id)
WITH stand_ins AS (SELECT DISTINCT name AS known_as, stand_in FROM persons WHERE request = {request:String} AND kind = 'stand_in')
SELECT
    workspace,
    if(sale.stand_in = '', reference, sale.stand_in),
    if(own.stand_in = '', event_id, own.stand_in)
FROM (SELECT * FROM refunds WHERE workspace = {workspace:String}) AS refund
LEFT JOIN stand_ins AS sale ON sale.known_as = reference
LEFT JOIN stand_ins AS own ON own.known_as = event_id
WHERE sale.stand_in != '' OR own.stand_in != ''
