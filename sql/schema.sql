-- The schema as tools/dump_schema.sh writes it from a migrated database.

CREATE DOMAIN public.code AS text COLLATE pg_catalog."C"
	CONSTRAINT code_check CHECK ((VALUE ~ '^[a-z0-9][a-z0-9._:-]{0,63}$'::text));

CREATE TYPE public.fold AS (
	account text COLLATE pg_catalog."C",
	events bigint,
	expired bigint,
	epoch bigint,
	first_seq bigint,
	last_seq bigint,
	opening bigint,
	held_from bigint,
	held_to bigint,
	avail bigint,
	held bigint,
	spent_low bigint,
	spent_high bigint,
	first_us bigint,
	last_us bigint,
	units bigint,
	sums jsonb
);

COMMENT ON TYPE public.fold IS 'An account whose events of a batch are plain: what they come to. sums: of each feature, objects with feature, credits, at_us.';

CREATE TABLE public.account (
    id text NOT NULL COLLATE pg_catalog."C",
    shard smallint NOT NULL,
    name text NOT NULL,
    email text,
    state text DEFAULT 'active'::text NOT NULL,
    plan public.code DEFAULT 'payg'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    low_balance smallint[] DEFAULT '{}'::smallint[] NOT NULL,
    edge jsonb DEFAULT '{}'::jsonb NOT NULL,
    overdraft bigint DEFAULT 0 NOT NULL,
    CONSTRAINT account_email_check CHECK ((length(email) <= 320)),
    CONSTRAINT account_id_check CHECK ((id ~ '^[0-9A-Za-z]{10}$'::text)),
    CONSTRAINT account_low_balance_check CHECK (((1 <= ALL (low_balance)) AND (100 >= ALL (low_balance)) AND (cardinality(low_balance) <= 8))),
    CONSTRAINT account_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT account_overdraft_check CHECK (((overdraft >= 0) AND (overdraft <= '9007199254740991'::bigint))),
    CONSTRAINT account_shard_check CHECK ((shard >= 0)),
    CONSTRAINT account_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'frozen'::text])))
);

COMMENT ON COLUMN public.account.low_balance IS 'Percents of the balance after the last top-up whose use raises an event.';

COMMENT ON COLUMN public.account.edge IS 'What the wallet was last told of anchor, time zone and low balance.';

COMMENT ON COLUMN public.account.overdraft IS 'Micro-credits that the account may owe for responses that came to more than was held for them.';

CREATE TABLE public.app (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT app_id_check CHECK ((id ~ '^app_[0-9A-Za-z]{10}$'::text)),
    CONSTRAINT app_kind_check CHECK ((kind = ANY (ARRAY['mobile'::text, 'desktop'::text, 'web'::text, 'api'::text]))),
    CONSTRAINT app_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT app_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text])))
);

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    object text NOT NULL,
    detail jsonb NOT NULL,
    prev_hash text NOT NULL,
    hash text NOT NULL
);

COMMENT ON TABLE public.audit_log IS 'Every change by a person, a job or the worker; hash is the SHA-256 over prev_hash and the row.';

CREATE TABLE public.audit_root (
    day date NOT NULL,
    first_row bigint,
    last_row bigint NOT NULL,
    rows bigint NOT NULL,
    seal bigint,
    seal_hash text NOT NULL,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_root_check CHECK (((rows = 0) = (first_row IS NULL))),
    CONSTRAINT audit_root_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT audit_root_rows_check CHECK ((rows >= 0))
);

COMMENT ON TABLE public.audit_root IS 'What a day of the audit log comes to: rows up to last_row that no earlier root has, with the seal of the ledger by then; hash chains it to the day before.';

CREATE TABLE public.content_pricing (
    code public.code NOT NULL,
    title text NOT NULL,
    kind text NOT NULL,
    credits bigint NOT NULL,
    view_window integer DEFAULT 21600 NOT NULL,
    views integer,
    span text DEFAULT 'life'::text NOT NULL,
    days integer,
    tier smallint,
    bundles text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    active boolean DEFAULT true NOT NULL,
    CONSTRAINT content_pricing_bundles_check CHECK ((cardinality(bundles) <= 4)),
    CONSTRAINT content_pricing_check CHECK (((kind <> 'lifetime'::text) OR ((views IS NULL) AND (days IS NULL)))),
    CONSTRAINT content_pricing_check1 CHECK (((kind <> 'subscription'::text) OR (tier IS NOT NULL))),
    CONSTRAINT content_pricing_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT content_pricing_days_check CHECK (((days >= 1) AND (days <= 36600))),
    CONSTRAINT content_pricing_kind_check CHECK ((kind = ANY (ARRAY['bundle'::text, 'free'::text, 'lifetime'::text, 'one_time'::text, 'pay_per_view'::text, 'subscription'::text]))),
    CONSTRAINT content_pricing_span_check CHECK ((span = ANY (ARRAY['life'::text, 'month'::text]))),
    CONSTRAINT content_pricing_title_check CHECK (((length(title) >= 1) AND (length(title) <= 200))),
    CONSTRAINT content_pricing_view_window_check CHECK (((view_window >= 60) AND (view_window <= 31622400))),
    CONSTRAINT content_pricing_views_check CHECK (((views >= 1) AND (views <= 1000000000)))
);

COMMENT ON TABLE public.content_pricing IS 'Content and bundles of it; credits: of a view of what is pay_per_view, else of what a purchase gives: views (null: any number) in a month or in all, for days (null: for ever). tier: whose plans include it. view_window: seconds that a view is open.';

CREATE TABLE public.downloads (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    path text COLLATE pg_catalog."C",
    query text COLLATE pg_catalog."C",
    feature public.code,
    network cidr,
    max_downloads integer,
    window_s integer,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    downloads bigint DEFAULT 0 NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    bytes_sent bigint DEFAULT 0 NOT NULL,
    first_at timestamp with time zone,
    last_at timestamp with time zone,
    CONSTRAINT downloads_bytes_sent_check CHECK ((bytes_sent >= 0)),
    CONSTRAINT downloads_check CHECK (((path IS NULL) = (expires_at IS NULL))),
    CONSTRAINT downloads_check1 CHECK (((path IS NULL) = (window_s IS NULL))),
    CONSTRAINT downloads_downloads_check CHECK ((downloads >= 0)),
    CONSTRAINT downloads_id_check CHECK ((id ~ '^dl_[0-9A-Za-z]{10,32}$'::text)),
    CONSTRAINT downloads_max_downloads_check CHECK ((max_downloads > 0)),
    CONSTRAINT downloads_refused_check CHECK ((refused >= 0)),
    CONSTRAINT downloads_requests_check CHECK ((requests >= 0)),
    CONSTRAINT downloads_window_s_check CHECK (((window_s >= 1) AND (window_s <= 604800)))
);

COMMENT ON TABLE public.downloads IS 'Links that were made here, and those without a path that a backend signed itself and that were used. downloads counts what was charged for, requests all that passed, with ranges and retries; by usage records, so what these lost is missing.';

CREATE TABLE public.entitlement (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    content public.code NOT NULL,
    views integer,
    span text NOT NULL,
    until timestamp with time zone,
    credits bigint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    taking text COLLATE pg_catalog."C",
    note text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT entitlement_check CHECK (((credits > 0) = (taking IS NOT NULL))),
    CONSTRAINT entitlement_check1 CHECK (((state <> 'pending'::text) OR (taking IS NOT NULL))),
    CONSTRAINT entitlement_check2 CHECK (((state = ANY (ARRAY['pending'::text, 'active'::text])) = (ended_at IS NULL))),
    CONSTRAINT entitlement_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT entitlement_id_check CHECK ((id ~ '^ent[0-9A-Za-z]{10}$'::text)),
    CONSTRAINT entitlement_span_check CHECK ((span = ANY (ARRAY['life'::text, 'month'::text]))),
    CONSTRAINT entitlement_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'active'::text, 'declined'::text, 'revoked'::text, 'ended'::text]))),
    CONSTRAINT entitlement_views_check CHECK (((views >= 1) AND (views <= 1000000000)))
);

COMMENT ON TABLE public.entitlement IS 'What an account may view of a piece of content or of a bundle. pending: a command takes its credits from the wallet, by a charge whose request is taking; declined: the wallet had too few.';

CREATE TABLE public.account_event (
    id bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    "limit" public.code,
    meter text,
    app text COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    percent smallint,
    max bigint,
    used bigint,
    counter text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    window_start timestamp with time zone,
    epoch bigint,
    seq bigint,
    n integer,
    CONSTRAINT account_event_type_check CHECK ((type = ANY (ARRAY['balance.exhausted'::text, 'balance.low'::text, 'credits.expired'::text, 'limit.threshold'::text, 'quota.exceeded'::text])))
);

COMMENT ON TABLE public.account_event IS 'What a customer should hear of, once each: epoch, seq and n are those of the register''s event that told it, null where a refused request did.';

CREATE TABLE public.credit_grant (
    id bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL,
    priority smallint DEFAULT 50 NOT NULL,
    amount bigint NOT NULL,
    remaining bigint NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    issue_key text NOT NULL COLLATE pg_catalog."C",
    txn bigint,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    features text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    pocket text DEFAULT '-'::text NOT NULL COLLATE pg_catalog."C",
    rollover_max bigint,
    rollover_min bigint,
    rollover_for interval,
    lapsed bigint DEFAULT 0 NOT NULL,
    rolled bigint DEFAULT 0 NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT credit_grant_amount_check CHECK (((amount > 0) AND (amount <= '9007199254740991'::bigint))),
    CONSTRAINT credit_grant_end_check CHECK ((expires_at > effective_at)),
    CONSTRAINT credit_grant_lapsed_check CHECK ((lapsed >= 0)),
    CONSTRAINT credit_grant_later_check CHECK (((txn IS NOT NULL) OR ((remaining = 0) AND (lapsed = 0)))),
    CONSTRAINT credit_grant_pocket_check CHECK (((length(pocket) >= 1) AND (length(pocket) <= 200))),
    CONSTRAINT credit_grant_priority_check CHECK (((priority >= 0) AND (priority <= 100))),
    CONSTRAINT credit_grant_rolled_check CHECK ((rolled >= 0)),
    CONSTRAINT credit_grant_rollover_check CHECK (((rollover_min <= rollover_max) AND ((rollover_max IS NULL) = (rollover_min IS NULL)) AND ((rollover_max IS NOT NULL) OR (rollover_for IS NULL)) AND ((rollover_max IS NULL) OR (expires_at IS NOT NULL)))),
    CONSTRAINT credit_grant_rollover_for_check CHECK ((rollover_for > '00:00:00'::interval)),
    CONSTRAINT credit_grant_rollover_max_check CHECK (((rollover_max >= 0) AND (rollover_max <= '9007199254740991'::bigint))),
    CONSTRAINT credit_grant_rollover_min_check CHECK ((rollover_min >= 0)),
    CONSTRAINT credit_grant_share_check CHECK (((remaining >= 0) AND ((remaining + lapsed) <= amount))),
    CONSTRAINT credit_grant_source_check CHECK ((source = ANY (ARRAY['purchase'::text, 'promo'::text, 'adjustment'::text, 'join'::text, 'daily'::text, 'rollover'::text, 'reopened'::text])))
);

COMMENT ON TABLE public.credit_grant IS 'A lot of credits, usable from effective_at until expires_at for its features (none: all); txn is null until it starts. pocket: what the edge calls its credits, and those of other grants that burn alike: within a pocket those revoked burn last, promotional before paid, then by effective_at, then id. What was used of it is amount - remaining - lapsed; lapsed: expired, revoked or taken back; rolled: what rolled over of that.';

CREATE TABLE public.job (
    name text NOT NULL,
    every interval NOT NULL,
    catch_up boolean NOT NULL,
    due_at timestamp with time zone NOT NULL,
    requested_at timestamp with time zone,
    retry_at timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    failed_total bigint DEFAULT 0 NOT NULL,
    succeeded_at timestamp with time zone,
    CONSTRAINT job_every_check CHECK ((every > '00:00:00'::interval))
);

COMMENT ON TABLE public.job IS 'A job runs for its due_at, which moves on by one period when it is done; retry_at is when a failed one is tried again, requested_at when somebody asked for a run besides. Without catch_up one run makes up for all that were missed.';

CREATE TABLE public.api_key (
    id text NOT NULL COLLATE pg_catalog."C",
    app text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    prefix text NOT NULL,
    last4 text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    expires_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    scopes text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    ips cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    methods text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    paths text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    models text[] DEFAULT '{}'::text[] NOT NULL COLLATE pg_catalog."C",
    replaced_by text COLLATE pg_catalog."C",
    imported boolean DEFAULT false NOT NULL,
    CONSTRAINT api_key_check CHECK (((state = 'revoked'::text) = (revoked_at IS NOT NULL))),
    CONSTRAINT api_key_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT api_key_id_check CHECK ((id ~ '^key_[0-9A-Za-z]{10}$'::text)),
    CONSTRAINT api_key_name_check CHECK ((length(name) <= 200)),
    CONSTRAINT api_key_state_check CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'revoked'::text])))
);

COMMENT ON TABLE public.api_key IS 'An API key, of which only the SHA-256 is kept. A list of scopes, networks, methods, path prefixes or models that is empty restricts nothing; replaced_by is the key that it was rerolled to. One that was imported is of any form: prefix and last4 are empty where nothing of it may be shown.';

CREATE TABLE public.usage_limit (
    id bigint NOT NULL,
    plan public.code,
    account text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    holder_kind text GENERATED ALWAYS AS (
CASE
    WHEN (plan IS NOT NULL) THEN 'plan'::text
    WHEN (account IS NOT NULL) THEN 'account'::text
    WHEN (app IS NOT NULL) THEN 'app'::text
    ELSE 'key'::text
END) STORED NOT NULL COLLATE pg_catalog."C",
    holder text GENERATED ALWAYS AS (COALESCE((plan)::text, account, app, key)) STORED NOT NULL COLLATE pg_catalog."C",
    name public.code NOT NULL,
    meter text NOT NULL,
    max bigint NOT NULL,
    "window" text,
    align text,
    rate text,
    lease_ms integer,
    per text NOT NULL,
    feature text NOT NULL COLLATE pg_catalog."C",
    effect text NOT NULL,
    thresholds smallint[] NOT NULL,
    since timestamp with time zone,
    CONSTRAINT usage_limit_align_check CHECK ((align = ANY (ARRAY['calendar'::text, 'anniversary'::text]))),
    CONSTRAINT usage_limit_check CHECK ((num_nonnulls(plan, account, app, key) = 1)),
    CONSTRAINT usage_limit_check1 CHECK (((app IS NULL) OR (per = 'app'::text))),
    CONSTRAINT usage_limit_check2 CHECK (((key IS NULL) OR (per = 'key'::text))),
    CONSTRAINT usage_limit_check3 CHECK (((meter = 'rate'::text) = (rate IS NOT NULL))),
    CONSTRAINT usage_limit_check4 CHECK (((meter = 'running'::text) = (lease_ms IS NOT NULL))),
    CONSTRAINT usage_limit_check5 CHECK (((meter = ANY (ARRAY['rate'::text, 'running'::text])) = ("window" IS NULL))),
    CONSTRAINT usage_limit_check6 CHECK (((COALESCE("window", 'life'::text) = 'life'::text) = (align IS NULL))),
    CONSTRAINT usage_limit_check7 CHECK ((("window" IS NOT NULL) OR ((effect = 'refuse'::text) AND (thresholds = '{}'::smallint[])))),
    CONSTRAINT usage_limit_check8 CHECK (((effect = 'warn'::text) OR (100 >= ALL (thresholds)))),
    CONSTRAINT usage_limit_effect_check CHECK ((effect = ANY (ARRAY['refuse'::text, 'warn'::text]))),
    CONSTRAINT usage_limit_feature_check CHECK ((feature ~ '^(\*|[a-z0-9][a-z0-9._:-]{0,63}\*?)$'::text)),
    CONSTRAINT usage_limit_id_check CHECK ((id <= '9999999999'::bigint)),
    CONSTRAINT usage_limit_lease_ms_check CHECK (((lease_ms >= 1000) AND (lease_ms <= 3600000))),
    CONSTRAINT usage_limit_max_check CHECK (((max >= 1) AND (max <= '9007199254740991'::bigint))),
    CONSTRAINT usage_limit_meter_check CHECK ((meter = ANY (ARRAY['rate'::text, 'requests'::text, 'units'::text, 'credits'::text, 'running'::text]))),
    CONSTRAINT usage_limit_name_check CHECK (((name)::text <> ALL (ARRAY['app_rate'::text, 'balance'::text, 'day'::text, 'key_rate'::text, 'month'::text, 'rules'::text]))),
    CONSTRAINT usage_limit_per_check CHECK ((per = ANY (ARRAY['account'::text, 'app'::text, 'key'::text]))),
    CONSTRAINT usage_limit_rate_check CHECK ((rate ~ '^\d{1,7}(\.\d{1,6})?/[smhd]$'::text)),
    CONSTRAINT usage_limit_thresholds_check CHECK (((1 <= ALL (thresholds)) AND (1000 >= ALL (thresholds)) AND (cardinality(thresholds) <= 8))),
    CONSTRAINT usage_limit_window_check CHECK (("window" = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text, 'week'::text, 'month'::text, 'life'::text])))
);

COMMENT ON TABLE public.usage_limit IS 'A limit of a plan, account, app or key; per says whose counter it is. max: of a rate the burst, of credits micro-credits. rate: requests a second, minute, hour or day. lease_ms: how long a request that runs is counted unless it is heard of. thresholds: percents of max that raise an event.';

COMMENT ON COLUMN public.usage_limit.since IS 'When it was made: what was used before does not count; null where that is not known.';

CREATE TABLE public.usage_event (
    at timestamp with time zone NOT NULL,
    at_ms bigint NOT NULL,
    host text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    account text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    "user" text COLLATE pg_catalog."C",
    feature text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    verdict text NOT NULL COLLATE pg_catalog."C",
    status smallint NOT NULL,
    credits bigint NOT NULL,
    units bigint NOT NULL,
    refunded boolean NOT NULL,
    latency_ms bigint NOT NULL,
    bytes_in bigint NOT NULL,
    bytes_out bigint NOT NULL,
    dry_run boolean NOT NULL,
    cost bigint,
    cost_units bigint,
    avail bigint,
    "limit" text COLLATE pg_catalog."C",
    day_left bigint,
    month_left bigint,
    tier_needed integer,
    plan text COLLATE pg_catalog."C",
    wait_ms bigint,
    store_us bigint,
    label text COLLATE pg_catalog."C",
    tokens_input bigint,
    tokens_cached bigint,
    tokens_output bigint,
    download boolean
)
PARTITION BY RANGE (at);

COMMENT ON TABLE public.usage_event IS 'Every decided request, refused ones too, as the gate saw it end.';

CREATE TABLE public.statement (
    id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    no integer NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone NOT NULL,
    after_txn bigint NOT NULL,
    last_txn bigint NOT NULL,
    opening bigint NOT NULL,
    closing bigint NOT NULL,
    movements bigint NOT NULL,
    hash text NOT NULL,
    seal bigint,
    seal_hash text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    issued_by text NOT NULL,
    CONSTRAINT statement_check CHECK ((from_at < to_at)),
    CONSTRAINT statement_check1 CHECK ((after_txn <= last_txn)),
    CONSTRAINT statement_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT statement_id_check CHECK ((id ~ '^st_[0-9A-Za-z]{16}$'::text)),
    CONSTRAINT statement_movements_check CHECK ((movements >= 0)),
    CONSTRAINT statement_no_check CHECK ((no > 0))
);

COMMENT ON TABLE public.statement IS 'A statement as it was issued: the movements with after_txn < id <= last_txn, for ever; hash is the SHA-256 over its lines, seal_hash that of the ledger by then.';

CREATE TABLE public.unpaid_use (
    id bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    account text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    feature text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    verdict text NOT NULL COLLATE pg_catalog."C",
    credits bigint NOT NULL,
    units bigint NOT NULL,
    state text NOT NULL,
    taking text COLLATE pg_catalog."C",
    ended_at timestamp with time zone,
    txn bigint,
    CONSTRAINT unpaid_use_check CHECK (((state = 'unknown'::text) = (account IS NULL))),
    CONSTRAINT unpaid_use_check1 CHECK (((state = ANY (ARRAY['charging'::text, 'charged'::text])) = (taking IS NOT NULL))),
    CONSTRAINT unpaid_use_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT unpaid_use_state_check CHECK ((state = ANY (ARRAY['open'::text, 'counted'::text, 'unknown'::text, 'charging'::text, 'charged'::text, 'forgiven'::text, 'paid'::text]))),
    CONSTRAINT unpaid_use_units_check CHECK ((units >= 0))
);

COMMENT ON TABLE public.unpaid_use IS 'Requests that passed without a decision, and those (of verdict pass) that came to more than could be charged. open: owed. counted: units alone, nothing is owed. unknown: nobody has that key. charging: a command takes it from the wallet, by a charge whose request is taking. charged, forgiven: by an operator, or a top-up. paid: it was charged at the edge after all.';

CREATE TABLE public.ledger_seal (
    no bigint NOT NULL,
    first_txn bigint NOT NULL,
    last_txn bigint NOT NULL,
    txns bigint NOT NULL,
    entries bigint NOT NULL,
    turnover jsonb NOT NULL,
    prev_hash text NOT NULL,
    hash text NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    CONSTRAINT ledger_seal_check CHECK ((first_txn <= last_txn)),
    CONSTRAINT ledger_seal_entries_check CHECK ((entries >= 0)),
    CONSTRAINT ledger_seal_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT ledger_seal_no_check CHECK ((no > 0)),
    CONSTRAINT ledger_seal_txns_check CHECK ((txns > 0))
);

COMMENT ON TABLE public.ledger_seal IS 'Transactions up to last_txn that no earlier seal has; hash is the SHA-256 over prev_hash, the rows and their entries, turnover what was debited of each asset.';

CREATE FUNCTION public.ledger_entry_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
declare
    bad bigint;
begin
    select e.txn into bad
    from ledger_entry e join ledger_account a on a.id = e.ledger_account
    where e.txn in (select txn from new_entries)
    group by e.txn, a.asset
    having sum(e.amount) <> 0
    limit 1;

    if found then
        raise exception 'ledger transaction % does not sum to zero', bad
            using errcode = 'check_violation';
    end if;

    insert into ledger_balance as b (ledger_account, balance)
    select e.ledger_account, 0
    from new_entries e join ledger_account a on a.id = e.ledger_account
    where a.kind = 'wallet'
    group by e.ledger_account
    on conflict do nothing;

    update ledger_balance b
    set balance = b.balance + s.amount
    from (select e.ledger_account, sum(e.amount) as amount
          from new_entries e join ledger_account a on a.id = e.ledger_account
          where a.kind = 'wallet'
          group by e.ledger_account) s
    where b.ledger_account = s.ledger_account;

    return null;
end $$;

COMMENT ON FUNCTION public.ledger_entry_post() IS 'Refuses entries that do not sum to zero, and keeps the balances of wallets.';

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is insert only', tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

CREATE TABLE public.plan (
    code public.code NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    public boolean DEFAULT true NOT NULL
);

CREATE TABLE public.plan_version (
    plan public.code NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    tier smallint NOT NULL,
    mode text NOT NULL,
    price bigint,
    currency character(3) DEFAULT 'THB'::bpchar NOT NULL,
    "interval" interval NOT NULL,
    day_units bigint,
    month_units bigint,
    key_rate numeric(13,6),
    key_burst integer DEFAULT 1 NOT NULL,
    app_rate numeric(13,6),
    app_burst integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    align text DEFAULT 'calendar'::text NOT NULL,
    CONSTRAINT plan_version_align_check CHECK ((align = ANY (ARRAY['calendar'::text, 'anniversary'::text]))),
    CONSTRAINT plan_version_app_burst_check CHECK (((app_burst >= 1) AND (app_burst <= 1000000))),
    CONSTRAINT plan_version_app_rate_check CHECK (((app_rate > (0)::numeric) AND (app_rate <= (1000000)::numeric))),
    CONSTRAINT plan_version_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT plan_version_day_units_check CHECK (((day_units >= 0) AND (day_units <= '9007199254740991'::bigint))),
    CONSTRAINT plan_version_interval_check CHECK (("interval" > '00:00:00'::interval)),
    CONSTRAINT plan_version_key_burst_check CHECK (((key_burst >= 1) AND (key_burst <= 1000000))),
    CONSTRAINT plan_version_key_rate_check CHECK (((key_rate > (0)::numeric) AND (key_rate <= (1000000)::numeric))),
    CONSTRAINT plan_version_mode_check CHECK ((mode = ANY (ARRAY['payg'::text, 'subscription'::text, 'hybrid'::text]))),
    CONSTRAINT plan_version_month_units_check CHECK (((month_units >= 0) AND (month_units <= '9007199254740991'::bigint))),
    CONSTRAINT plan_version_price_check CHECK ((price >= 0)),
    CONSTRAINT plan_version_version_check CHECK ((version > 0))
);

COMMENT ON TABLE public.plan_version IS 'What a plan gives, a row a version and never changed; price in minor units, null: by agreement; null units or rate: no limit.';

CREATE TABLE public.subscription (
    id bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    plan public.code NOT NULL,
    plan_version integer NOT NULL,
    anchor timestamp with time zone NOT NULL,
    "interval" interval NOT NULL,
    period_no integer DEFAULT 0 NOT NULL,
    period_start timestamp with time zone NOT NULL,
    period_end timestamp with time zone NOT NULL,
    auto_renew boolean DEFAULT true NOT NULL,
    ended_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT subscription_check CHECK ((period_start < period_end)),
    CONSTRAINT subscription_interval_check CHECK (("interval" > '00:00:00'::interval)),
    CONSTRAINT subscription_period_no_check CHECK ((period_no >= 0))
);

COMMENT ON TABLE public.subscription IS 'Period n is [anchor + n * interval, anchor + (n + 1) * interval).';

CREATE VIEW public.account_calendar AS
 SELECT a.id AS account,
    a.time_zone AS zone,
    v.align,
    date_trunc('second'::text, COALESCE(s.anchor, a.created_at)) AS anchor
   FROM (((public.account a
     JOIN public.plan p ON (((p.code)::text = (a.plan)::text)))
     JOIN public.plan_version v ON ((((v.plan)::text = (p.code)::text) AND (v.version = p.version))))
     LEFT JOIN public.subscription s ON (((s.account = a.id) AND (s.ended_at IS NULL))));

COMMENT ON VIEW public.account_calendar IS 'In which time zone, from when on, and how by its plan, the windows of an account are counted.';

CREATE TABLE public.account_cursor (
    account text NOT NULL COLLATE pg_catalog."C",
    epoch bigint DEFAULT 1 NOT NULL,
    last_seq bigint DEFAULT 0 NOT NULL,
    last_avail bigint DEFAULT 0 NOT NULL,
    last_held bigint DEFAULT 0 NOT NULL,
    last_cmd bigint DEFAULT 0 NOT NULL,
    command_no bigint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE public.account_cursor IS 'The last event of an account that was settled, and the number of the last command among them; command_no is the number of its newest command.';

ALTER TABLE public.account_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    kind text NOT NULL,
    account text COLLATE pg_catalog."C",
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    closed_at timestamp with time zone
);

COMMENT ON TABLE public.alert IS 'What an operator has to look at; open while closed_at is null.';

ALTER TABLE public.alert ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.analytics_snapshots (
    period text NOT NULL,
    start timestamp with time zone NOT NULL,
    metric text NOT NULL,
    app text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    feature text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    model text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    value numeric NOT NULL,
    CONSTRAINT analytics_snapshots_period_check CHECK ((period = ANY (ARRAY['hour'::text, 'day'::text])))
);

COMMENT ON TABLE public.analytics_snapshots IS 'Figures of an hour or a day; app is the app of the catalog, empty codes are totals, credits are micro-credits.';

CREATE TABLE public.asset (
    code text NOT NULL,
    scale smallint NOT NULL,
    CONSTRAINT asset_scale_check CHECK (((scale >= 0) AND (scale <= 9)))
);

CREATE TABLE public.catalog_app (
    code public.code NOT NULL,
    name text NOT NULL,
    active boolean DEFAULT true NOT NULL
);

COMMENT ON TABLE public.catalog_app IS 'What stands behind the gate and sells models; not an app of an account.';

CREATE TABLE public.catalog_version (
    only_row boolean DEFAULT true NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT catalog_version_only_row_check CHECK (only_row)
);

CREATE TABLE public.catchup (
    id bigint NOT NULL,
    behind bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    old_epoch bigint NOT NULL,
    old_seq bigint NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    credits bigint NOT NULL,
    txn bigint
);

COMMENT ON TABLE public.catchup IS 'Accounts of which events were gone when a stream caught up: from which event to which, and what their balance changed by, in micro-credits, by one transaction without details.';

ALTER TABLE public.catchup ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.catchup_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.charge (
    at timestamp with time zone NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    feature text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    credits bigint NOT NULL,
    units bigint NOT NULL,
    txn bigint,
    pockets text COLLATE pg_catalog."C"
)
PARTITION BY RANGE (at);

COMMENT ON TABLE public.charge IS 'What the register tells of requests, by kind: charges, refunds with what they gave back, holds and how they ended; a row a request and kind.';

COMMENT ON COLUMN public.charge.pockets IS 'Which pockets its credits are of: null for those of no terms, a key of one pocket, or key=micro-credits joined by a comma.';

CREATE TABLE public.charge_default (
    at timestamp with time zone NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    feature text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    credits bigint NOT NULL,
    units bigint NOT NULL,
    txn bigint,
    pockets text COLLATE pg_catalog."C"
);

CREATE TABLE public.command (
    account text NOT NULL COLLATE pg_catalog."C",
    no bigint NOT NULL,
    delta bigint DEFAULT 0 NOT NULL,
    set_fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    del_fields jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    applied_at timestamp with time zone,
    refused integer,
    CONSTRAINT command_no_check CHECK ((no > 0))
);

COMMENT ON TABLE public.command IS 'What the mirror carries to Redis, in the order of no; the only way a balance there is changed from here.';

CREATE TABLE public.command_forgotten (
    account text NOT NULL COLLATE pg_catalog."C",
    after_no bigint NOT NULL,
    to_no bigint NOT NULL,
    found_at timestamp with time zone NOT NULL,
    CONSTRAINT command_forgotten_check CHECK ((to_no > after_no))
);

COMMENT ON TABLE public.command_forgotten IS 'Numbers of commands that wallets have and this database has not: they were given by one that it is an older copy of.';

ALTER TABLE public.credit_grant ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.credit_grant_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_account (
    id bigint NOT NULL,
    account text COLLATE pg_catalog."C",
    kind text NOT NULL,
    asset text NOT NULL,
    CONSTRAINT ledger_account_check CHECK (((kind = ANY (ARRAY['wallet'::text, 'unpaid'::text])) = (account IS NOT NULL))),
    CONSTRAINT ledger_account_kind_check CHECK ((kind = ANY (ARRAY['wallet'::text, 'issued'::text, 'usage_revenue'::text, 'unpaid'::text, 'breakage'::text, 'writeoff'::text, 'recovery'::text])))
);

COMMENT ON TABLE public.ledger_account IS 'wallet: what an account holds (positive). unpaid: what it owes (negative). issued: credits given out (negative). usage_revenue: credits used (positive). breakage: credits that lapsed and did not roll over (positive). writeoff: what was used and is known of no more. recovery: what was posted without its details.';

CREATE TABLE public.ledger_entry (
    txn bigint NOT NULL,
    n integer NOT NULL,
    ledger_account bigint NOT NULL,
    amount bigint NOT NULL,
    feature text COLLATE pg_catalog."C",
    credit_grant bigint,
    CONSTRAINT ledger_entry_amount_check CHECK ((amount <> 0))
);

CREATE TABLE public.ledger_txn (
    id bigint NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    description text DEFAULT ''::text NOT NULL,
    at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ledger_txn_kind_check CHECK ((kind = ANY (ARRAY['grant'::text, 'usage'::text, 'void'::text, 'unpaid'::text, 'lapse'::text, 'adjustment'::text, 'rollover'::text, 'writeoff'::text, 'recovery'::text])))
);

COMMENT ON TABLE public.ledger_txn IS 'A posting; at is when it happened at the edge, key makes it happen once.';

CREATE VIEW public.credit_transactions AS
 SELECT t.id,
    t.account AS user_id,
    t.kind AS type,
    e.amount,
    t.description,
    t.at AS created_at
   FROM (public.ledger_txn t
     JOIN ( SELECT e_1.txn,
            sum(e_1.amount) AS amount
           FROM (public.ledger_entry e_1
             JOIN public.ledger_account a ON (((a.id = e_1.ledger_account) AND (a.kind = 'wallet'::text))))
          GROUP BY e_1.txn) e ON ((e.txn = t.id)));

COMMENT ON VIEW public.credit_transactions IS 'Movements of credits, in micro-credits; usage is negative.';

CREATE TABLE public.feature (
    code public.code NOT NULL,
    name text NOT NULL,
    credits bigint NOT NULL,
    units bigint DEFAULT 1 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    CONSTRAINT feature_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT feature_units_check CHECK (((units >= 0) AND (units <= '9007199254740991'::bigint)))
);

COMMENT ON TABLE public.feature IS 'A priced action; credits in micro-credits, units of quota.';

CREATE VIEW public.feature_usage AS
 SELECT (date_trunc('day'::text, (u.at AT TIME ZONE 'UTC'::text)))::date AS day,
    u.account AS user_id,
    u.feature,
    u.model,
    count(*) AS uses,
    sum(u.credits) FILTER (WHERE (NOT u.refunded)) AS credits
   FROM public.usage_event u
  WHERE ((u.verdict = ANY (ARRAY['pass'::text, 'pass_open'::text, 'pass_stale'::text])) AND (NOT u.dry_run))
  GROUP BY ((date_trunc('day'::text, (u.at AT TIME ZONE 'UTC'::text)))::date), u.account, u.feature, u.model;

COMMENT ON VIEW public.feature_usage IS 'Uses of features by account and day.';

CREATE TABLE public.job_run (
    id bigint NOT NULL,
    job text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    at timestamp with time zone NOT NULL,
    outcome text NOT NULL,
    summary jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT job_run_outcome_check CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text])))
);

ALTER TABLE public.job_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.key_alias (
    key text NOT NULL COLLATE pg_catalog."C",
    shard smallint NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    carried bigint DEFAULT 0 NOT NULL,
    CONSTRAINT key_alias_check CHECK ((carried <= version)),
    CONSTRAINT key_alias_shard_check CHECK ((shard >= 0))
);

COMMENT ON TABLE public.key_alias IS 'What tells the edge the account of an imported key. shard: of the hash of the key; version: of the alias as the key is now; carried: the version that Redis has.';

ALTER TABLE public.ledger_account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ledger_balance (
    ledger_account bigint NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_balance_balance_check CHECK (((balance >= 0) AND (balance <= '9007199254740991'::bigint)))
);

COMMENT ON TABLE public.ledger_balance IS 'What the entries of a wallet sum to, kept by the trigger of ledger_entry.';

CREATE TABLE public.ledger_checkpoint (
    account text NOT NULL COLLATE pg_catalog."C",
    txn bigint NOT NULL,
    txns bigint NOT NULL,
    latest timestamp with time zone NOT NULL,
    balance bigint NOT NULL,
    CONSTRAINT ledger_checkpoint_txns_check CHECK ((txns > 0))
);

COMMENT ON TABLE public.ledger_checkpoint IS 'Of an account after each 256th of its sealed transactions: the balance, and the latest recorded_at until then.';

CREATE TABLE public.ledger_tally (
    account text NOT NULL COLLATE pg_catalog."C",
    txn bigint NOT NULL,
    txns bigint NOT NULL,
    latest timestamp with time zone NOT NULL,
    balance bigint NOT NULL
)
WITH (fillfactor='60');

COMMENT ON TABLE public.ledger_tally IS 'The same after the last sealed transaction of each account, from which the next seal goes on.';

ALTER TABLE public.ledger_txn ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_txn_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.model (
    key public.code NOT NULL,
    app public.code NOT NULL,
    code public.code NOT NULL,
    name text NOT NULL,
    feature public.code NOT NULL,
    tier smallint NOT NULL,
    credits bigint,
    units bigint,
    beta boolean DEFAULT false NOT NULL,
    active boolean DEFAULT true NOT NULL,
    list_credits bigint,
    list_tier smallint,
    list_input bigint,
    list_cached bigint,
    list_output bigint,
    CONSTRAINT model_check CHECK (((key)::text = (((app)::text || ':'::text) || (code)::text))),
    CONSTRAINT model_check1 CHECK ((num_nonnulls(list_input, list_cached, list_output) = ANY (ARRAY[0, 3]))),
    CONSTRAINT model_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT model_list_cached_check CHECK (((list_cached >= 0) AND (list_cached <= '9007199254740991'::bigint))),
    CONSTRAINT model_list_credits_check CHECK (((list_credits >= 0) AND (list_credits <= '9007199254740991'::bigint))),
    CONSTRAINT model_list_input_check CHECK (((list_input >= 0) AND (list_input <= '9007199254740991'::bigint))),
    CONSTRAINT model_list_output_check CHECK (((list_output >= 0) AND (list_output <= '9007199254740991'::bigint))),
    CONSTRAINT model_units_check CHECK (((units >= 0) AND (units <= '9007199254740991'::bigint)))
);

COMMENT ON TABLE public.model IS 'A variant of a feature; credits and units null: those of the feature. list_credits, list_tier: the price of a request as of the price list, over the catalog''s own. list_input, list_cached, list_output: micro-credits for a million tokens, null: there is no price.';

CREATE TABLE public.model_price (
    list bigint NOT NULL,
    model public.code NOT NULL,
    unit text NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    effective_to timestamp with time zone,
    provider public.code,
    per bigint NOT NULL,
    credits bigint NOT NULL,
    tier smallint,
    cost bigint,
    currency character(3),
    note text,
    CONSTRAINT model_price_check CHECK ((effective_to > effective_from)),
    CONSTRAINT model_price_check1 CHECK (((unit = 'request'::text) OR (tier IS NULL))),
    CONSTRAINT model_price_check2 CHECK (((unit <> 'request'::text) OR (per = 1))),
    CONSTRAINT model_price_check3 CHECK (((cost IS NULL) = (currency IS NULL))),
    CONSTRAINT model_price_cost_check CHECK (((cost >= 0) AND (cost <= '9007199254740991'::bigint))),
    CONSTRAINT model_price_credits_check CHECK (((credits >= 0) AND (credits <= '9007199254740991'::bigint))),
    CONSTRAINT model_price_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT model_price_per_check CHECK (((per >= 1) AND (per <= 1000000000))),
    CONSTRAINT model_price_unit_check CHECK ((unit = ANY (ARRAY['cached_input_token'::text, 'character'::text, 'image'::text, 'input_token'::text, 'output_token'::text, 'request'::text, 'second'::text])))
);

COMMENT ON TABLE public.model_price IS 'So many micro-credits for so many (per) units of a model, in [effective_from, effective_to), null: without end. cost: what the provider takes for them, in nano-units of its currency. tier: which the model needs then, null: that of the catalog.';

CREATE TABLE public.price_list (
    id bigint NOT NULL,
    effective_at timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone NOT NULL,
    source text,
    CONSTRAINT price_list_id_check CHECK ((id > 0))
);

COMMENT ON TABLE public.price_list IS 'A load of prices. From effective_at on it holds whole, in the place of all lists before it, until a later one does.';

CREATE VIEW public.price_period AS
 WITH reign AS (
         SELECT price_list.id,
            price_list.effective_at AS starts,
            min(price_list.effective_at) OVER (ORDER BY price_list.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ends
           FROM public.price_list
        )
 SELECT p.model,
    p.unit,
    p.provider,
    p.per,
    p.credits,
    p.tier,
    p.cost,
    p.currency,
    p.note,
    p.list,
    GREATEST(p.effective_from, r.starts) AS effective_from,
    LEAST(p.effective_to, r.ends) AS effective_to
   FROM (public.model_price p
     JOIN reign r ON ((r.id = p.list)))
  WHERE (GREATEST(p.effective_from, r.starts) < COALESCE(LEAST(p.effective_to, r.ends), 'infinity'::timestamp with time zone));

COMMENT ON VIEW public.price_period IS 'Each price with the time in which it holds, that of its list: at any moment at most one of a model and unit.';

CREATE TABLE public.proof (
    one boolean DEFAULT true NOT NULL,
    shard integer DEFAULT 0 NOT NULL,
    after text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    began_at timestamp with time zone,
    ended_at timestamp with time zone,
    accounts bigint DEFAULT 0 NOT NULL,
    checked bigint DEFAULT 0 NOT NULL,
    moving bigint DEFAULT 0 NOT NULL,
    unproved bigint DEFAULT 0 NOT NULL,
    every interval DEFAULT '01:00:00'::interval NOT NULL,
    CONSTRAINT proof_one_check CHECK (one)
);

COMMENT ON TABLE public.proof IS 'Of the role proof: the account that it looked at last, when its round began, and the last whole one ended; accounts and moving are those of this round, and of them those that moved each time that they were looked at; unproved is moving of the last whole round; checked counts those of all rounds; every is how long a round may take.';

CREATE TABLE public.quota_usage (
    account text NOT NULL COLLATE pg_catalog."C",
    "window" text NOT NULL,
    start timestamp with time zone NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT quota_usage_used_check CHECK ((used >= 0)),
    CONSTRAINT quota_usage_window_check CHECK (("window" = ANY (ARRAY['day'::text, 'month'::text])))
);

CREATE TABLE public.recovery (
    id bigint NOT NULL,
    account text NOT NULL COLLATE pg_catalog."C",
    shard smallint NOT NULL,
    reason text NOT NULL,
    at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    old_epoch bigint,
    epoch bigint,
    found jsonb,
    ledger jsonb,
    cmd bigint,
    avail bigint,
    delta bigint,
    events bigint DEFAULT 0 NOT NULL,
    short bigint DEFAULT 0 NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    written_off bigint DEFAULT 0 NOT NULL,
    CONSTRAINT recovery_requests_check CHECK ((requests >= 0)),
    CONSTRAINT recovery_short_check CHECK ((short >= 0)),
    CONSTRAINT recovery_written_off_check CHECK ((written_off >= 0))
)
WITH (fillfactor='20');

COMMENT ON TABLE public.recovery IS 'Wallets that were made again under a new epoch. found: the wallet, null where there was none; ledger: the register''s end and the balance there. delta: what avail and held together changed by. events: of a history that the ledger had not. short: what those charged beyond the balance. requests, written_off: what passed and is in no history. Amounts are micro-credits.';

ALTER TABLE public.recovery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recovery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recovery_writeoff (
    request_id text NOT NULL COLLATE pg_catalog."C",
    recovery bigint,
    account text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    credits bigint NOT NULL,
    txn bigint NOT NULL,
    feature text COLLATE pg_catalog."C",
    noted_at timestamp with time zone NOT NULL,
    reversed bigint,
    CONSTRAINT recovery_writeoff_credits_check CHECK ((credits > 0))
);

COMMENT ON TABLE public.recovery_writeoff IS 'Requests that passed, by their usage records, and whose charge was lost with Redis.';

COMMENT ON COLUMN public.recovery_writeoff.recovery IS 'Of the account, about that time; null where its wallet was what the ledger knew.';

COMMENT ON COLUMN public.recovery_writeoff.reversed IS 'The transaction that took it back, for its charge came after all.';

CREATE TABLE public.setting (
    name text NOT NULL,
    value text NOT NULL
);

COMMENT ON TABLE public.setting IS 'What an operator decides for the whole installation; amounts are micro-credits.';

CREATE TABLE public.store (
    shard smallint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    replid text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'sound'::text NOT NULL,
    reason text,
    at timestamp with time zone NOT NULL,
    CONSTRAINT store_shard_check CHECK ((shard >= 0)),
    CONSTRAINT store_state_check CHECK ((state = ANY (ARRAY['sound'::text, 'lost'::text, 'rebuild'::text])))
);

COMMENT ON TABLE public.store IS 'The store that a shard has in Redis: id is what the worker wrote into it, replid what the server called its history when it was last looked through. lost: it is looked through, or has to be. rebuild: all its wallets are to be made again.';

CREATE TABLE public.stream_behind (
    id bigint NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    cursor text NOT NULL COLLATE pg_catalog."C",
    trimmed text NOT NULL COLLATE pg_catalog."C",
    settled text NOT NULL COLLATE pg_catalog."C",
    settled_at timestamp with time zone NOT NULL,
    is_gap boolean NOT NULL,
    found_at timestamp with time zone NOT NULL,
    scanned_at timestamp with time zone,
    caught_up_at timestamp with time zone,
    ended_at timestamp with time zone
);

COMMENT ON TABLE public.stream_behind IS 'Streams of which Redis knows that more was settled than this database has: cursor is where it was, settled how far one had come at settled_at, trimmed up to where events are gone. is_gap: some that are not settled are gone, and nothing is settled until somebody lets it catch up. Else, and then, the stream is settled again until ended_at.';

ALTER TABLE public.stream_behind ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.stream_behind_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.stream_cursor (
    stream text NOT NULL COLLATE pg_catalog."C",
    last_id text DEFAULT '0-0'::text NOT NULL COLLATE pg_catalog."C",
    moved_at timestamp with time zone NOT NULL,
    taken bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    expired bigint DEFAULT 0 NOT NULL,
    reclaimed bigint DEFAULT 0 NOT NULL
);

COMMENT ON COLUMN public.stream_cursor.expired IS 'Holds that ran out, of a ledger stream.';

COMMENT ON COLUMN public.stream_cursor.reclaimed IS 'Leases that were taken back since their host was not heard of, of a ledger stream.';

ALTER TABLE public.subscription ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.subscription_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.subscription_plans AS
 SELECT p.code AS id,
    v.name,
    v.tier,
    v.mode,
    v.price,
    v.currency,
    v."interval",
    v.day_units,
    v.month_units,
    p.public AS is_active,
    p.version
   FROM (public.plan p
     JOIN public.plan_version v ON ((((v.plan)::text = (p.code)::text) AND (v.version = p.version))));

COMMENT ON VIEW public.subscription_plans IS 'Current versions of plans; price in minor units.';

CREATE TABLE public.suspense_event (
    id bigint NOT NULL,
    stream text NOT NULL COLLATE pg_catalog."C",
    stream_id text NOT NULL COLLATE pg_catalog."C",
    account text COLLATE pg_catalog."C",
    reason text NOT NULL,
    event jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    recovery bigint,
    repaired_at timestamp with time zone
);

COMMENT ON TABLE public.suspense_event IS 'Events that were not posted because their account did not add up.';

COMMENT ON COLUMN public.suspense_event.recovery IS 'Which recovery posts it, for what it is.';

COMMENT ON COLUMN public.suspense_event.repaired_at IS 'When a repair of its account dealt with it: posted it, where recovery says by which, or gave it up.';

ALTER TABLE public.suspense_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.suspense_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.test_clock (
    only_row boolean DEFAULT true NOT NULL,
    frozen_at timestamp with time zone,
    CONSTRAINT test_clock_only_row_check CHECK (only_row)
);

COMMENT ON TABLE public.test_clock IS 'Where a row stands here, lib.now() is its time.';

CREATE TABLE public.tier (
    rank smallint NOT NULL,
    code public.code NOT NULL,
    name text NOT NULL,
    CONSTRAINT tier_rank_check CHECK (((rank >= 0) AND (rank <= 99)))
);

ALTER TABLE public.unpaid_use ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.unpaid_use_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.usage_event_default (
    at timestamp with time zone NOT NULL,
    at_ms bigint NOT NULL,
    host text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    account text COLLATE pg_catalog."C",
    app text COLLATE pg_catalog."C",
    key text COLLATE pg_catalog."C",
    "user" text COLLATE pg_catalog."C",
    feature text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    verdict text NOT NULL COLLATE pg_catalog."C",
    status smallint NOT NULL,
    credits bigint NOT NULL,
    units bigint NOT NULL,
    refunded boolean NOT NULL,
    latency_ms bigint NOT NULL,
    bytes_in bigint NOT NULL,
    bytes_out bigint NOT NULL,
    dry_run boolean NOT NULL,
    cost bigint,
    cost_units bigint,
    avail bigint,
    "limit" text COLLATE pg_catalog."C",
    day_left bigint,
    month_left bigint,
    tier_needed integer,
    plan text COLLATE pg_catalog."C",
    wait_ms bigint,
    store_us bigint,
    label text COLLATE pg_catalog."C",
    tokens_input bigint,
    tokens_cached bigint,
    tokens_output bigint,
    download boolean
);

ALTER TABLE public.usage_limit ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.usage_limit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.usage_source (
    source text NOT NULL COLLATE pg_catalog."C",
    no bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT usage_source_no_check CHECK ((no > 0))
);

COMMENT ON TABLE public.usage_source IS 'Processes of nginx that send usage records, and the number of the last batch of each that was taken; kept for a week.';

CREATE VIEW public.user_credits AS
 SELECT a.account AS user_id,
    COALESCE(b.balance, (0)::bigint) AS balance,
    COALESCE(( SELECT sum(g.amount) AS sum
           FROM public.credit_grant g
          WHERE ((g.account = a.account) AND (g.txn IS NOT NULL))), (0)::numeric) AS total_granted
   FROM (public.ledger_account a
     LEFT JOIN public.ledger_balance b ON ((b.ledger_account = a.id)))
  WHERE ((a.kind = 'wallet'::text) AND (a.asset = 'CREDIT'::text));

COMMENT ON VIEW public.user_credits IS 'Balances by the ledger, in micro-credits.';

CREATE VIEW public.user_subscriptions AS
 SELECT s.id,
    s.account AS user_id,
    s.plan AS plan_id,
        CASE
            WHEN (s.ended_at IS NULL) THEN 'active'::text
            ELSE 'ended'::text
        END AS status,
    s.period_start AS current_period_start,
    s.period_end AS current_period_end,
    s.auto_renew,
    s.created_at,
    s.ended_at
   FROM public.subscription s;

COMMENT ON VIEW public.user_subscriptions IS 'What accounts subscribed to.';

CREATE TABLE public.void_request (
    request_id text NOT NULL COLLATE pg_catalog."C",
    account text NOT NULL COLLATE pg_catalog."C",
    at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    resolved_at timestamp with time zone,
    credits bigint,
    units bigint,
    command bigint
);

COMMENT ON TABLE public.void_request IS 'Requests whose answer was lost; credits is what was given back; null where no charge was found, which one that comes late still changes.';

ALTER TABLE ONLY public.charge ATTACH PARTITION public.charge_default DEFAULT;

ALTER TABLE ONLY public.usage_event ATTACH PARTITION public.usage_event_default DEFAULT;

ALTER TABLE ONLY public.account_cursor
    ADD CONSTRAINT account_cursor_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.account_event
    ADD CONSTRAINT account_event_account_epoch_seq_n_key UNIQUE (account, epoch, seq, n);

ALTER TABLE ONLY public.account_event
    ADD CONSTRAINT account_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alert
    ADD CONSTRAINT alert_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.analytics_snapshots
    ADD CONSTRAINT analytics_snapshots_pkey PRIMARY KEY (period, start, metric, app, feature, model);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_replaced_by_key UNIQUE (replaced_by);

ALTER TABLE ONLY public.app
    ADD CONSTRAINT app_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.asset
    ADD CONSTRAINT asset_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_root
    ADD CONSTRAINT audit_root_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.audit_root
    ADD CONSTRAINT audit_root_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.catalog_app
    ADD CONSTRAINT catalog_app_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.catalog_version
    ADD CONSTRAINT catalog_version_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.catchup
    ADD CONSTRAINT catchup_behind_account_key UNIQUE (behind, account);

ALTER TABLE ONLY public.catchup
    ADD CONSTRAINT catchup_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.command_forgotten
    ADD CONSTRAINT command_forgotten_pkey PRIMARY KEY (account, after_no);

ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (account, no);

ALTER TABLE ONLY public.content_pricing
    ADD CONSTRAINT content_pricing_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.credit_grant
    ADD CONSTRAINT credit_grant_issue_key_key UNIQUE (issue_key);

ALTER TABLE ONLY public.credit_grant
    ADD CONSTRAINT credit_grant_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.downloads
    ADD CONSTRAINT downloads_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.entitlement
    ADD CONSTRAINT entitlement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.entitlement
    ADD CONSTRAINT entitlement_taking_key UNIQUE (taking);

ALTER TABLE ONLY public.feature
    ADD CONSTRAINT feature_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.job_run
    ADD CONSTRAINT job_run_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.key_alias
    ADD CONSTRAINT key_alias_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_account_kind_asset_key UNIQUE NULLS NOT DISTINCT (account, kind, asset);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.ledger_balance
    ADD CONSTRAINT ledger_balance_pkey PRIMARY KEY (ledger_account);

ALTER TABLE ONLY public.ledger_checkpoint
    ADD CONSTRAINT ledger_checkpoint_pkey PRIMARY KEY (account, txn);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (txn, n);

ALTER TABLE ONLY public.ledger_seal
    ADD CONSTRAINT ledger_seal_hash_key UNIQUE (hash);

ALTER TABLE ONLY public.ledger_seal
    ADD CONSTRAINT ledger_seal_last_txn_key UNIQUE (last_txn);

ALTER TABLE ONLY public.ledger_seal
    ADD CONSTRAINT ledger_seal_pkey PRIMARY KEY (no);

ALTER TABLE ONLY public.ledger_tally
    ADD CONSTRAINT ledger_tally_pkey PRIMARY KEY (account);

ALTER TABLE ONLY public.ledger_txn
    ADD CONSTRAINT ledger_txn_key_key UNIQUE (key);

ALTER TABLE ONLY public.ledger_txn
    ADD CONSTRAINT ledger_txn_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_app_code_key UNIQUE (app, code);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.model_price
    ADD CONSTRAINT model_price_pkey PRIMARY KEY (list, model, unit, effective_from);

ALTER TABLE ONLY public.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (code);

ALTER TABLE ONLY public.plan_version
    ADD CONSTRAINT plan_version_pkey PRIMARY KEY (plan, version);

ALTER TABLE ONLY public.price_list
    ADD CONSTRAINT price_list_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.proof
    ADD CONSTRAINT proof_pkey PRIMARY KEY (one);

ALTER TABLE ONLY public.quota_usage
    ADD CONSTRAINT quota_usage_pkey PRIMARY KEY (account, "window", start);

ALTER TABLE ONLY public.recovery
    ADD CONSTRAINT recovery_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.recovery_writeoff
    ADD CONSTRAINT recovery_writeoff_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_account_from_at_to_at_key UNIQUE (account, from_at, to_at);

ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_account_no_key UNIQUE (account, no);

ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.store
    ADD CONSTRAINT store_pkey PRIMARY KEY (shard);

ALTER TABLE ONLY public.stream_behind
    ADD CONSTRAINT stream_behind_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.stream_cursor
    ADD CONSTRAINT stream_cursor_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.suspense_event
    ADD CONSTRAINT suspense_event_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.test_clock
    ADD CONSTRAINT test_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.tier
    ADD CONSTRAINT tier_code_key UNIQUE (code);

ALTER TABLE ONLY public.tier
    ADD CONSTRAINT tier_pkey PRIMARY KEY (rank);

ALTER TABLE ONLY public.unpaid_use
    ADD CONSTRAINT unpaid_use_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.unpaid_use
    ADD CONSTRAINT unpaid_use_request_id_key UNIQUE (request_id);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_holder_kind_holder_name_key UNIQUE (holder_kind, holder, name);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.usage_source
    ADD CONSTRAINT usage_source_pkey PRIMARY KEY (source);

ALTER TABLE ONLY public.void_request
    ADD CONSTRAINT void_request_pkey PRIMARY KEY (request_id);

CREATE INDEX account_cursor_held ON public.account_cursor USING btree (last_held) WHERE (last_held > 0);

CREATE INDEX account_event_account ON public.account_event USING btree (account, id);

CREATE UNIQUE INDEX account_event_exceeded ON public.account_event USING btree (account, "limit", counter, window_start) WHERE (type = 'quota.exceeded'::text);

CREATE INDEX account_frozen ON public.account USING btree (id) WHERE (state = 'frozen'::text);

CREATE INDEX account_plan ON public.account USING btree (plan);

CREATE INDEX account_shard ON public.account USING btree (shard, id);

CREATE INDEX alert_open ON public.alert USING btree (at) WHERE (closed_at IS NULL);

CREATE INDEX api_key_account ON public.api_key USING btree (account, id);

CREATE INDEX api_key_app ON public.api_key USING btree (app, id);

CREATE INDEX app_account ON public.app USING btree (account, id);

CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor, id);

CREATE INDEX audit_log_object ON public.audit_log USING btree (object, id);

CREATE INDEX catchup_account ON public.catchup USING btree (account, id);

CREATE INDEX charge_account ON ONLY public.charge USING btree (account, at);

CREATE INDEX charge_default_account_at_idx ON public.charge_default USING btree (account, at);

CREATE INDEX charge_request ON ONLY public.charge USING btree (request_id);

CREATE INDEX charge_default_request_id_idx ON public.charge_default USING btree (request_id);

CREATE INDEX command_delta ON public.command USING btree (account, no) WHERE (delta <> 0);

CREATE INDEX command_pending ON public.command USING btree (account, no) WHERE ((applied_at IS NULL) AND (refused IS NULL));

CREATE INDEX credit_grant_account ON public.credit_grant USING btree (account, id);

CREATE INDEX credit_grant_burn ON public.credit_grant USING btree (account, priority, effective_at, id) WHERE (remaining > 0);

CREATE INDEX credit_grant_later ON public.credit_grant USING btree (account) WHERE (txn IS NULL);

CREATE INDEX credit_grant_pocket ON public.credit_grant USING btree (account, pocket) WHERE (pocket <> '-'::text);

CREATE INDEX credit_grant_revoked ON public.credit_grant USING btree (account) WHERE ((revoked_at IS NOT NULL) AND (remaining > 0));

CREATE INDEX downloads_account ON public.downloads USING btree (account, id);

CREATE INDEX entitlement_account ON public.entitlement USING btree (account, id);

CREATE UNIQUE INDEX entitlement_pending ON public.entitlement USING btree (account, content) WHERE (state = 'pending'::text);

CREATE INDEX entitlement_until ON public.entitlement USING btree (until) WHERE (state = 'active'::text);

CREATE INDEX job_run_job ON public.job_run USING btree (job, id);

CREATE INDEX key_alias_due ON public.key_alias USING btree (key) WHERE (carried < version);

CREATE INDEX ledger_checkpoint_latest ON public.ledger_checkpoint USING btree (account, latest, txn);

CREATE INDEX ledger_entry_account ON public.ledger_entry USING btree (ledger_account, txn);

CREATE INDEX ledger_txn_account ON public.ledger_txn USING btree (account, id);

CREATE INDEX recovery_account ON public.recovery USING btree (account, at);

CREATE INDEX recovery_due ON public.recovery USING btree (shard, id) WHERE (done_at IS NULL);

CREATE UNIQUE INDEX recovery_open ON public.recovery USING btree (account) WHERE (done_at IS NULL);

CREATE INDEX recovery_writeoff_recovery ON public.recovery_writeoff USING btree (recovery);

CREATE INDEX statement_to ON public.statement USING btree (account, to_at);

CREATE UNIQUE INDEX stream_behind_open ON public.stream_behind USING btree (stream) WHERE (ended_at IS NULL);

CREATE UNIQUE INDEX subscription_current ON public.subscription USING btree (account) WHERE (ended_at IS NULL);

CREATE INDEX subscription_due ON public.subscription USING btree (period_end) WHERE (ended_at IS NULL);

CREATE INDEX suspense_event_account ON public.suspense_event USING btree (account, id);

CREATE INDEX suspense_event_recovery ON public.suspense_event USING btree (recovery) WHERE (recovery IS NOT NULL);

CREATE INDEX unpaid_use_account ON public.unpaid_use USING btree (account, id);

CREATE INDEX unpaid_use_at ON public.unpaid_use USING btree (account, at) WHERE (state <> 'paid'::text);

CREATE INDEX unpaid_use_charging ON public.unpaid_use USING btree (account) WHERE (state = 'charging'::text);

CREATE INDEX unpaid_use_owed ON public.unpaid_use USING btree (account, id) WHERE ((state = 'open'::text) AND (verdict = 'pass'::text));

CREATE INDEX unpaid_use_taking ON public.unpaid_use USING btree (taking) WHERE (taking IS NOT NULL);

CREATE INDEX usage_event_account ON ONLY public.usage_event USING btree (account, at);

CREATE INDEX usage_event_at ON ONLY public.usage_event USING brin (at);

CREATE INDEX usage_event_default_account_at_idx ON public.usage_event_default USING btree (account, at);

CREATE INDEX usage_event_default_at_idx ON public.usage_event_default USING brin (at);

CREATE INDEX usage_event_link ON ONLY public.usage_event USING btree (key, at) WHERE (key ~~ 'dl\_%'::text);

CREATE INDEX usage_event_default_key_at_idx ON public.usage_event_default USING btree (key, at) WHERE (key ~~ 'dl\_%'::text);

CREATE INDEX usage_event_request ON ONLY public.usage_event USING hash (request_id);

CREATE INDEX usage_event_default_request_id_idx ON public.usage_event_default USING hash (request_id);

CREATE INDEX void_request_account ON public.void_request USING btree (account, at) WHERE (credits IS NULL);

CREATE INDEX void_request_open ON public.void_request USING btree (seen_at) WHERE (resolved_at IS NULL);

ALTER INDEX public.charge_account ATTACH PARTITION public.charge_default_account_at_idx;

ALTER INDEX public.charge_request ATTACH PARTITION public.charge_default_request_id_idx;

ALTER INDEX public.usage_event_account ATTACH PARTITION public.usage_event_default_account_at_idx;

ALTER INDEX public.usage_event_at ATTACH PARTITION public.usage_event_default_at_idx;

ALTER INDEX public.usage_event_link ATTACH PARTITION public.usage_event_default_key_at_idx;

ALTER INDEX public.usage_event_request ATTACH PARTITION public.usage_event_default_request_id_idx;

CREATE TRIGGER account_event_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.account_event FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER audit_log_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER audit_root_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_root FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER ledger_checkpoint_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER ledger_entry_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER ledger_entry_post AFTER INSERT ON public.ledger_entry REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION public.ledger_entry_post();

CREATE TRIGGER ledger_seal_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_seal FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER ledger_txn_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.ledger_txn FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER model_price_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.model_price FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER plan_version_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.plan_version FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER price_list_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.price_list FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER statement_insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.statement FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

ALTER TABLE ONLY public.account_cursor
    ADD CONSTRAINT account_cursor_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.account_event
    ADD CONSTRAINT account_event_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_plan_fkey FOREIGN KEY (plan) REFERENCES public.plan(code);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_app_fkey FOREIGN KEY (app) REFERENCES public.app(id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_replaced_by_fkey FOREIGN KEY (replaced_by) REFERENCES public.api_key(id);

ALTER TABLE ONLY public.app
    ADD CONSTRAINT app_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.audit_root
    ADD CONSTRAINT audit_root_seal_fkey FOREIGN KEY (seal) REFERENCES public.ledger_seal(no);

ALTER TABLE ONLY public.catchup
    ADD CONSTRAINT catchup_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.catchup
    ADD CONSTRAINT catchup_behind_fkey FOREIGN KEY (behind) REFERENCES public.stream_behind(id);

ALTER TABLE ONLY public.catchup
    ADD CONSTRAINT catchup_txn_fkey FOREIGN KEY (txn) REFERENCES public.ledger_txn(id);

ALTER TABLE ONLY public.command
    ADD CONSTRAINT command_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.command_forgotten
    ADD CONSTRAINT command_forgotten_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.content_pricing
    ADD CONSTRAINT content_pricing_tier_fkey FOREIGN KEY (tier) REFERENCES public.tier(rank);

ALTER TABLE ONLY public.credit_grant
    ADD CONSTRAINT credit_grant_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.credit_grant
    ADD CONSTRAINT credit_grant_txn_fkey FOREIGN KEY (txn) REFERENCES public.ledger_txn(id);

ALTER TABLE ONLY public.downloads
    ADD CONSTRAINT downloads_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.downloads
    ADD CONSTRAINT downloads_app_fkey FOREIGN KEY (app) REFERENCES public.app(id);

ALTER TABLE ONLY public.entitlement
    ADD CONSTRAINT entitlement_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.entitlement
    ADD CONSTRAINT entitlement_content_fkey FOREIGN KEY (content) REFERENCES public.content_pricing(code);

ALTER TABLE ONLY public.job_run
    ADD CONSTRAINT job_run_job_fkey FOREIGN KEY (job) REFERENCES public.job(name);

ALTER TABLE ONLY public.key_alias
    ADD CONSTRAINT key_alias_key_fkey FOREIGN KEY (key) REFERENCES public.api_key(id);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_asset_fkey FOREIGN KEY (asset) REFERENCES public.asset(code);

ALTER TABLE ONLY public.ledger_balance
    ADD CONSTRAINT ledger_balance_ledger_account_fkey FOREIGN KEY (ledger_account) REFERENCES public.ledger_account(id);

ALTER TABLE ONLY public.ledger_checkpoint
    ADD CONSTRAINT ledger_checkpoint_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_credit_grant_fkey FOREIGN KEY (credit_grant) REFERENCES public.credit_grant(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_ledger_account_fkey FOREIGN KEY (ledger_account) REFERENCES public.ledger_account(id);

ALTER TABLE ONLY public.ledger_entry
    ADD CONSTRAINT ledger_entry_txn_fkey FOREIGN KEY (txn) REFERENCES public.ledger_txn(id);

ALTER TABLE ONLY public.ledger_tally
    ADD CONSTRAINT ledger_tally_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.ledger_txn
    ADD CONSTRAINT ledger_txn_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_app_fkey FOREIGN KEY (app) REFERENCES public.catalog_app(code);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_feature_fkey FOREIGN KEY (feature) REFERENCES public.feature(code);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_list_tier_fkey FOREIGN KEY (list_tier) REFERENCES public.tier(rank);

ALTER TABLE ONLY public.model_price
    ADD CONSTRAINT model_price_list_fkey FOREIGN KEY (list) REFERENCES public.price_list(id);

ALTER TABLE ONLY public.model_price
    ADD CONSTRAINT model_price_model_fkey FOREIGN KEY (model) REFERENCES public.model(key);

ALTER TABLE ONLY public.model_price
    ADD CONSTRAINT model_price_tier_fkey FOREIGN KEY (tier) REFERENCES public.tier(rank);

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_tier_fkey FOREIGN KEY (tier) REFERENCES public.tier(rank);

ALTER TABLE ONLY public.plan_version
    ADD CONSTRAINT plan_version_plan_fkey FOREIGN KEY (plan) REFERENCES public.plan(code);

ALTER TABLE ONLY public.plan_version
    ADD CONSTRAINT plan_version_tier_fkey FOREIGN KEY (tier) REFERENCES public.tier(rank);

ALTER TABLE ONLY public.quota_usage
    ADD CONSTRAINT quota_usage_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.recovery_writeoff
    ADD CONSTRAINT recovery_writeoff_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.recovery_writeoff
    ADD CONSTRAINT recovery_writeoff_recovery_fkey FOREIGN KEY (recovery) REFERENCES public.recovery(id);

ALTER TABLE ONLY public.recovery_writeoff
    ADD CONSTRAINT recovery_writeoff_reversed_fkey FOREIGN KEY (reversed) REFERENCES public.ledger_txn(id);

ALTER TABLE ONLY public.recovery_writeoff
    ADD CONSTRAINT recovery_writeoff_txn_fkey FOREIGN KEY (txn) REFERENCES public.ledger_txn(id);

ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.statement
    ADD CONSTRAINT statement_seal_fkey FOREIGN KEY (seal) REFERENCES public.ledger_seal(no);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_plan_fkey FOREIGN KEY (plan) REFERENCES public.plan(code);

ALTER TABLE ONLY public.subscription
    ADD CONSTRAINT subscription_plan_plan_version_fkey FOREIGN KEY (plan, plan_version) REFERENCES public.plan_version(plan, version);

ALTER TABLE ONLY public.suspense_event
    ADD CONSTRAINT suspense_event_recovery_fkey FOREIGN KEY (recovery) REFERENCES public.recovery(id);

ALTER TABLE ONLY public.unpaid_use
    ADD CONSTRAINT unpaid_use_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_app_fkey FOREIGN KEY (app) REFERENCES public.app(id);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_key_fkey FOREIGN KEY (key) REFERENCES public.api_key(id);

ALTER TABLE ONLY public.usage_limit
    ADD CONSTRAINT usage_limit_plan_fkey FOREIGN KEY (plan) REFERENCES public.plan(code);

ALTER TABLE ONLY public.void_request
    ADD CONSTRAINT void_request_account_fkey FOREIGN KEY (account) REFERENCES public.account(id);

GRANT USAGE ON SCHEMA public TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.account TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.app TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.audit_log TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.audit_root TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.content_pricing TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.downloads TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.entitlement TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.account_event TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.credit_grant TO tollgate_worker;

GRANT UPDATE(remaining) ON TABLE public.credit_grant TO tollgate_worker;

GRANT UPDATE(txn) ON TABLE public.credit_grant TO tollgate_worker;

GRANT UPDATE(lapsed) ON TABLE public.credit_grant TO tollgate_worker;

GRANT UPDATE(rolled) ON TABLE public.credit_grant TO tollgate_worker;

GRANT UPDATE(revoked_at) ON TABLE public.credit_grant TO tollgate_worker;

GRANT SELECT,UPDATE ON TABLE public.job TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_key TO tollgate_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_limit TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.usage_event TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.statement TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.unpaid_use TO tollgate_worker;

GRANT UPDATE(state) ON TABLE public.unpaid_use TO tollgate_worker;

GRANT UPDATE(taking) ON TABLE public.unpaid_use TO tollgate_worker;

GRANT UPDATE(ended_at) ON TABLE public.unpaid_use TO tollgate_worker;

GRANT UPDATE(txn) ON TABLE public.unpaid_use TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.ledger_seal TO tollgate_worker;

REVOKE ALL ON FUNCTION public.ledger_entry_post() FROM PUBLIC;

GRANT SELECT,INSERT,UPDATE ON TABLE public.plan TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.plan_version TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.subscription TO tollgate_worker;

GRANT SELECT ON TABLE public.account_calendar TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.account_cursor TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.alert TO tollgate_worker;

GRANT SELECT,INSERT,DELETE ON TABLE public.analytics_snapshots TO tollgate_worker;

GRANT SELECT ON TABLE public.asset TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.catalog_app TO tollgate_worker;

GRANT SELECT,UPDATE ON TABLE public.catalog_version TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.catchup TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.charge TO tollgate_worker;

GRANT SELECT ON TABLE public.charge_default TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.command TO tollgate_worker;

GRANT UPDATE(no) ON TABLE public.command TO tollgate_worker;

GRANT UPDATE(applied_at) ON TABLE public.command TO tollgate_worker;

GRANT UPDATE(refused) ON TABLE public.command TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.command_forgotten TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.ledger_account TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.ledger_entry TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.ledger_txn TO tollgate_worker;

GRANT SELECT ON TABLE public.credit_transactions TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.feature TO tollgate_worker;

GRANT SELECT ON TABLE public.feature_usage TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.job_run TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.key_alias TO tollgate_worker;

GRANT UPDATE(version) ON TABLE public.key_alias TO tollgate_worker;

GRANT UPDATE(carried) ON TABLE public.key_alias TO tollgate_worker;

GRANT SELECT ON TABLE public.ledger_balance TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.ledger_checkpoint TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.ledger_tally TO tollgate_worker;

GRANT SELECT ON SEQUENCE public.ledger_txn_id_seq TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.model TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.model_price TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.price_list TO tollgate_worker;

GRANT SELECT ON TABLE public.price_period TO tollgate_worker;

GRANT SELECT,UPDATE ON TABLE public.proof TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.quota_usage TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.recovery TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.recovery_writeoff TO tollgate_worker;

GRANT UPDATE(reversed) ON TABLE public.recovery_writeoff TO tollgate_worker;

GRANT SELECT ON TABLE public.setting TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.store TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.stream_behind TO tollgate_worker;

GRANT UPDATE(scanned_at) ON TABLE public.stream_behind TO tollgate_worker;

GRANT UPDATE(caught_up_at) ON TABLE public.stream_behind TO tollgate_worker;

GRANT UPDATE(ended_at) ON TABLE public.stream_behind TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.stream_cursor TO tollgate_worker;

GRANT SELECT ON TABLE public.subscription_plans TO tollgate_worker;

GRANT SELECT,INSERT ON TABLE public.suspense_event TO tollgate_worker;

GRANT UPDATE(recovery) ON TABLE public.suspense_event TO tollgate_worker;

GRANT UPDATE(repaired_at) ON TABLE public.suspense_event TO tollgate_worker;

GRANT SELECT ON TABLE public.test_clock TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tier TO tollgate_worker;

GRANT SELECT ON TABLE public.usage_event_default TO tollgate_worker;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_source TO tollgate_worker;

GRANT SELECT ON TABLE public.user_credits TO tollgate_worker;

GRANT SELECT ON TABLE public.user_subscriptions TO tollgate_worker;

GRANT SELECT,INSERT,UPDATE ON TABLE public.void_request TO tollgate_worker;

ALTER DEFAULT PRIVILEGES FOR ROLE tollgate IN SCHEMA public GRANT SELECT ON TABLES  TO tollgate_worker;

