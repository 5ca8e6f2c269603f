-- What more is found out about a click, and what it is judged by, so that it can be judged again.
ALTER TABLE clicks
    -- ISO 3166-2, such as DE-BY.
    ADD COLUMN IF NOT EXISTS region LowCardinality(String) AFTER country,
    ADD COLUMN IF NOT EXISTS city LowCardinality(String) AFTER region,
    -- The autonomous system that announces the address, 0 where unknown, and whom it belongs to.
    ADD COLUMN IF NOT EXISTS asn UInt32 CODEC(ZSTD(3)) AFTER city,
    ADD COLUMN IF NOT EXISTS network LowCardinality(String) AFTER asn,
    -- The address itself: only where the workspace asks for it.
    ADD COLUMN IF NOT EXISTS address IPv6 CODEC(ZSTD(3)) AFTER address_prefix,
    -- What the device is called, such as Pixel 8.
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) AFTER device,
    -- The app whose own browser it was, such as Instagram.
    ADD COLUMN IF NOT EXISTS app LowCardinality(String) AFTER model,
    -- Which headers came with it: the bits of core/src/click/signs.rs.
    ADD COLUMN IF NOT EXISTS signs UInt16 CODEC(ZSTD(3)) AFTER user_agent,
    -- Sec-CH-UA, -Mobile, -Platform, -Platform-Version and -Model, a line each.
    ADD COLUMN IF NOT EXISTS hints LowCardinality(String) AFTER signs,
    -- Sec-Purpose, Purpose and X-Moz.
    ADD COLUMN IF NOT EXISTS purpose LowCardinality(String) AFTER hints,
    -- The channel that the link itself was made for.
    ADD COLUMN IF NOT EXISTS link_channel LowCardinality(String) AFTER channel,
    -- What was allowed to be known of the visitor.
    ADD COLUMN IF NOT EXISTS privacy Enum8('full' = 0, 'cookieless' = 1, 'count_only' = 2) AFTER new_visitor;
