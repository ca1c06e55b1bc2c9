/*
 * commands_audit.h: the commands of statements and of the audit log, rows of
 * the table in commands.c.
 */
#define STATEMENT_CSV \
    { "csv", 0, CLI_FLAG, "csv", NULL, \
      "all of it as CSV, with opening and closing" }

    { .noun = "statement",
      .summary = "show every change of an account's balance",
      .details = "From the opening balance over each movement to the closing "
                 "one.",
      .method = "GET", .path = "/api/accounts/:account/statement",
      .args = account_arg,
      .options = OPTIONS(
          { "from", 0, CLI_TEXT, "from", "TIME", "first moment, RFC 3339" },
          { "to", 0, CLI_TEXT, "to", "TIME", "end, itself not included" },
          { "details", 0, CLI_FLAG, "details", NULL,
            "with features and grants, for -o json" },
          STATEMENT_CSV),
      .columns = movement_columns,
      .name_member = "id", .table = statement_table,
      .features = CLI_PAGED, .timeout_ms = LONG_MS, .run = statement_run,
      .examples = {
          "tollgate statement 3kTq0ZbW9x",
          "tollgate statement 3kTq0ZbW9x --from 2026-11-01 --to 2026-12-01 "
          "--csv" } },
    { .noun = "statements", .verb = "issue",
      .summary = "issue a statement of a period that is over",
      .details = "It gets the next number of the account and never changes; "
                 "the same period again\nis the same statement.",
      .method = "POST", .path = "/api/accounts/:account/statements",
      .args = account_arg,
      .options = OPTIONS(
          { "from", 0, CLI_TEXT, "from", "TIME", "first moment, RFC 3339" },
          { "to", 0, CLI_TEXT, "to", "TIME", "end, itself not included" }),
      .columns = statement_columns, .name_member = "id", .run = run_call,
      .examples = {
          "tollgate statements issue 3kTq0ZbW9x --from 2026-11-01 "
          "--to 2026-12-01",
          "ID=$(tollgate statements issue 3kTq0ZbW9x --from 2026-11-01 "
          "--to 2026-12-01 -o name)" } },
    { .noun = "statements", .verb = "list",
      .summary = "list the statements that an account was issued",
      .method = "GET", .path = "/api/accounts/:account/statements",
      .args = account_arg, .columns = statement_columns,
      .name_member = "id", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate statements list 3kTq0ZbW9x",
                    "tollgate statements list 3kTq0ZbW9x --all -o csv" } },
    { .noun = "statements", .verb = "show",
      .summary = "show a statement as it was issued",
      .method = "GET", .path = "/api/statements/:statement",
      .args = ARGS({ "STATEMENT", "statement", CLI_TEXT, false }),
      .options = OPTIONS(
          { "details", 0, CLI_FLAG, "details", NULL,
            "with features and grants, for -o json" },
          STATEMENT_CSV),
      .columns = movement_columns,
      .name_member = "id", .table = statement_table,
      .features = CLI_PAGED, .timeout_ms = LONG_MS, .run = statement_run,
      .examples = { "tollgate statements show st_0123456789abcdef",
                    "tollgate statements show st_0123456789abcdef --csv" } },
    { .noun = "audit", .verb = "list",
      .summary = "list who changed what, the newest first",
      .details = "With -o json also what it was before and is after.",
      .method = "GET", .path = "/api/audit",
      .options = OPTIONS(
          { "actor", 0, CLI_TEXT, "actor", "ACTOR",
            "operator, job:NAME, worker:ROLE or sql:LOGIN" },
          { "action", 0, CLI_TEXT, "action", "ACTION", "as key.revoke" },
          { "object", 0, CLI_TEXT, "object", "OBJECT",
            "id of an account, an app, a key, ..." },
          { "from", 0, CLI_TEXT, "from", "TIME", "first moment, RFC 3339" },
          { "to", 0, CLI_TEXT, "to", "TIME", "end, itself not included" }),
      .columns = COLUMNS(
          { "ID", "id", CLI_LEFT }, { "AT", "at", CLI_LEFT },
          { "ACTOR", "actor", CLI_LEFT }, { "ACTION", "action", CLI_LEFT },
          { "OBJECT", "object", CLI_LEFT }),
      .name_member = "id", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate audit list --object 3kTq0ZbW9x",
                    "tollgate audit list --actor operator --from 2026-11-01 "
                    "--all -o json" } },
    { .noun = "audit", .verb = "roots",
      .summary = "list the daily roots of the audit log",
      .details = "A root that is kept elsewhere proves later that nothing up "
                 "to its day was changed.",
      .method = "GET", .path = "/api/audit/roots",
      .columns = COLUMNS(
          { "DAY", "day", CLI_LEFT }, { "ROWS", "rows", CLI_POINT },
          { "SEAL", "seal", CLI_POINT }, { "ROOT", "root", CLI_LEFT }),
      .name_member = "root", .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate audit roots --limit 7",
                    "tollgate audit roots --limit 1 -o name" } },
    { .noun = "audit", .verb = "verify",
      .summary = "prove that audit log, ledger and statements are as they were",
      .details = "Exits with 6 when something was changed, and says what "
                 "first.",
      .method = "GET", .path = "/api/audit/verify",
      .options = OPTIONS(
          { "root", 0, CLI_TEXT, "root", "HASH",
            "a daily root that was kept elsewhere" }),
      .columns = COLUMNS(
          { "BROKEN", "what", CLI_LEFT }, { "REASON", "reason", CLI_LEFT }),
      .name_member = "what", .timeout_ms = LONG_MS, .table = audit_table,
      .run = audit_verify,
      .examples = { "tollgate audit verify",
                    "tollgate audit verify --root $(cat /mnt/safe/root)" } },
