/* cli.h: what the files of the command line tool share, as a command runs. */
#ifndef TOLLGATE_CLI_H
#define TOLLGATE_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <jansson.h>

#define CLI_FILE_MAX (1u << 20)
#define CLI_SOCKET "/run/tollgate/admin.sock"

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILURE = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_AUTH = 4,
    CLI_REFUSED = 5,
    CLI_PROBLEMS = 6,
    CLI_UNREACHABLE = 7,
    CLI_INTERRUPTED = 130
};

/*
 * How the text of an argument becomes a JSON value; NONE: `none` is null.  A
 * LIST may be given several times, or `none`, which is an empty one.
 */
enum cli_type {
    CLI_TEXT,
    CLI_TEXT_NONE,
    CLI_LIST,
    CLI_DECIMAL,
    CLI_DECIMAL_NONE,
    CLI_INTEGER,
    CLI_INTEGER_NONE,
    CLI_BOOL,
    CLI_FLAG
};

enum cli_align {
    CLI_LEFT,
    CLI_POINT,      /* right, decimal points under each other */
    CLI_STATE       /* left, colored by its word */
};

/* What a command takes beside its own options. */
enum cli_feature {
    CLI_PAGED = 1,          /* --limit, --all, --cursor */
    CLI_FILE = 2,           /* -f FILE */
    CLI_FILE_NEEDED = 4,    /* and does not go without */
    CLI_CONFIRM = 8,        /* asks on a terminal */
    CLI_IDEMPOTENT = 16,    /* --idempotency-key */
    CLI_PLAIN = 32          /* the answer is text, of no format but its own */
};

struct cli_arg {
    const char *name;       /* as help shows it */
    const char *member;     /* in the path, the body or the query */
    enum cli_type type;
    bool optional;
};

struct cli_option {
    const char *name;       /* without dashes */
    char letter;            /* or 0 */
    enum cli_type type;
    const char *member;     /* of the body or query, or the setting */
    const char *value;      /* as help shows it; NULL for a CLI_FLAG */
    const char *help;
};

struct cli_column {
    const char *title;
    const char *member;
    enum cli_align align;
};

struct cli_call;

/* A command; arrays end with a row whose first field is NULL. */
struct cli_command {
    const char *noun;
    const char *verb;       /* NULL: the noun is the whole command */
    const char *summary;
    const char *details;    /* more for its help, or NULL */
    const char *method;
    const char *path;       /* :member is replaced by the argument */
    const struct cli_arg *args;
    const struct cli_option *options;
    const struct cli_column *columns;
    const char *name_member;    /* what -o name prints of a row */
    unsigned features;
    long timeout_ms;
    const char *question;   /* of CLI_CONFIRM, {member} is replaced */
    const char *notice;     /* to stderr when it has succeeded, or NULL */
    int (*run)(struct cli_call *call);
    json_t *(*rows)(json_t *answer);        /* new reference */
    bool (*table)(struct cli_call *call, json_t *answer, json_t *rows);
    const char *examples[2];
};

struct cli_call {
    const struct cli_command *command;
    json_t *params;         /* arguments and options of the command */
    json_t *settings;       /* options of the tool itself */
    char *token;
    char *idempotency_key;
    FILE *sink;             /* where an answer of CSV goes, or NULL */
};

/* main.c */
bool cli_interrupted(void);

/* commands.c: the table, the last row has no noun */
extern const struct cli_command commands_table[];
/* The command of these words; verb may be NULL.  NULL: there is none. */
const struct cli_command *commands_find(const char *noun, const char *verb);

/* options.c */
extern const struct cli_option options_global[];
/* The options that one bit of features brings, NULL for none. */
const struct cli_option *options_feature(unsigned feature);

/* columns.c: by object, the last row has no title */
extern const struct cli_column account_columns[];
extern const struct cli_column unpaid_columns[];
extern const struct cli_column subscription_columns[];
extern const struct cli_column app_columns[];
extern const struct cli_column key_columns[];
extern const struct cli_column secret_columns[];
extern const struct cli_column content_columns[];
extern const struct cli_column content_load_columns[];
extern const struct cli_column entitlement_columns[];
extern const struct cli_column grant_columns[];
extern const struct cli_column download_columns[];
extern const struct cli_column download_link_columns[];
extern const struct cli_column limit_columns[];
extern const struct cli_column plan_columns[];
extern const struct cli_column job_columns[];
extern const struct cli_column movement_columns[];
extern const struct cli_column statement_columns[];
extern const struct cli_column catalog_columns[];
extern const struct cli_column explain_columns[];

/* args.c: fills command, params and settings; says what is wrong */
int args_parse(struct cli_call *call, int argc, char **argv);
const char *args_setting(const struct cli_call *call, const char *name);
bool args_on(const struct cli_call *call, const char *name);

/* guess.c: the candidate next to a mistyped word, or NULL */
struct guess {
    const char *typed;
    const char *best;
    size_t distance;
};
void guess_start(struct guess *guess, const char *typed);
void guess_try(struct guess *guess, const char *candidate);

/* message.c: all that stderr shows, but for help */
void message_error(const char *code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void message_hint(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
void message_note(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* help.c */
void help_overview(FILE *out);
void help_noun(FILE *out, const char *noun);
void help_command(FILE *out, const struct cli_command *command);
void help_usage(FILE *out, const struct cli_command *command);
int help_run(struct cli_call *call);
int help_version(struct cli_call *call);

/* completion.c */
int completion_run(struct cli_call *call);

/* input.c */
/* The body of a call: the file's object with the params over it. */
int input_body(struct cli_call *call, json_t **body);
/* The text of a file or of stdin, NUL added; says why where it fails. */
char *input_read(const char *name, size_t max, size_t *len);
/* The token of --token-file, or NULL where there is none. */
int input_token(struct cli_call *call);
/* Asks where the command wants it; CLI_OK means go on. */
int input_confirm(struct cli_call *call);

/*
 * client.c: one request of the API; on failure it says why.  The answer is an
 * object, or a string where the command is CLI_PLAIN, or NULL where it went to
 * the call's sink.
 */
int client_call(struct cli_call *call, const json_t *query,
    const json_t *body, json_t **answer);
/* Is the member one of the path, and so not of the body or query? */
bool client_path_has(const struct cli_command *command, const char *member);

/* run.c */
int run_call(struct cli_call *call);
int run_list(struct cli_call *call);
int run_plain(struct cli_call *call);
int run_check(struct cli_call *call);
int run_repair(struct cli_call *call);

/*
 * csv.c: the rows of a CSV text with a header, an array of objects of texts,
 * each with its line; NULL: a fault, which is told.
 */
json_t *csv_rows(const char *name, const char *text, size_t len);

/* statement.c: statements of accounts */
int statement_run(struct cli_call *call);
bool statement_table(struct cli_call *call, json_t *answer, json_t *rows);

/* audit.c: the proof that nothing recorded was changed */
int audit_verify(struct cli_call *call);
bool audit_table(struct cli_call *call, json_t *answer, json_t *rows);

/* prices.c: lists of prices */
int prices_load(struct cli_call *call);
json_t *prices_rows(json_t *answer);
bool prices_table(struct cli_call *call, json_t *answer, json_t *rows);

/* keys.c: lists of keys that customers hold */
int keys_import(struct cli_call *call);
bool keys_table(struct cli_call *call, json_t *answer, json_t *rows);

/* operations.c: backups, and what an operator decides after a restore */
int operations_backup(struct cli_call *call);
int operations_restore(struct cli_call *call);
int operations_catchup(struct cli_call *call);
bool operations_catchup_table(struct cli_call *call, json_t *answer,
    json_t *rows);

/* rebuild.c: wallets that are made again */
int rebuild_run(struct cli_call *call);
bool rebuild_table(struct cli_call *call, json_t *answer, json_t *rows);

/* output.c: the answer on stdout in the format of -o */
int output_answer(struct cli_call *call, json_t *answer);

/* table.c */
bool table_rows(const struct cli_column *columns, const json_t *rows,
    bool color);
bool table_object(const struct cli_column *columns, const json_t *object,
    bool color);
/* What a cell shows of a member; the caller frees it. */
char *table_cell(const json_t *object, const char *member);

/* report.c: rows and tables of answers with a shape of their own */
json_t *report_catalog_rows(json_t *answer);
json_t *report_check_rows(json_t *answer);
json_t *report_difference_rows(json_t *answer);
bool report_explain(struct cli_call *call, json_t *answer, json_t *rows);
bool report_doctor(struct cli_call *call, json_t *answer, json_t *rows);
bool report_repair(struct cli_call *call, json_t *answer, json_t *rows);
bool report_verify(struct cli_call *call, json_t *answer, json_t *rows);
bool report_color(const struct cli_call *call);

#endif
