create or replace function api.verdict_table() returns table (code text, rule text, said text, remedy text)
language sql immutable
as $$
    values
        ('pass', 'none', 'the request passed', null),
        ('pass_open', 'tollgate_on_error open', 'Redis could not be asked, and everyone passes then', null),
        ('pass_stale', 'tollgate_on_error stale', 'Redis could not be asked, and the key had passed shortly before', null),
        ('client_gone', 'none', 'the client left before it was decided', null),
        ('key_missing', 'key', 'the request had no API key', 'send one, as "Authorization: Bearer <key>"'),
        ('key_malformed', 'key', 'what was sent can not be a key', 'send the whole key, as it was shown once'),
        ('body_invalid', 'price', 'the price depends on the body, which was not whole or no clear JSON',
         'send JSON whose fields stand once; see the error log of nginx'),
        ('cost_invalid', 'price', 'tollgate_cost became no number of credits', 'see the error log of nginx for the value'),
        ('feature_unknown', 'price', 'the catalog has no such feature', 'see tollgate catalog get'),
        ('model_unknown', 'price', 'the catalog has no such model', 'see tollgate catalog get'),
        ('store_unreachable', 'store', 'Redis or the catalog could not be asked',
         'try again; the error log of nginx says what was wrong'),
        ('deadline_passed', 'store', 'Redis was slower than tollgate_timeout', 'try again; see how busy Redis is'),
        ('key_unknown', 'key', 'the gate knows no such key', 'create one with tollgate keys create'),
        ('key_revoked', 'key', 'the key was revoked', 'create another with tollgate keys create'),
        ('key_expired', 'key', 'the key had expired', 'create another with tollgate keys create'),
        ('account_suspended', 'account', 'the account was suspended', 'tollgate accounts set-state ACCOUNT active'),
        ('account_frozen', 'account', 'the account was frozen, as its events did not add up',
         'tollgate ledger verify ACCOUNT says where'),
        ('app_suspended', 'app', 'the app of the key was suspended', 'let the app pass again'),
        ('tier_required', 'tier', 'the plan had too low a tier', 'a plan of a higher tier'),
        ('rate_limited', 'rate', 'requests came faster than the plan allows', 'send slower, or a plan with a higher rate'),
        ('quota_exceeded', 'quota', 'the quota of the plan had too few units left', 'wait, or a plan with more units'),
        ('credits_exhausted', 'credits', 'the account had too few credits', 'more credits');
$$;
comment on function api.verdict_table is 'What verdicts of decided requests mean: the rule that decided, what happened, what would make it pass.';
