-- Distinct visitors by HyperLogLog with 2^17 cells, 96 KiB; exact while they are so few that a list of them is no larger.
uniqCombined64If(17)(visitor_id, visitor_id != 0)
