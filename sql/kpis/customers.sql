-- Who became a customer, who referred whom, and who shared: all that is counted by people. Stands behind told.sql.
--
-- A customer is a person for whom the merchant has a name, with a conversion that makes one; new where its first such
-- conversion is in the range, active where any is. A person without a name can be new, and be referred.
-- The cohort are customers by their first conversion; a member is closed when its whole window is over at now_ms.
-- members_*   of closed members, what they did within the window from their own first conversion on, both ends included:
--             brought a person whose first conversion is theirs (referred), shared (shared)
-- members_invited  people brought at or after a share by the member who brought them, in the window
-- median_*    lower medians in milliseconds: from the member's first conversion to that of whom it brought, and from the
--             member's last share before; 0 where there are none
-- Parameters: those of told.sql, and
--   from_ms, to_ms                the range, milliseconds since 1970, the end excluded
--   cohort_from_ms, cohort_to_ms  when members of the cohort had their first conversion
--   window_ms, now_ms             how long a member is looked at, and when this is asked
, marks AS
(
    SELECT mark.1 AS role, mark.2 AS whose, mark.3 AS at, is_active
    FROM
    (
        SELECT
            person,
            max(is_customer) AS has_name,
            any(acquired_by) AS referred_by,
            any(acquired_at) AS first_at,
            max(makes_customer AND at >= {from_ms:Int64} AND at < {to_ms:Int64}) AS is_active
        FROM told
        WHERE is_somebody
        GROUP BY person
        HAVING max(makes_customer)
    )
    ARRAY JOIN [('person', toUInt128(0), first_at), ('own', if(has_name, person, 0), first_at), ('referred', referred_by, first_at)] AS mark
    WHERE mark.1 = 'person' OR mark.2 != 0
    UNION ALL
    SELECT
        'share',
        reinterpretAsUInt128(sipHash128('customer', if(advocate != '', toString(advocate), customer))),
        toUnixTimestamp64Milli(occurred_at),
        0
    FROM page_events FINAL
    WHERE workspace = {workspace:String}
      AND name = 'share'
      AND occurred_at >= fromUnixTimestamp64Milli(least({from_ms:Int64}, {cohort_from_ms:Int64}), 'UTC')
      AND occurred_at <= fromUnixTimestamp64Milli(greatest({to_ms:Int64}, {cohort_to_ms:Int64} + {window_ms:Int64}), 'UTC')
      AND (advocate != '' OR customer != '')
    UNION ALL
    SELECT DISTINCT 'click', reinterpretAsUInt128(sipHash128('customer', advocate)), 0, 0
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND advocate != ''
      AND {program:String} IN ('', program)
),
theirs AS
(
    SELECT
        whose,
        countIf(role = 'person' AND at >= {from_ms:Int64} AND at < {to_ms:Int64}) AS new_people,
        countIf(role = 'own') > 0 AS is_customer,
        maxIf(is_active, role = 'own') AS is_active_customer,
        minIf(at, role = 'own') AS own_at,
        countIf(role = 'click') > 0 AS is_clicked,
        countIf(role = 'referred' AND at >= {from_ms:Int64} AND at < {to_ms:Int64}) AS referred,
        countIf(role = 'share' AND at >= {from_ms:Int64} AND at < {to_ms:Int64}) AS shares,
        groupArrayIf(at, role = 'referred') AS referred_at,
        groupArrayIf(at, role = 'share') AS shared_at
    FROM marks
    GROUP BY whose
),
-- What members of the cohort did in their window, each by the time since their own first conversion.
followed AS
(
    SELECT
        *,
        arrayFilter(after -> is_closed AND after >= 0 AND after <= {window_ms:Int64}, arrayMap(t -> t - own_at, referred_at)) AS brought,
        arraySort(arrayFilter(after -> is_closed AND after >= 0 AND after <= {window_ms:Int64}, arrayMap(t -> t - own_at, shared_at))) AS invites
    FROM
    (
        SELECT
            *,
            is_customer AND own_at >= {cohort_from_ms:Int64} AND own_at < {cohort_to_ms:Int64} AS is_member,
            is_member AND own_at + {window_ms:Int64} <= {now_ms:Int64} AS is_closed
        FROM theirs
    )
),
waited AS
(
    SELECT
        *,
        arrayMap(after -> after - arrayLast(invite -> invite <= after, invites), arrayFilter(after -> notEmpty(invites) AND after >= invites[1], brought)) AS waits
    FROM followed
)
SELECT
    sum(new_people) AS new_people,
    sum(referred) AS new_referred,
    countIf(is_customer AND own_at < {to_ms:Int64}) AS customers,
    countIf(is_customer AND own_at < {from_ms:Int64}) AS earlier_customers,
    countIf(is_active_customer) AS active_customers,
    countIf(is_customer AND own_at < {to_ms:Int64} AND referred > 0) AS customers_who_referred,
    countIf(is_customer AND own_at < {to_ms:Int64} AND is_clicked) AS customers_who_were_clicked,
    countIf(is_active_customer AND shares > 0) AS active_who_shared,
    countIf(is_clicked) AS clicked_advocates,
    countIf(is_clicked AND referred > 0) AS clicked_advocates_who_referred,
    countIf(shares > 0) AS sharers,
    countIf(is_closed) AS members,
    countIf(is_member AND NOT is_closed) AS open_members,
    countIf(notEmpty(brought)) AS members_who_referred,
    countIf(notEmpty(invites)) AS members_who_shared,
    sum(length(brought)) AS members_referred,
    sum(length(invites)) AS members_shared,
    sum(length(waits)) AS members_invited,
    toInt64(quantileExactLowArray(0.5)(brought)) AS median_cycle_ms,
    toInt64(quantileExactLowArray(0.5)(waits)) AS median_invite_ms
FROM waited
