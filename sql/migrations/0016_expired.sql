-- Numbers whose rows retention removes: noted before it does, so that an audit does not take them for lost. Metadata only.
ALTER TABLE lane_gaps
    MODIFY COLUMN reason Enum8('refused' = 1, 'damaged' = 2, 'unreadable' = 3, 'set_aside' = 4, 'expired' = 5);
