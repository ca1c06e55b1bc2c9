/*
 * commands_downloads.h: the commands of download links, rows of the table in
 * commands.c.
 */
#define DOWNLOAD_ARG ARGS({ "DOWNLOAD", "download", CLI_TEXT, false })

    { .noun = "downloads", .verb = "create",
      .summary = "make a download link",
      .details = "The path is as nginx has it: decoded, and after its "
                 "rewrites. What is printed comes\nbehind the scheme and the "
                 "host of your nginx.",
      .method = "POST", .path = "/api/downloads",
      .args = ARGS({ "APP", "app", CLI_TEXT, false },
                   { "PATH", "path", CLI_TEXT, false }),
      .options = OPTIONS(
          { "expires-in", 0, CLI_TEXT, "expires_in", "DURATION",
            "as 30m, 12h or 7d; 24h by default" },
          { "expires-at", 0, CLI_TEXT, "expires_at", "TIME",
            "RFC 3339, as 2027-01-31T00:00:00Z" },
          { "max-downloads", 0, CLI_INTEGER, "max_downloads", "N",
            "so many downloads, any number by default" },
          { "window", 0, CLI_TEXT, "window", "DURATION",
            "what a client asks for within it is one download; 1h by "
            "default" },
          { "network", 0, CLI_TEXT, "network", "NETWORK",
            "only from there, as 203.0.113.0/24 or 2001:db8::/32" },
          { "feature", 0, CLI_TEXT, "feature", "FEATURE",
            "whose price a download has, in the place of the location's" },
          { "query", 0, CLI_TEXT, "query", "QUERY",
            "arguments of the URL, as size=large" }),
      .columns = download_link_columns, .name_member = "url", .run = run_call,
      .notice = "keep the link now: its signature is not stored and not shown "
                "again",
      .examples = {
          "tollgate downloads create app_0123456789 /files/report.pdf",
          "tollgate downloads create app_0123456789 /files/a.zip "
          "--max-downloads 3 --expires-in 7d -o name" } },
    { .noun = "downloads", .verb = "list",
      .summary = "list download links with what they were used for",
      .method = "GET", .path = "/api/downloads",
      .options = OPTIONS(
          { "account", 0, CLI_TEXT, "account", "ACCOUNT", "of this account" },
          { "app", 0, CLI_TEXT, "app", "APP", "of this app" }),
      .columns = download_columns, .name_member = "id",
      .features = CLI_PAGED, .run = run_list,
      .examples = { "tollgate downloads list --account 3kTq0ZbW9x",
                    "tollgate downloads list --all -o csv" } },
    { .noun = "downloads", .verb = "revoke",
      .summary = "revoke a download link for good",
      .method = "DELETE", .path = "/api/downloads/:download",
      .args = DOWNLOAD_ARG,
      .columns = download_columns, .name_member = "id",
      .features = CLI_CONFIRM, .question = "revoke the link {download}?",
      .run = run_call,
      .examples = { "tollgate downloads revoke dl_4fG7hJ2kLm0123456",
                    "tollgate downloads revoke dl_4fG7hJ2kLm0123456 --yes" } },
    { .noun = "downloads", .verb = "show",
      .summary = "show a download link",
      .details = "With -o json its last 20 requests are shown too.",
      .method = "GET", .path = "/api/downloads/:download",
      .args = DOWNLOAD_ARG,
      .columns = download_columns, .name_member = "id", .run = run_call,
      .examples = { "tollgate downloads show dl_4fG7hJ2kLm0123456",
                    "tollgate downloads show dl_4fG7hJ2kLm0123456 -o json" } },
