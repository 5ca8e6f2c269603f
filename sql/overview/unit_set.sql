-- Visitors by one unit.
(unit_NUMBER),
