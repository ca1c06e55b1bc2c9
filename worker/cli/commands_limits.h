/*
 * commands_limits.h: the commands of limits and of events, rows of the table
 * in commands.c.
 */
#define LIMIT_HOLDER \
    { "account", 0, CLI_TEXT, "account", "ACCOUNT", "of this account" }, \
    { "app", 0, CLI_TEXT, "app", "APP", "of this app" }, \
    { "key", 0, CLI_TEXT, "key", "KEY_ID", "of this API key" }, \
    { "plan", 0, CLI_TEXT, "plan", "PLAN", "of all who have this plan" }

    { .noun = "limits", .verb = "list",
      .summary = "list limits",
      .details = "Those of an account are all that its requests can meet: "
                 "also of its plan, its apps\nand its keys.",
      .method = "GET", .path = "/api/limits",
      .options = OPTIONS(LIMIT_HOLDER),
      .columns = limit_columns, .name_member = "name",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate limits list --account 3kTq0ZbW9x",
                    "tollgate limits list --plan basic -o json" } },
    { .noun = "limits", .verb = "remove",
      .summary = "end a limit",
      .method = "DELETE", .path = "/api/limits/:name",
      .args = ARGS({ "NAME", "name", CLI_TEXT, false }),
      .options = OPTIONS(LIMIT_HOLDER),
      .columns = limit_columns, .name_member = "name",
      .features = CLI_CONFIRM, .question = "remove the limit {name}?",
      .run = run_call,
      .examples = { "tollgate limits remove daily --account 3kTq0ZbW9x",
                    "tollgate limits remove burst --plan basic --yes" } },
    { .noun = "limits", .verb = "set",
      .summary = "make a limit, or change what is given of it",
      .details = "A rate has --rate and --burst, running requests --max and "
                 "--lease, what is\ncounted --max, --window, --align, --effect "
                 "and --threshold.",
      .method = "PUT", .path = "/api/limits/:name",
      .args = ARGS({ "NAME", "name", CLI_TEXT, false }),
      .options = OPTIONS(
          LIMIT_HOLDER,
          { "meter", 0, CLI_TEXT, "meter",
            "rate|requests|units|credits|running", "what is limited" },
          { "max", 0, CLI_DECIMAL, "max", "N", "so much in a window" },
          { "window", 0, CLI_TEXT, "window",
            "minute|hour|day|week|month|life", "then it begins anew" },
          { "align", 0, CLI_TEXT, "align", "calendar|anniversary",
            "when windows begin" },
          { "per", 0, CLI_TEXT, "per", "account|app|key",
            "who counts by itself" },
          { "feature", 0, CLI_TEXT, "feature", "FEATURE",
            "only of it, as image.*" },
          { "effect", 0, CLI_TEXT, "effect", "refuse|warn",
            "warn: events alone" },
          { "threshold", 0, CLI_LIST, "thresholds", "PERCENT",
            "use that raises an event" },
          { "rate", 0, CLI_TEXT, "rate", "RATE", "as 5/s, 300/m or 1000/h" },
          { "burst", 0, CLI_INTEGER, "burst", "N",
            "requests that may come at once" },
          { "lease", 0, CLI_TEXT, "lease", "DURATION",
            "how long one that runs is counted unheard of" }),
      .columns = limit_columns, .name_member = "name", .run = run_call,
      .examples = {
          "tollgate limits set daily --account 3kTq0ZbW9x --meter credits "
          "--max 100 --window day",
          "tollgate limits set burst --plan basic --meter rate --rate 5/s "
          "--burst 20 --per key" } },
    { .noun = "events",
      .summary = "list what customers should hear of: limits and balances",
      .method = "GET", .path = "/api/events",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, true }),
      .options = OPTIONS(
          { "type", 0, CLI_TEXT, "type", "TYPE",
            "limit.threshold, quota.exceeded, balance.low, "
            "balance.exhausted or credits.expired" },
          { "since", 0, CLI_TEXT, "since", "TIME", "first moment, RFC 3339" }),
      .columns = COLUMNS(
          { "ID", "id", CLI_LEFT }, { "AT", "at", CLI_LEFT },
          { "TYPE", "type", CLI_LEFT }, { "ACCOUNT", "account", CLI_LEFT },
          { "LIMIT", "limit", CLI_LEFT }, { "METER", "meter", CLI_LEFT },
          { "PERCENT", "percent", CLI_POINT }, { "MAX", "max", CLI_POINT },
          { "USED", "used", CLI_POINT }, { "APP", "app", CLI_LEFT },
          { "KEY", "key", CLI_LEFT },
          { "WINDOW", "window_start", CLI_LEFT }),
      .name_member = "id", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate events 3kTq0ZbW9x --since 2027-01-01",
                    "tollgate events --type quota.exceeded -o csv" } },
