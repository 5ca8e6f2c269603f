-- A person's clicks become what a workspace that only counts would have stored: what was clicked, when, from which kind of
-- device, country and channel, with what outcome and verdict.
--
-- Ids become others under a salt that nobody keeps. That of a click keeps its hour, by which reports find its row; all of
-- a visitor become the same one, so that visitors stay countable. (lane, seq) stays: the audit counts by it. What is in the
-- table's key (time and link) and in its projection click_hours is not touched, so sums are the same.
-- The ids do not stand in this text: ClickHouse keeps it.
-- Parameters: request, workspace.
ALTER TABLE clicks UPDATE
    visitor_id = if(visitor_id = 0, toUInt128(0), reinterpretAsUInt128(sipHash128ReferenceKeyed(
        (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt'),
        visitor_id))),
    click_id = bitOr(
        bitShiftLeft(toUInt128(intDiv(toUInt64(bitShiftRight(click_id, 80)), 3600000) * 3600000), 80),
        bitShiftRight(reinterpretAsUInt128(sipHash128ReferenceKeyed(
            (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt'),
            click_id)), 48)),
    privacy = 'count_only',
    slug = if(link_id = 0, '', slug),
    query = '',
    address_prefix = toIPv6('::'),
    address = toIPv6('::'),
    region = '',
    city = '',
    asn = 0,
    network = '',
    browser_version = '',
    os_version = '',
    model = '',
    user_agent = '',
    signs = 0,
    hints = '',
    language = '',
    referrer = '',
    purpose = '',
    -- Some senders of mail put the reader's address into the link.
    campaign = if(match(campaign, '@|%40'), '', campaign),
    utm_source = if(match(utm_source, '@|%40'), '', utm_source),
    utm_medium = if(match(utm_medium, '@|%40'), '', utm_medium),
    utm_campaign = if(match(utm_campaign, '@|%40'), '', utm_campaign),
    utm_term = '',
    utm_content = ''
WHERE workspace = {workspace:String}
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
