-- Stands for approximate_visitors.sql where nobody asks for it.
toUInt64(0)
