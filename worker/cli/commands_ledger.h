/*
 * commands_ledger.h: the commands of the proof and of repair, rows of the table
 * in commands.c.
 */
    { .noun = "ledger", .verb = "verify",
      .summary = "prove that Redis and the ledger agree",
      .details = "Exits with 6 when they do not, and says where.",
      .method = "GET", .path = "/api/ledger/verify",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, true }),
      .columns = COLUMNS(
          { "ACCOUNT", "account", CLI_LEFT }, { "REDIS", "redis", CLI_POINT },
          { "LEDGER", "ledger", CLI_POINT }, { "REASON", "reason", CLI_LEFT },
          { "WHAT TO DO", "hint", CLI_LEFT }),
      .name_member = "account", .timeout_ms = LONG_MS,
      .rows = report_difference_rows, .table = report_verify,
      .run = run_check,
      .examples = { "tollgate ledger verify",
                    "tollgate ledger verify 3kTq0ZbW9x -o json" } },
    { .noun = "ledger", .verb = "repair",
      .summary = "say what would put accounts right that differ",
      .details = "Looks at accounts that are frozen or that the proof found to "
                 "differ, or at the one given.  Does it with --yes.",
      .method = "GET", .path = "/api/ledger/repair",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, true }),
      .columns = COLUMNS(
          { "ACCOUNT", "account", CLI_LEFT }, { "STATE", "state", CLI_STATE },
          { "TO DO", "action", CLI_LEFT }, { "DONE", "done", CLI_STATE },
          { "IN REDIS", "before", CLI_POINT }, { "THEN", "after", CLI_POINT },
          { "CHANGE", "delta", CLI_POINT },
          { "WRITTEN OFF", "written_off", CLI_POINT },
          { "EVENTS", "events", CLI_POINT },
          { "GIVEN UP", "given_up", CLI_POINT }, { "WHY", "why", CLI_LEFT }),
      .name_member = "account", .timeout_ms = LONG_MS,
      .table = report_repair, .run = run_repair,
      .examples = { "tollgate ledger repair",
                    "tollgate ledger repair 3kTq0ZbW9x --yes" } },
