create or replace function api.grant_terms(args jsonb, at timestamptz) returns credit_grant
language plpgsql stable
set search_path = public, pg_temp
as $$
declare
    terms credit_grant;
    most interval := interval '36600 days';
    length interval := lib.arg_duration(args, 'expires_in', most, null);
    rollover jsonb := nullif(args -> 'rollover', 'null');
begin
    terms.priority := lib.arg_int(args, 'priority', 0, 100, 50);
    -- the edge knows milliseconds
    terms.effective_at := date_trunc('milliseconds', lib.arg_time(args, 'effective_at', at));
    terms.expires_at := date_trunc('milliseconds', coalesce(lib.arg_time(args, 'expires_at'),
                                                            terms.effective_at + length));
    terms.features := coalesce(lib.arg_list(args, 'features', '^[a-z0-9][a-z0-9._:-]{0,63}\*?$',
                                            'features, of which each may end with *'), '{}');

    if length is not null and args ? 'expires_at' then
        perform lib.invalid('expires_in', 'absent where expires_at is given');
    end if;
    if terms.expires_at <= greatest(terms.effective_at, at) then
        perform lib.invalid('expires_at', 'a time to come, and after effective_at');
    end if;
    if cardinality(terms.features) > 8
       or length(ledger.pocket_key(terms.priority, terms.expires_at, terms.features)) > 200
    then
        perform lib.invalid('features', 'at most 8, and short enough to be joined');
    end if;

    if rollover is not null then
        if jsonb_typeof(rollover) <> 'object' or rollover - array['max', 'min', 'for'] <> '{}' or not rollover ? 'max'
           or terms.expires_at is null
        then
            perform lib.invalid('rollover', 'an object of max, min and for, of a grant that ends');
        end if;
        terms.rollover_max := lib.micro(rollover, 'max');
        terms.rollover_min := coalesce(lib.micro(rollover, 'min'), 0);
        terms.rollover_for := lib.arg_duration(rollover, 'for', most, null);
        if terms.rollover_max < terms.rollover_min or terms.rollover_min < 0 or terms.rollover_max is null
           or terms.rollover_for <= interval '0'
        then
            perform lib.invalid('rollover', 'max of at least min, both not below 0, and a time that lasts');
        end if;
    end if;

    return terms;
end $$;
comment on function api.grant_terms is 'The terms of a grant that the arguments name: when, for what and in which order it is used, asked for at that time.';
