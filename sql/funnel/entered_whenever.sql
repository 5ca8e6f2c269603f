-- Stands for entered.sql where it is the same whenever somebody entered: times are not read then.
{from_ms:Int64}
