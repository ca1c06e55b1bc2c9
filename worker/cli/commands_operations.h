/* commands_operations.h: rows of commands.c for backups, restored ledgers and rebuilt wallets. */
    { .noun = "ledger", .verb = "catchup",
      .summary = "post what a restored Postgres lacks and Redis lost",
      .details = "Shows it, account by account, and exits with 6; with --yes "
                 "does it. What the\nevents told is lost, their sums are not.",
      .method = "POST", .path = "/api/ledger/catchup",
      .columns = COLUMNS(
          { "ACCOUNT", "account", CLI_LEFT }, { "STREAM", "stream", CLI_LEFT },
          { "FROM", "from", CLI_LEFT }, { "TO", "to", CLI_LEFT },
          { "CREDITS", "credits", CLI_POINT },
          { "BALANCE", "balance", CLI_POINT }),
      .name_member = "account", .timeout_ms = LONG_MS,
      .table = operations_catchup_table, .run = operations_catchup,
      .examples = { "tollgate ledger catchup",
                    "tollgate ledger catchup --yes" } },
    { .noun = "backup",
      .summary = "write Postgres to a file, or check such a file",
      .details = "FILE gets a manifest beside it, FILE.json. Asks Postgres, "
                 "not the API; needs pg_dump.",
      .args = ARGS({ "FILE", "file", CLI_TEXT, false }),
      .options = OPTIONS(
          { "conf", 0, CLI_TEXT, "conf", "INI",
            "the worker's, /etc/tollgate/worker.ini by default" },
          { "verify", 0, CLI_FLAG, "verify", NULL,
            "restore FILE into a database of its own, add it up, drop it" }),
      .features = CLI_PLAIN, .run = operations_backup,
      .examples = { "tollgate backup /var/backups/tollgate-2026-11-21",
                    "tollgate backup --verify "
                    "/var/backups/tollgate-2026-11-21" } },
    { .noun = "restore",
      .summary = "read a backup into an empty Postgres",
      .details = "The worker is stopped. Tells how the ledger stands to "
                 "Redis then.",
      .args = ARGS({ "FILE", "file", CLI_TEXT, false }),
      .options = OPTIONS(
          { "conf", 0, CLI_TEXT, "conf", "INI",
            "the worker's, /etc/tollgate/worker.ini by default" }),
      .features = CLI_PLAIN, .run = operations_restore,
      .examples = { "tollgate restore /var/backups/tollgate-2026-11-21",
                    "tollgate restore --conf /etc/tollgate/worker.ini "
                    "/var/backups/tollgate-2026-11-21" } },
    { .noun = "rebuild",
      .summary = "make wallets in Redis again from the ledger",
      .details = "Requests of an account are refused while its wallet is made; "
                 "all others pass.\nShows how far it is, and goes on where it "
                 "is broken off.",
      .method = "POST", .path = "/api/rebuild",
      .args = ARGS({ "ACCOUNT", "account", CLI_TEXT, true }),
      .options = OPTIONS(
          { "all", 0, CLI_FLAG, "all", NULL, "all wallets of all shards" }),
      .timeout_ms = LONG_MS, .table = rebuild_table, .run = rebuild_run,
      .examples = { "tollgate rebuild 3kTq0ZbW9x", "tollgate rebuild --all" } },
