-- The bit of a click's value in a column of texts. Of a dictionary each text is looked up once, and not for each click.
transform(value_NUMBER, {keys_FIELD:Array(String)}, {bits_FIELD:Array(UInt64)}, toUInt64(0))
