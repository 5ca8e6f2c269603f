-- Distinct visitors by HyperLogLog with 2^17 cells, 96 KiB; exact up to 4,096, which are kept one by one.
uniqCombined64If(17)(visitor_id, visitor_id != 0)
