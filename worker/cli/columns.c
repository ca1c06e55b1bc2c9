/* columns.c: what a table shows of each kind of object. */
#include "cli.h"

const struct cli_column account_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "EMAIL", "email", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "PLAN", "plan", CLI_LEFT },
    { "MODE", "mode", CLI_LEFT },
    { "BALANCE", "balance", CLI_POINT },
    { "UNPAID", "unpaid", CLI_POINT },
    { "ZONE", "time_zone", CLI_LEFT },
    { "CREATED", "created_at", CLI_LEFT },
    {0}
};

const struct cli_column unpaid_columns[] = {
    { "ACCOUNT", "account", CLI_LEFT },
    { "REQUESTS", "requests", CLI_POINT },
    { "CREDITS", "credits", CLI_POINT },
    { "STATE", "state", CLI_STATE },
    { "CHARGE", "charge", CLI_LEFT },
    {0}
};

const struct cli_column subscription_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "PLAN", "plan", CLI_LEFT },
    { "MODE", "mode", CLI_LEFT },
    { "PERIOD START", "period_start", CLI_LEFT },
    { "PERIOD END", "period_end", CLI_LEFT },
    {0}
};

const struct cli_column app_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "KIND", "kind", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "CREATED", "created_at", CLI_LEFT },
    {0}
};

const struct cli_column key_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "APP", "app", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "PREFIX", "prefix", CLI_LEFT },
    { "LAST4", "last4", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "EXPIRES", "expires_at", CLI_LEFT },
    { "SCOPES", "scopes", CLI_LEFT },
    { "IPS", "ips", CLI_LEFT },
    { "METHODS", "methods", CLI_LEFT },
    { "PATHS", "paths", CLI_LEFT },
    { "MODELS", "models", CLI_LEFT },
    { "CREATED", "created_at", CLI_LEFT },
    {0}
};

/* of a key that is shown, this once */
const struct cli_column secret_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "APP", "app", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "EXPIRES", "expires_at", CLI_LEFT },
    { "KEY", "key", CLI_LEFT },
    {0}
};

const struct cli_column content_columns[] = {
    { "CODE", "code", CLI_LEFT },
    { "KIND", "kind", CLI_LEFT },
    { "CREDITS", "credits", CLI_POINT },
    { "WINDOW", "view_window", CLI_POINT },
    { "VIEWS", "views", CLI_POINT },
    { "SPAN", "span", CLI_LEFT },
    { "DAYS", "days", CLI_POINT },
    { "TIER", "tier", CLI_LEFT },
    { "BUNDLES", "bundles", CLI_LEFT },
    { "TITLE", "title", CLI_LEFT },
    {0}
};

const struct cli_column content_load_columns[] = {
    { "CONTENT", "content", CLI_POINT },
    { "CHANGED", "changed", CLI_POINT },
    {0}
};

const struct cli_column entitlement_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "CONTENT", "content", CLI_LEFT },
    { "STATE", "state", CLI_LEFT },
    { "VIEWS", "views", CLI_POINT },
    { "SPAN", "span", CLI_LEFT },
    { "UNTIL", "until", CLI_LEFT },
    { "CREDITS", "credits", CLI_POINT },
    { "NOTE", "note", CLI_LEFT },
    {0}
};

const struct cli_column grant_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "STATE", "state", CLI_LEFT },
    { "CREDITS", "credits", CLI_POINT },
    { "REMAINING", "remaining", CLI_POINT },
    { "LAPSED", "lapsed", CLI_POINT },
    { "SOURCE", "source", CLI_LEFT },
    { "PRIORITY", "priority", CLI_POINT },
    { "FROM", "effective_at", CLI_LEFT },
    { "EXPIRES", "expires_at", CLI_LEFT },
    { "FEATURES", "features", CLI_LEFT },
    { "NOTE", "note", CLI_LEFT },
    {0}
};

const struct cli_column download_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "APP", "app", CLI_LEFT },
    { "STATE", "state", CLI_STATE },
    { "PATH", "path", CLI_LEFT },
    { "QUERY", "query", CLI_LEFT },
    { "FEATURE", "feature", CLI_LEFT },
    { "NETWORK", "network", CLI_LEFT },
    { "DOWNLOADS", "downloads", CLI_POINT },
    { "MAX", "max_downloads", CLI_POINT },
    { "REQUESTS", "requests", CLI_POINT },
    { "REFUSED", "refused", CLI_POINT },
    { "BYTES", "bytes_sent", CLI_POINT },
    { "EXPIRES", "expires_at", CLI_LEFT },
    { "LAST USE", "last_at", CLI_LEFT },
    {0}
};

/* of a link that is shown, this once */
const struct cli_column download_link_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "APP", "app", CLI_LEFT },
    { "EXPIRES", "expires_at", CLI_LEFT },
    { "MAX", "max_downloads", CLI_POINT },
    { "URL", "url", CLI_LEFT },
    {0}
};

const struct cli_column limit_columns[] = {
    { "HOLDER", "holder", CLI_LEFT },
    { "OF", "of", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "METER", "meter", CLI_LEFT },
    { "MAX", "max", CLI_POINT },
    { "WINDOW", "window", CLI_LEFT },
    { "ALIGN", "align", CLI_LEFT },
    { "RATE", "rate", CLI_LEFT },
    { "BURST", "burst", CLI_POINT },
    { "LEASE", "lease", CLI_LEFT },
    { "PER", "per", CLI_LEFT },
    { "FEATURE", "feature", CLI_LEFT },
    { "EFFECT", "effect", CLI_LEFT },
    { "THRESHOLDS", "thresholds", CLI_LEFT },
    {0}
};

const struct cli_column plan_columns[] = {
    { "CODE", "code", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "TIER", "tier", CLI_LEFT },
    { "MODE", "mode", CLI_LEFT },
    { "PRICE", "price", CLI_POINT },
    { "CURRENCY", "currency", CLI_LEFT },
    { "INTERVAL", "interval", CLI_LEFT },
    { "DAY", "day_units", CLI_POINT },
    { "MONTH", "month_units", CLI_POINT },
    { "KEY RATE", "key_rate", CLI_POINT },
    { "APP RATE", "app_rate", CLI_POINT },
    { "PUBLIC", "public", CLI_LEFT },
    { "VERSION", "version", CLI_POINT },
    {0}
};

const struct cli_column job_columns[] = {
    { "NAME", "name", CLI_LEFT },
    { "EVERY", "every", CLI_LEFT },
    { "DUE", "due_at", CLI_LEFT },
    { "LAST RUN", "last_run_at", CLI_LEFT },
    { "OUTCOME", "last_outcome", CLI_STATE },
    {0}
};

const struct cli_column catalog_columns[] = {
    { "KIND", "kind", CLI_LEFT },
    { "CODE", "code", CLI_LEFT },
    { "NAME", "name", CLI_LEFT },
    { "FEATURE", "feature", CLI_LEFT },
    { "TIER", "tier", CLI_LEFT },
    { "CREDITS", "credits", CLI_POINT },
    { "UNITS", "units", CLI_POINT },
    {0}
};

const struct cli_column explain_columns[] = {
    { "REQUEST", "request", CLI_LEFT }, { "AT", "at", CLI_LEFT },
    { "VERDICT", "verdict", CLI_LEFT }, { "WHY", "said", CLI_LEFT },
    { "DECIDED BY", "rule", CLI_LEFT }, { "TO PASS", "to_pass", CLI_LEFT },
    { "DRY RUN", "dry_run", CLI_LEFT }, { "STATUS", "status", CLI_LEFT },
    { "ACCOUNT", "account", CLI_LEFT }, { "APP", "app", CLI_LEFT },
    { "KEY", "key", CLI_LEFT }, { "USER", "user", CLI_LEFT },
    { "PLAN", "plan", CLI_LEFT }, { "FEATURE", "feature", CLI_LEFT },
    { "MODEL", "model", CLI_LEFT }, { "TIER NEEDED", "tier_needed", CLI_LEFT },
    { "PRICE", "cost", CLI_LEFT },
    { "PRICE IN UNITS", "cost_units", CLI_LEFT },
    { "CHARGED", "charged", CLI_LEFT }, { "UNITS USED", "units", CLI_LEFT },
    { "BALANCE BEFORE", "balance_before", CLI_LEFT },
    { "BALANCE AFTER", "balance_after", CLI_LEFT },
    { "LIMIT", "limit", CLI_LEFT }, { "DAY LEFT", "day_left", CLI_LEFT },
    { "MONTH LEFT", "month_left", CLI_LEFT },
    { "WAIT MS", "wait_ms", CLI_LEFT }, { "GIVEN BACK", "refunded", CLI_LEFT },
    { "SETTLED", "settled", CLI_LEFT }, { "STORE MS", "store_ms", CLI_LEFT },
    { "REQUEST MS", "latency_ms", CLI_LEFT }, { "HOST", "host", CLI_LEFT },
    {0}
};

const struct cli_column movement_columns[] = {
    { "AT", "at", CLI_LEFT },
    { "KIND", "kind", CLI_LEFT },
    { "DESCRIPTION", "description", CLI_LEFT },
    { "AMOUNT", "amount", CLI_POINT },
    { "BALANCE", "balance", CLI_POINT },
    { "UNPAID", "unpaid", CLI_POINT },
    { "ID", "id", CLI_LEFT },
    {0}
};

const struct cli_column statement_columns[] = {
    { "ID", "id", CLI_LEFT },
    { "NO", "no", CLI_POINT },
    { "ACCOUNT", "account", CLI_LEFT },
    { "FROM", "from", CLI_LEFT },
    { "TO", "to", CLI_LEFT },
    { "OPENING", "opening", CLI_POINT },
    { "CLOSING", "closing", CLI_POINT },
    { "MOVEMENTS", "movements", CLI_POINT },
    { "HASH", "hash", CLI_LEFT },
    {0}
};
