-- The bit of a click's interval.
transform(bucket_of_click, {keys_FIELD:Array(Int64)}, {bits_FIELD:Array(UInt64)}, toUInt64(0))
