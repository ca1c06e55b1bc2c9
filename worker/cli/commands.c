/* commands.c: every command of the tool, a row each, in the order of help. */
#include "cli.h"

#include <string.h>

#define ARGS(...) (const struct cli_arg[]){ __VA_ARGS__, {0} }
#define OPTIONS(...) (const struct cli_option[]){ __VA_ARGS__, {0} }
#define COLUMNS(...) (const struct cli_column[]){ __VA_ARGS__, {0} }

#define LONG_MS 600000

static const struct cli_arg account_arg[] = {
    { "ACCOUNT", "account", CLI_TEXT, false },
    {0}
};

static const struct cli_arg key_arg[] = {
    { "KEY_ID", "key", CLI_TEXT, false },
    {0}
};

/* What an account has from the start and can change. */
#define ACCOUNT_OPTIONS \
    { "email", 0, CLI_TEXT, "email", "EMAIL", "where mail goes" }, \
    { "time-zone", 0, CLI_TEXT, "time_zone", "ZONE", \
      "in which quotas are counted, as Asia/Bangkok; UTC by default" }, \
    { "low-balance", 0, CLI_LIST, "low_balance", "PERCENT", \
      "use of the balance that raises an event" }, \
    { "overdraft", 0, CLI_TEXT, "overdraft", "CREDITS", \
      "may be owed for responses that came to more than was held" }

/* What a key may be used for. */
#define KEY_RULES \
    { "scope", 0, CLI_LIST, "scopes", "SCOPE", \
      "has this scope, as images:read or images:*" }, \
    { "ip", 0, CLI_LIST, "ips", "NETWORK", \
      "only from there, as 203.0.113.0/24 or 2001:db8::/32" }, \
    { "method", 0, CLI_LIST, "methods", "METHOD", "only with it, as GET" }, \
    { "path", 0, CLI_LIST, "paths", "PATH", "only there and below" }, \
    { "model", 0, CLI_LIST, "models", "MODEL", \
      "no other model, as video-generator:*" }

#define KEY_SECRET \
    .columns = secret_columns, .name_member = "key", .run = run_call, \
    .notice = "keep the key now: it is not stored and not shown again"

const struct cli_command commands_table[] = {
    { .noun = "accounts", .verb = "create",
      .summary = "create an account",
      .method = "POST", .path = "/api/accounts",
      .args = ARGS({ "NAME", "name", CLI_TEXT, false }),
      .options = OPTIONS(ACCOUNT_OPTIONS,
          { "plan", 0, CLI_TEXT, "plan", "PLAN", "subscribe to this plan" }),
      .columns = account_columns, .name_member = "id", .run = run_call,
      .examples = { "tollgate accounts create 'Siam Video'",
                    "tollgate accounts create Acme --plan basic -o name" } },
    { .noun = "accounts", .verb = "get",
      .summary = "show an account with its balance",
      .method = "GET", .path = "/api/accounts/:account",
      .args = account_arg, .columns = account_columns,
      .name_member = "id", .run = run_call,
      .examples = { "tollgate accounts get 3kTq0ZbW9x",
                    "tollgate accounts get 3kTq0ZbW9x -o json" } },
    { .noun = "accounts", .verb = "list",
      .summary = "list accounts",
      .method = "GET", .path = "/api/accounts",
      .columns = account_columns, .name_member = "id",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate accounts list --limit 10",
                    "tollgate accounts list --all -o csv" } },
    { .noun = "accounts", .verb = "set-plan",
      .summary = "subscribe an account to a plan",
      .method = "PUT", .path = "/api/accounts/:account/plan",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, false },
                   { "PLAN", "plan", CLI_TEXT, false }),
      .options = OPTIONS(
          { "auto-renew", 0, CLI_BOOL, "auto_renew", "true|false",
            "renew at the end of the period, true by default" }),
      .columns = subscription_columns, .name_member = "id", .run = run_call,
      .examples = {
          "tollgate accounts set-plan 3kTq0ZbW9x pro",
          "tollgate accounts set-plan 3kTq0ZbW9x basic --auto-renew false" } },
    { .noun = "accounts", .verb = "set-state",
      .summary = "suspend an account, or let it pass again",
      .method = "PUT", .path = "/api/accounts/:account/state",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, false },
                   { "STATE", "state", CLI_TEXT, false }),
      .columns = account_columns, .name_member = "id", .run = run_call,
      .examples = { "tollgate accounts set-state 3kTq0ZbW9x suspended",
                    "tollgate accounts set-state 3kTq0ZbW9x active" } },
    { .noun = "accounts", .verb = "update",
      .summary = "change name, email, time zone or low balance of an account",
      .method = "PUT", .path = "/api/accounts/:account",
      .args = account_arg,
      .options = OPTIONS(ACCOUNT_OPTIONS,
          { "name", 0, CLI_TEXT, "name", "NAME", "as invoices have it" }),
      .columns = account_columns, .name_member = "id", .run = run_call,
      .examples = {
          "tollgate accounts update 3kTq0ZbW9x --time-zone Asia/Bangkok",
          "tollgate accounts update 3kTq0ZbW9x --low-balance 80 "
          "--low-balance 100" } },
    { .noun = "apps", .verb = "create",
      .summary = "create an app of an account",
      .method = "POST", .path = "/api/accounts/:account/apps",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, false },
                   { "NAME", "name", CLI_TEXT, false }),
      .options = OPTIONS(
          { "kind", 0, CLI_TEXT, "kind", "mobile|desktop|web|api",
            "what the app is" }),
      .columns = app_columns, .name_member = "id", .run = run_call,
      .examples = {
          "tollgate apps create 3kTq0ZbW9x 'Poster editor' --kind web",
          "APP=$(tollgate apps create 3kTq0ZbW9x bot --kind api -o name)" } },
    { .noun = "apps", .verb = "list",
      .summary = "list the apps of an account",
      .method = "GET", .path = "/api/accounts/:account/apps",
      .args = account_arg, .columns = app_columns, .name_member = "id",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate apps list 3kTq0ZbW9x",
                    "tollgate apps list 3kTq0ZbW9x --all -o name" } },
    { .noun = "apps", .verb = "update",
      .summary = "rename an app, suspend it, or let it pass again",
      .method = "PUT", .path = "/api/apps/:app",
      .args = ARGS({ "APP", "app", CLI_TEXT, false }),
      .options = OPTIONS(
          { "name", 0, CLI_TEXT, "name", "NAME", "as lists show it" },
          { "state", 0, CLI_TEXT, "state", "active|suspended",
            "suspended: the gate refuses its keys" }),
      .columns = app_columns, .name_member = "id", .run = run_call,
      .examples = { "tollgate apps update app_0123456789 --state suspended",
                    "tollgate apps update app_0123456789 --name Shop" } },
    { .noun = "keys", .verb = "create",
      .summary = "create an API key of an app; it is shown once",
      .details = "With -o name the key itself is printed, and nothing else. "
                 "Rules may be given several times; without one of a kind "
                 "the key may do all of that kind.",
      .method = "POST", .path = "/api/keys",
      .args = ARGS({ "APP", "app", CLI_TEXT, false }),
      .options = OPTIONS(
          { "name", 0, CLI_TEXT, "name", "NAME", "what the key is for" },
          { "expires-at", 0, CLI_TEXT, "expires_at", "TIME",
            "RFC 3339, as 2027-01-31T00:00:00Z" },
          KEY_RULES,
          { "test", 0, CLI_FLAG, "test", NULL, "a tg_test_ key" }),
      KEY_SECRET,
      .examples = { "tollgate keys create app_0123456789 --name backend",
                    "tollgate keys create app_0123456789 --ip 10.0.0.0/8 "
                    "--method GET -o name" } },
    { .noun = "keys", .verb = "import",
      .summary = "take over API keys that customers hold, of any form",
      .details = "FILE is CSV or lines of JSON, - for stdin. Members: key, or "
                 "sha256 of it; name,\nexpires_at, scopes, ips, methods, "
                 "paths, models. All keys are imported or none.",
      .method = "POST", .path = "/api/keys/import",
      .args = ARGS({ "FILE", "file", CLI_TEXT, false }),
      .options = OPTIONS(
          { "app", 0, CLI_TEXT, "app", "APP", "the app that they are of" },
          { "dry-run", 0, CLI_FLAG, "dry_run", NULL,
            "show what would be imported, and import nothing" }),
      .columns = COLUMNS(
          { "LINE", "line", CLI_POINT }, { "STATUS", "status", CLI_STATE },
          { "KEY", "key", CLI_LEFT }, { "NAME", "name", CLI_LEFT },
          { "PREFIX", "prefix", CLI_LEFT }, { "LAST4", "last4", CLI_LEFT },
          { "DETAIL", "detail", CLI_LEFT }),
      .name_member = "key", .timeout_ms = LONG_MS,
      .table = keys_table, .features = CLI_CONFIRM,
      .question = "import {imported} keys into app {app}?",
      .run = keys_import,
      .examples = { "tollgate keys import --app app_0123456789 keys.csv "
                    "--dry-run",
                    "tollgate keys import --app app_0123456789 - < keys.jsonl"
                    } },
    { .noun = "keys", .verb = "list",
      .summary = "list API keys",
      .method = "GET", .path = "/api/keys",
      .options = OPTIONS(
          { "account", 0, CLI_TEXT, "account", "ACCOUNT",
            "only those of this account" },
          { "app", 0, CLI_TEXT, "app", "APP", "only those of this app" }),
      .columns = key_columns, .name_member = "id",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate keys list --account 3kTq0ZbW9x",
                    "tollgate keys list --app app_0123456789 -o json" } },
    { .noun = "keys", .verb = "pause",
      .summary = "refuse an API key until it is resumed",
      .method = "POST", .path = "/api/keys/:key/pause",
      .args = key_arg, .columns = key_columns, .name_member = "id",
      .run = run_call,
      .examples = { "tollgate keys pause key_0123456789",
                    "tollgate keys pause key_0123456789 -o json" } },
    { .noun = "keys", .verb = "reroll",
      .summary = "replace an API key by another, which is shown once",
      .details = "App, name, rules and expiry stay. The old key works until "
                 "the overlap is over.",
      .method = "POST", .path = "/api/keys/:key/reroll",
      .args = key_arg,
      .options = OPTIONS(
          { "overlap", 0, CLI_TEXT, "overlap", "DURATION",
            "how long the old key works on, as 30m or 7d; 24h by default" },
          { "expires-at", 0, CLI_TEXT, "expires_at", "TIME",
            "when the new key expires, RFC 3339" }),
      KEY_SECRET,
      .examples = { "tollgate keys reroll key_0123456789",
                    "tollgate keys reroll key_0123456789 --overlap 7d "
                    "-o name" } },
    { .noun = "keys", .verb = "resume",
      .summary = "let a paused API key pass again",
      .method = "POST", .path = "/api/keys/:key/resume",
      .args = key_arg, .columns = key_columns, .name_member = "id",
      .run = run_call,
      .examples = { "tollgate keys resume key_0123456789",
                    "tollgate keys resume key_0123456789 -o json" } },
    { .noun = "keys", .verb = "revoke",
      .summary = "revoke an API key for good",
      .method = "DELETE", .path = "/api/keys/:key",
      .args = key_arg, .columns = key_columns, .name_member = "id",
      .features = CLI_CONFIRM,
      .question = "revoke key {key} for good?", .run = run_call,
      .examples = { "tollgate keys revoke key_0123456789",
                    "tollgate keys revoke key_0123456789 --yes" } },
    { .noun = "keys", .verb = "update",
      .summary = "change name, expiry and rules of an API key",
      .details = "What is not given stays. Rules may be given several times, "
                 "and take the place of all of their kind; none ends them.",
      .method = "PUT", .path = "/api/keys/:key",
      .args = key_arg,
      .options = OPTIONS(
          { "name", 0, CLI_TEXT, "name", "NAME", "what the key is for" },
          { "expires-at", 0, CLI_TEXT_NONE, "expires_at", "TIME|none",
            "RFC 3339, as 2027-01-31T00:00:00Z" },
          KEY_RULES),
      .columns = key_columns, .name_member = "id", .run = run_call,
      .examples = { "tollgate keys update key_0123456789 --ip 10.0.0.0/8",
                    "tollgate keys update key_0123456789 --path none" } },
#include "commands_content.h"
#include "commands_downloads.h"
#include "commands_limits.h"
    { .noun = "plans", .verb = "list",
      .summary = "list plans",
      .method = "GET", .path = "/api/plans",
      .columns = plan_columns, .name_member = "code",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate plans list", "tollgate plans list -o json" } },
    { .noun = "plans", .verb = "put",
      .summary = "create a plan, or a new version of it",
      .details = "Options replace members of the object in FILE.",
      .method = "PUT", .path = "/api/plans/:plan",
      .args = ARGS({ "CODE", "plan", CLI_TEXT, false }),
      .options = OPTIONS(
          { "name", 0, CLI_TEXT, "name", "NAME", "as customers read it" },
          { "tier", 0, CLI_TEXT, "tier", "TIER", "code of its tier" },
          { "mode", 0, CLI_TEXT, "mode", "payg|subscription|hybrid",
            "credits, quota, or quota first" },
          { "price", 0, CLI_DECIMAL, "price", "MONEY", "of an interval" },
          { "currency", 0, CLI_TEXT, "currency", "CODE", "as THB" },
          { "interval", 0, CLI_TEXT, "interval", "month|year",
            "how long a period is" },
          { "day-units", 0, CLI_INTEGER_NONE, "day_units", "N|none",
            "quota units a day" },
          { "month-units", 0, CLI_INTEGER_NONE, "month_units", "N|none",
            "quota units a month" },
          { "key-rate", 0, CLI_DECIMAL_NONE, "key_rate", "RATE|none",
            "requests a second of a key" },
          { "key-burst", 0, CLI_INTEGER, "key_burst", "N",
            "requests of a key that may come at once" },
          { "app-rate", 0, CLI_DECIMAL_NONE, "app_rate", "RATE|none",
            "requests a second of an app" },
          { "app-burst", 0, CLI_INTEGER, "app_burst", "N",
            "requests of an app that may come at once" },
          { "align", 0, CLI_TEXT, "align", "calendar|anniversary",
            "when days and months of the quota begin" },
          { "public", 0, CLI_BOOL, "public", "true|false",
            "customers can see it" }),
      .columns = plan_columns, .name_member = "code",
      .features = CLI_FILE, .run = run_call,
      .examples = { "tollgate plans put basic -f basic.json",
                    "tollgate plans put basic -f basic.json --price 299" } },
    { .noun = "catalog", .verb = "get",
      .summary = "show features, models and their prices",
      .details = "With -o json the answer fits `tollgate catalog put -f -`.",
      .method = "GET", .path = "/api/catalog",
      .columns = catalog_columns, .name_member = "code",
      .rows = report_catalog_rows, .run = run_call,
      .examples = { "tollgate catalog get",
                    "tollgate catalog get -o json > catalog.json" } },
    { .noun = "catalog", .verb = "put",
      .summary = "replace the catalog",
      .details = "What the new catalog leaves out is no longer priced.",
      .method = "PUT", .path = "/api/catalog",
      .columns = catalog_columns, .name_member = "code",
      .rows = report_catalog_rows,
      .features = CLI_FILE | CLI_FILE_NEEDED, .run = run_call,
      .examples = { "tollgate catalog put -f catalog.json",
                    "tollgate catalog put -f - < catalog.json" } },
    { .noun = "catalog", .verb = "load",
      .summary = "load a list of prices, after a look at what it changes",
      .details = "FILE is CSV or JSON, - for stdin. The list says all prices "
                 "from its day on;\nwhat it leaves out ends then.",
      .method = "POST", .path = "/api/prices",
      .args = ARGS({ "FILE", "file", CLI_TEXT, false }),
      .options = OPTIONS(
          { "dry-run", 0, CLI_FLAG, "dry_run", NULL,
            "show what would change, and change nothing" },
          { "effective", 0, CLI_TEXT, "effective", "DATE",
            "the day from which it holds, now by default" }),
      .columns = COLUMNS(
          { "CHANGE", "change", CLI_LEFT }, { "MODEL", "model", CLI_LEFT },
          { "UNIT", "unit", CLI_LEFT }, { "AT", "at", CLI_LEFT },
          { "FROM", "was", CLI_POINT }, { "TO", "will", CLI_POINT },
          { "PER", "per", CLI_POINT }, { "PERCENT", "percent", CLI_POINT },
          { "MARGIN", "margin", CLI_POINT }),
      .name_member = "model", .rows = prices_rows, .table = prices_table,
      .features = CLI_CONFIRM,
      .question = "load {file}: {added} added, {changed} changed, "
                  "{removed} removed?",
      .run = prices_load,
      .examples = { "tollgate catalog load prices.csv --dry-run",
                    "tollgate catalog load prices.csv --effective 2027-01-01"
                    } },
    { .noun = "prices", .verb = "list",
      .summary = "list the prices that hold now, or at a time",
      .details = "With -o csv the answer fits `tollgate catalog load -`.",
      .method = "GET", .path = "/api/prices",
      .args = ARGS({ "MODEL", "model", CLI_TEXT, true }),
      .options = OPTIONS(
          { "at", 0, CLI_TEXT, "at", "TIME", "at which they hold" }),
      .columns = COLUMNS(
          { "MODEL", "model", CLI_LEFT }, { "UNIT", "unit", CLI_LEFT },
          { "CREDITS", "credits", CLI_POINT }, { "PER", "per", CLI_POINT },
          { "TIER", "tier", CLI_LEFT }, { "PROVIDER", "provider", CLI_LEFT },
          { "COST", "cost", CLI_POINT }, { "CURRENCY", "currency", CLI_LEFT },
          { "FROM", "effective_from", CLI_LEFT },
          { "TO", "effective_to", CLI_LEFT }, { "NOTE", "note", CLI_LEFT }),
      .name_member = "id", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate prices list --at 2027-01-01",
                    "tollgate prices list --all -o csv > prices.csv" } },
#include "commands_credits.h"
#include "commands_ledger.h"
#include "commands_audit.h"
#include "commands_operations.h"
    { .noun = "unpaid", .verb = "list",
      .summary = "list requests that passed while nothing could be charged",
      .method = "GET", .path = "/api/unpaid",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, true }),
      .options = OPTIONS(
          { "state", 0, CLI_TEXT, "state", "STATE",
            "open (by default), counted, unknown, charging, charged, "
            "forgiven, paid or all" }),
      .columns = COLUMNS(
          { "ID", "id", CLI_LEFT }, { "AT", "at", CLI_LEFT },
          { "REQUEST", "request", CLI_LEFT },
          { "ACCOUNT", "account", CLI_LEFT }, { "KEY", "key", CLI_LEFT },
          { "FEATURE", "feature", CLI_LEFT },
          { "VERDICT", "verdict", CLI_LEFT },
          { "CREDITS", "credits", CLI_POINT },
          { "UNITS", "units", CLI_POINT }, { "STATE", "state", CLI_STATE }),
      .name_member = "request", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate unpaid list",
                    "tollgate unpaid list 3kTq0ZbW9x --state all -o csv" } },
    { .noun = "unpaid", .verb = "charge",
      .summary = "take what an account owes from its wallet",
      .details = "The wallet pays all of it or, where it has too little by "
                 "then, nothing;\n`tollgate unpaid list` tells how it went.",
      .method = "POST", .path = "/api/accounts/:account/unpaid/charge",
      .args = account_arg, .columns = unpaid_columns, .name_member = "account",
      .features = CLI_CONFIRM,
      .question = "charge account {account} what it owes?", .run = run_call,
      .examples = { "tollgate unpaid charge 3kTq0ZbW9x",
                    "tollgate unpaid charge 3kTq0ZbW9x --yes" } },
    { .noun = "unpaid", .verb = "forgive",
      .summary = "let an account no longer owe anything",
      .method = "POST", .path = "/api/accounts/:account/unpaid/forgive",
      .args = account_arg,
      .options = OPTIONS(
          { "note", 0, CLI_TEXT, "note", "TEXT", "why, for the statement" }),
      .columns = unpaid_columns, .name_member = "account",
      .features = CLI_CONFIRM,
      .question = "forgive account {account} what it owes?", .run = run_call,
      .examples = { "tollgate unpaid forgive 3kTq0ZbW9x",
                    "tollgate unpaid forgive 3kTq0ZbW9x --note 'our outage'"
                    } },
    { .noun = "jobs", .verb = "list",
      .summary = "list jobs, when they are due and how they went",
      .method = "GET", .path = "/api/jobs",
      .columns = job_columns, .name_member = "name",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate jobs list", "tollgate jobs list -o json" } },
    { .noun = "jobs", .verb = "run",
      .summary = "make a job due now",
      .method = "POST", .path = "/api/jobs/:job/run",
      .args = ARGS({ "JOB", "job", CLI_TEXT, false }),
      .columns = job_columns, .name_member = "name", .run = run_call,
      .examples = { "tollgate jobs run subscriptions.renew",
                    "tollgate jobs run snapshots.daily -o json" } },
    { .noun = "analytics", .verb = "show",
      .summary = "show snapshots of usage",
      .method = "GET", .path = "/api/analytics",
      .options = OPTIONS(
          { "period", 0, CLI_TEXT, "period", "hour|day", "their length" },
          { "from", 0, CLI_TEXT, "from", "TIME", "first moment, RFC 3339" },
          { "to", 0, CLI_TEXT, "to", "TIME", "end, itself not included" }),
      .columns = COLUMNS(
          { "START", "start", CLI_LEFT }, { "PERIOD", "period", CLI_LEFT },
          { "METRIC", "metric", CLI_LEFT }, { "APP", "app", CLI_LEFT },
          { "FEATURE", "feature", CLI_LEFT }, { "MODEL", "model", CLI_LEFT },
          { "VALUE", "value", CLI_POINT }),
      .name_member = "metric", .run = run_call,
      .examples = {
          "tollgate analytics show --period day",
          "tollgate analytics show --from 2026-11-01T00:00:00Z -o csv" } },
    { .noun = "explain",
      .summary = "say why a request was decided as it was",
      .details = "The id is that of the headers request-id and x-request-id, "
                 "and of $tollgate_request_id.",
      .method = "GET", .path = "/api/requests/:request",
      .args = ARGS({ "REQUEST_ID", "request", CLI_TEXT, false }),
      .columns = explain_columns, .name_member = "verdict",
      .table = report_explain, .run = run_call,
      .examples = {
          "tollgate explain a1b2c3d4e5f60718293a4b5c6d7e8f90",
          "tollgate explain a1b2c3d4e5f60718293a4b5c6d7e8f90 -o json" } },
    { .noun = "doctor",
      .summary = "check the whole installation",
      .details = "Exits with 6 when something is wrong, with a hint for each.",
      .method = "GET", .path = "/api/doctor",
      .columns = COLUMNS(
          { "CHECK", "name", CLI_LEFT }, { "OK", "ok", CLI_STATE },
          { "DETAIL", "detail", CLI_LEFT }, { "HINT", "hint", CLI_LEFT }),
      .name_member = "name", .rows = report_check_rows,
      .table = report_doctor, .run = run_check,
      .examples = { "tollgate doctor", "tollgate doctor -o json" } },
    { .noun = "metrics",
      .summary = "print the worker's metrics for Prometheus",
      .details = "In Prometheus' text format, as its node exporter reads "
                 "from a file.",
      .method = "GET", .path = "/api/metrics", .features = CLI_PLAIN,
      .run = run_plain,
      .examples = { "tollgate metrics",
                    "tollgate metrics > /var/lib/prometheus/node-exporter/"
                    "tollgate.prom" } },
    { .noun = "version",
      .summary = "print the version of this program",
      .columns = COLUMNS({ "VERSION", "version", CLI_LEFT }),
      .name_member = "version", .run = help_version,
      .examples = { "tollgate version", "tollgate version -o name" } },
    { .noun = "completion",
      .summary = "print a completion script for a shell",
      .args = ARGS({ "SHELL", "shell", CLI_TEXT, false }),
      .details = "SHELL is bash.", .run = completion_run,
      .examples = {
          "source <(tollgate completion bash)",
          "tollgate completion bash > /etc/bash_completion.d/tollgate" } },
    { .noun = "help",
      .summary = "show help, also of a command",
      .args = ARGS({ "NOUN", "noun", CLI_TEXT, true },
                   { "VERB", "verb", CLI_TEXT, true }),
      .run = help_run,
      .examples = { "tollgate help", "tollgate help keys create" } },
    {0}
};


const struct cli_command *
commands_find(const char *noun, const char *verb)
{
    const struct cli_command *command;

    for (command = commands_table; command->noun != NULL; command++) {
        if (strcmp(command->noun, noun) != 0) {
            continue;
        }
        if (verb == NULL ? command->verb == NULL
            : command->verb != NULL && strcmp(command->verb, verb) == 0)
        {
            return command;
        }
    }
    return NULL;
}
