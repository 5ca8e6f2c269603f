-- Made-up clicks for measuring reports: those of the visitors with the numbers `first` to `first + count`, of `visitors` in all.
--
-- Everything follows from a visitor's number and the click's number among the visitor's, by hashes: the same again each time.
-- Visitor n comes first where n / visitors of the time has passed, more by day than by night, and people come again: one and a half
-- times on average, days apart, by whatever road. Five in thirteen visitors are machines, who come once: a fifth of the clicks.
-- Links are drawn so that the n-th comes about 1/n as often as the first. What belongs to a link (campaign, program, advocate, tags) follows
-- from the link, what belongs to a person (place, device) from the visitor.
-- Parameters:
--   first, count, visitors  see above
--   from_ms, to_ms          the time in which all this happens, milliseconds since 1970
--   workspaces, links       how many, and links of each
INSERT INTO clicks
(
    workspace, time, click_id, lane, seq, outcome, method, link_id, domain, slug, query, visitor_id, new_visitor, privacy, address_prefix,
    country, region, city, asn, network, browser, browser_version, os, os_version, device, model, agent_class, user_agent, signs,
    language, referrer, referrer_host, channel, link_channel, source, campaign, utm_source, utm_medium, utm_campaign, utm_content,
    program, advocate, variant, tags, verdict, reasons, rules
)
WITH
    -- Shares in percent, as lists of a hundred numbers.
    arrayFlatten(arrayMap((share, number) -> arrayWithConstant(share, number), [30, 16, 8, 8, 3, 3, 9, 5, 4, 6, 2, 6], range(1, 13))) AS roads,
    ['Direct', 'Organic Social', 'Organic Search', 'Organic Social', 'Organic Social', 'Organic Video', 'Email', 'Paid Social', 'Paid Search', 'WhatsApp', 'Telegram', 'Referral'] AS road_channels,
    ['', 'instagram', 'google', 'facebook', 'x', 'youtube', 'newsletter', 'instagram', 'google', 'whatsapp', 'telegram', ''] AS road_sources,
    ['', 'l.instagram.com', 'www.google.com', 'm.facebook.com', 't.co', 'www.youtube.com', '', 'www.instagram.com', 'www.google.com', '', '', ''] AS road_hosts,
    ['', '', '', '', '', '', 'email', 'paid_social', 'cpc', '', '', ''] AS road_mediums,
    arrayFlatten(arrayMap((share, number) -> arrayWithConstant(share, number), [24, 14, 12, 8, 6, 6, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1], range(1, 20))) AS places,
    ['US', 'DE', 'GB', 'FR', 'IN', 'BR', 'NL', 'ES', 'IT', 'CA', 'AU', 'PL', 'MX', 'JP', 'SE', 'CH', 'AT', 'TR', ''] AS place_countries,
    ['en', 'de', 'en', 'fr', 'en', 'pt', 'nl', 'es', 'it', 'en', 'en', 'pl', 'es', 'ja', 'sv', 'de', 'de', 'tr', ''] AS place_languages,
    arrayFlatten(arrayMap((share, number) -> arrayWithConstant(share, number), [34, 26, 16, 8, 6, 4, 3, 3], range(1, 9))) AS kits,
    ['Chrome', 'Safari', 'Chrome', 'Edge', 'Safari', 'Firefox', 'Samsung Internet', 'Safari'] AS kit_browsers,
    ['Android', 'iOS', 'Windows', 'Windows', 'macOS', 'Windows', 'Android', 'iPadOS'] AS kit_systems,
    ['mobile', 'mobile', 'desktop', 'desktop', 'desktop', 'desktop', 'mobile', 'tablet'] AS kit_devices,
    ['Pixel 8', 'iPhone', '', '', 'Mac', '', 'SM-S918B', 'iPad'] AS kit_models,
    arrayFlatten(arrayMap((share, number) -> arrayWithConstant(share, number), [55, 20, 5, 12, 8], range(2, 7))) AS machine_verdicts,
    86400000 AS day_ms,
    {to_ms:Int64} - {from_ms:Int64} AS whole_ms,
    come AS
    (
        SELECT
            number AS visitor,
            sipHash64(number, 'visitor') AS person,
            person % 13 < 5 AS is_machine,
            -- How often, and how far apart.
            if(is_machine, 1, least(40, 1 + toUInt64(floor(-log((sipHash64(number, 'often') % 1000000 + 1) / 1000001) * 1.957)))) AS times,
            day_ms * 3 * -log((sipHash64(number, 'gap') % 1000000 + 1) / 1000001) AS gap_ms,
            {from_ms:Int64} + toInt64(whole_ms * (number / {visitors:UInt64})) + toInt64(sipHash64(number, 'first') % 7200000) AS first_ms,
            arrayJoin(range(times)) AS place,
            sipHash64(number, place, 'click') AS dice,
            sipHash64(number, place, 'other') AS other,
            first_ms + toInt64(if(place = 0, 0, (place + (dice % 1000) / 1000) * gap_ms)) AS even_ms,
            -- Days are warped so that there is most at two in the afternoon, and a fifth of it at two in the night.
            (even_ms % day_ms) / day_ms AS part_of_day,
            even_ms - even_ms % day_ms + toInt64(day_ms * (part_of_day + 0.1 * sin(2 * pi() * (part_of_day - 2 / 24)) + 0.1 * sin(2 * pi() * 2 / 24)) * 0.999) AS at
        FROM numbers_mt({first:UInt64}, {count:UInt64})
    ),
    linked AS
    (
        SELECT
            *,
            intHash64(person) % {workspaces:UInt64} AS house,
            least({links:UInt64}, toUInt64(floor(exp((sipHash64(dice, 'link') % 10000000) / 10000000 * log({links:UInt64} + 1))))) AS rank,
            sipHash64(house, rank, 'link') AS link,
            roads[1 + dice % 100] AS road,
            places[1 + person % 97] AS where_from,
            kits[1 + intDiv(person, 128) % 100] AS kit,
            -- A site that links here, the first more often than the last.
            toUInt64(floor(exp((sipHash64(dice, 'site') % 100000) / 100000 * log(400)))) AS site,
            if(link % 2 = 0, concat('campaign-', toString(intDiv(link, 2) % 40)), '') AS its_campaign,
            18 + intDiv(person, 16384) % 12 AS version
        FROM come
        WHERE at >= {from_ms:Int64} AND at < {to_ms:Int64}
    )
SELECT
    if(house = 0, 'main', concat('w', toString(house))) AS workspace,
    fromUnixTimestamp64Milli(at, 'UTC') AS time,
    bitOr(bitOr(bitShiftLeft(toUInt128(at), 80), bitShiftLeft(toUInt128(toUInt16(link)), 64)), toUInt128(other)) AS click_id,
    11 + visitor % 2 AS lane,
    intDiv(visitor, 2) * 40 + place + 1 AS seq,
    toInt8(multiIf(other % 1000 < 975, 1, other % 1000 < 990, 2, 5)) AS outcome,
    toInt8(if(is_machine AND other % 3 = 0, 2, 1)) AS method,
    link AS link_id,
    concat(workspace, '.example') AS domain,
    lower(substring(hex(link), 1, 7)) AS slug,
    if(road_mediums[road] = '', '', concat('utm_source=', road_sources[road], '&utm_medium=', road_mediums[road], '&utm_campaign=', its_campaign)) AS query,
    multiIf(is_machine, bitOr(bitShiftLeft(toUInt128(other), 64), toUInt128(dice)), person % 25 = 0, toUInt128(0), bitOr(bitShiftLeft(toUInt128(person), 64), toUInt128(sipHash64(visitor, 'id')))) AS visitor_id,
    visitor_id != 0 AND place = 0 AS new_visitor,
    toInt8(if(visitor_id = 0, 2, 0)) AS privacy,
    toIPv6(toIPv4(toUInt32(bitAnd(person, 0x7FFFFF00)))) AS address_prefix,
    place_countries[where_from] AS country,
    if(country = '', '', concat(country, '-', toString(intDiv(person, 64) % 16))) AS region,
    if(country = '', '', concat('City ', region, toString(intDiv(person, 1024) % 8))) AS city,
    toUInt32(if(country = '', 0, 3000 + where_from * 50 + intDiv(person, 4096) % 40)) AS asn,
    if(asn = 0, '', concat('Network ', toString(asn))) AS network,
    if(is_machine, '', kit_browsers[kit]) AS browser,
    if(is_machine, '', concat(toString(100 + version), '.0')) AS browser_version,
    if(is_machine, '', kit_systems[kit]) AS os,
    if(is_machine, '', toString(10 + version % 6)) AS os_version,
    if(is_machine, 'bot', kit_devices[kit]) AS device,
    if(is_machine, '', kit_models[kit]) AS model,
    toInt8(if(is_machine, 2, 1)) AS agent_class,
    if(is_machine,
        concat('crawler-', toString(person % 40), '/', toString(version % 4), '.0 (+https://bots.example/', toString(person % 40), ')'),
        concat('Mozilla/5.0 (', os, ' ', os_version, '; ', model, ') AppleWebKit/537.36 (KHTML, like Gecko) ', browser, '/', browser_version, ' ', device)) AS user_agent,
    toUInt16(if(is_machine, 1, 31)) AS signs,
    if(is_machine, '', place_languages[where_from]) AS language,
    multiIf(road = 12, concat('https://blog-', toString(site), '.example/posts/', toString(dice % 20)), road_hosts[road] = '', '', concat('https://', road_hosts[road], '/')) AS referrer,
    if(road = 12, concat('blog-', toString(site), '.example'), road_hosts[road]) AS referrer_host,
    road_channels[road] AS channel,
    if(road IN (10, 11), channel, '') AS link_channel,
    if(road = 12, referrer_host, road_sources[road]) AS source,
    its_campaign AS campaign,
    if(road_mediums[road] = '', '', road_sources[road]) AS utm_source,
    road_mediums[road] AS utm_medium,
    if(road_mediums[road] = '', '', its_campaign) AS utm_campaign,
    multiIf(road_mediums[road] = '', '', other % 2 = 0, 'button', 'picture') AS utm_content,
    if(link % 10 < 3, 'friends', '') AS program,
    if(link % 10 < 3, concat('advocate-', toString(intDiv(link, 16) % 2000)), '') AS advocate,
    multiIf(link % 10 != 9, '', other % 2 = 0, 'a', 'b') AS variant,
    arrayFilter(tag -> tag != '', [if(link % 7 = 0, 'spring', ''), if(link % 5 = 0, 'shop', '')]) AS tags,
    toInt8(multiIf(is_machine, machine_verdicts[1 + other % 100], place > 0 AND other % 16 = 0, 7, other % 100 = 1, 8, 1)) AS verdict,
    multiIf(is_machine, ['agent'], verdict = 7, ['again'], verdict = 8, ['network'], []) AS reasons,
    1 AS rules
FROM linked
