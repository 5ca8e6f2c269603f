-- Clicks by one breakdown.
(value_NUMBER),
