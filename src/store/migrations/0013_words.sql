-- Words of the field for what was stored under words of our own.
ALTER TABLE {database}.domain_steps{local}{on_cluster}
    UPDATE state = transform(toString(state), ['later', 'undone', 'moot'], ['blocked', 'regressed', 'obsolete'], toString(state))
    WHERE state IN ('later', 'undone', 'moot')
SETTINGS mutations_sync = 2;

ALTER TABLE {database}.domain_senders{local}{on_cluster}
    UPDATE rule = transform(toString(rule), ['drizzle_of_many', 'recipients_filter'], ['low_volume_scatter', 'recipient_side_filter'], toString(rule))
    WHERE rule IN ('drizzle_of_many', 'recipients_filter')
SETTINGS mutations_sync = 2;

ALTER TABLE {database}.messages{local}{on_cluster}
    UPDATE code = if(code = 'deadly', 'parser_crash', code),
        `refused.code` = arrayMap(one -> if(one = 'deadly', 'parser_crash', one), `refused.code`)
    WHERE code = 'deadly' OR has(`refused.code`, 'deadly')
SETTINGS mutations_sync = 2;

ALTER TABLE {database}.domain_steps{local}{on_cluster}
    COMMENT COLUMN IF EXISTS state 'open, blocked (something else comes first), regressed (was done and is not any more), done or obsolete';

-- cluster
ALTER TABLE {database}.domain_steps{on_cluster}
    COMMENT COLUMN IF EXISTS state 'open, blocked (something else comes first), regressed (was done and is not any more), done or obsolete';
