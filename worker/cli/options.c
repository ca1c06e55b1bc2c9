/* options.c: the options of the tool itself, and of features of commands. */
#include "cli.h"

const struct cli_option options_global[] = {
    { "output", 'o', CLI_TEXT, "output", "table|json|name|csv",
      "format of the answer, table by default" },
    { "socket", 0, CLI_TEXT, "socket", "PATH",
      "the worker's admin socket (TOLLGATE_SOCKET)" },
    { "url", 0, CLI_TEXT, "url", "URL",
      "speak to the API behind nginx instead (TOLLGATE_URL)" },
    { "token-file", 0, CLI_TEXT, "token-file", "FILE",
      "file with the operator's token (TOLLGATE_TOKEN_FILE)" },
    { "timeout", 0, CLI_INTEGER, "timeout", "SECONDS",
      "give up after so long" },
    { "yes", 'y', CLI_FLAG, "yes", NULL, "answer every question with yes" },
    { "no-input", 0, CLI_FLAG, "no-input", NULL,
      "never ask; what would have asked fails" },
    { "no-color", 0, CLI_FLAG, "no-color", NULL,
      "no colors on a terminal (NO_COLOR)" },
    { "help", 'h', CLI_FLAG, "help", NULL, "show help" },
    {0}
};

static const struct {
    unsigned feature;
    struct cli_option options[4];
} options_features[] = {
    { CLI_PAGED, {
        { "limit", 0, CLI_INTEGER, "limit", "N",
          "at most so many rows, 50 by default" },
        { "all", 0, CLI_FLAG, "all", NULL, "every row there is" },
        { "cursor", 0, CLI_TEXT, "cursor", "CURSOR",
          "go on where an earlier list ended" },
        {0} } },
    { CLI_FILE, {
        { "file", 'f', CLI_TEXT, "file", "FILE",
          "read the JSON object from FILE, - for stdin" },
        {0} } },
    { CLI_IDEMPOTENT, {
        { "idempotency-key", 0, CLI_TEXT, "idempotency-key", "KEY",
          "repeat a call whose answer was lost; takes effect once" },
        {0} } },
};


const struct cli_option *
options_feature(unsigned feature)
{
    for (size_t i = 0; i < sizeof(options_features)
                           / sizeof(options_features[0]); i++)
    {
        if (options_features[i].feature == feature) {
            return options_features[i].options;
        }
    }
    return NULL;
}
