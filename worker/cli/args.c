/* args.c: the words of the command line, checked against the table. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct args {
    struct cli_call *call;
    const char *noun;
    const struct cli_arg *next;     /* the argument that comes next */
    char **words;                   /* not read yet, ends with NULL */
};

static int args_word(struct args *args, const char *word);
static int args_noun(struct args *args, const char *word);
static int args_verb(struct args *args, const char *word);
static int args_options(struct args *args, const char *word);
static int args_option(struct args *args, const struct cli_option *option,
    const char *shown, const char *value);
static const struct cli_option *args_option_find(struct args *args,
    const char *name, size_t len, char letter, bool *own);
static int args_option_unknown(struct args *args, const char *name,
    size_t len);
static const struct cli_option *args_in(const struct cli_option *options,
    const char *name, size_t len, char letter);
static int args_finish(struct args *args);
static int args_help(struct args *args);
static int args_store(json_t *object, const char *member, enum cli_type type,
    const char *shown, const char *text);
static bool args_append(json_t *object, const char *member, json_t *item);
static json_t *args_text(const char *text);
static json_t *args_decimal(const char *text);
static json_t *args_integer(const char *text);
static json_t *args_bool(const char *text);

/* By enum cli_type. */
static const struct {
    json_t *(*parse)(const char *text);
    bool none;
    const char *wanted;
} args_types[] = {
    [CLI_TEXT] = { args_text, false, "UTF-8 text" },
    [CLI_TEXT_NONE] = { args_text, true, "UTF-8 text or none" },
    [CLI_LIST] = { args_text, false, "UTF-8 text" },
    [CLI_DECIMAL] = { args_decimal, false, "a decimal number" },
    [CLI_DECIMAL_NONE] = { args_decimal, true, "a decimal number or none" },
    [CLI_INTEGER] = { args_integer, false, "an integer" },
    [CLI_INTEGER_NONE] = { args_integer, true, "an integer or none" },
    [CLI_BOOL] = { args_bool, false, "true or false" },
    [CLI_FLAG] = { args_bool, false, "no value" },
};

static const char *const args_outputs[] = { "table", "json", "name", "csv" };


int
args_parse(struct cli_call *call, int argc, char **argv)
{
    struct args args = { .call = call, .words = argv + (argc > 0) };
    bool only_words = false;
    int status;

    while (*args.words != NULL) {
        const char *word = *args.words++;

        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
            continue;
        }
        /* A negative number is an argument: the API says what it thinks. */
        if (!only_words && word[0] == '-' && word[1] != '\0'
            && !isdigit((unsigned char) word[1]))
        {
            status = args_options(&args, word);
        } else {
            status = args_word(&args, word);
        }
        if (status != CLI_OK) {
            return status;
        }
    }
    return args_on(call, "help") ? args_help(&args) : args_finish(&args);
}


static int
args_word(struct args *args, const char *word)
{
    const struct cli_arg *arg = args->next;

    if (args->noun == NULL) {
        return args_noun(args, word);
    }
    if (args->call->command == NULL) {
        return args_verb(args, word);
    }
    if (arg == NULL || arg->name == NULL) {
        message_error("usage", "unexpected argument \"%s\"", word);
        help_usage(stderr, args->call->command);
        return CLI_USAGE;
    }
    if (client_path_has(args->call->command, arg->member)
        && (*word == '\0' || strcmp(word, ".") == 0
            || strcmp(word, "..") == 0))
    {
        message_error("usage", "%s cannot be \"%s\"", arg->name, word);
        return CLI_USAGE;
    }
    args->next++;
    return args_store(args->call->params, arg->member, arg->type, arg->name,
                      word);
}


static int
args_noun(struct args *args, const char *word)
{
    const struct cli_command *command;
    struct guess guess;

    guess_start(&guess, word);
    for (command = commands_table; command->noun != NULL; command++) {
        if (strcmp(command->noun, word) == 0) {
            args->noun = command->noun;
            if (command->verb == NULL) {
                args->call->command = command;
                args->next = command->args;
            }
            return CLI_OK;
        }
        guess_try(&guess, command->noun);
    }
    message_error("usage", "unknown command \"%s\"", word);
    if (guess.best != NULL) {
        message_hint("did you mean \"%s\"?", guess.best);
    } else {
        message_hint("tollgate help lists the commands");
    }
    return CLI_USAGE;
}


static int
args_verb(struct args *args, const char *word)
{
    const struct cli_command *command = commands_find(args->noun, word);
    struct guess guess;

    if (command != NULL) {
        args->call->command = command;
        args->next = command->args;
        return CLI_OK;
    }
    guess_start(&guess, word);
    for (command = commands_table; command->noun != NULL; command++) {
        if (strcmp(command->noun, args->noun) == 0) {
            guess_try(&guess, command->verb);
        }
    }
    message_error("usage", "unknown command \"%s %s\"", args->noun, word);
    if (guess.best != NULL) {
        message_hint("did you mean \"%s %s\"?", args->noun, guess.best);
    } else {
        message_hint("tollgate help %s lists its verbs", args->noun);
    }
    return CLI_USAGE;
}


/* --name, --name value, --name=value, -x, -x value, -xvalue */
static int
args_options(struct args *args, const char *word)
{
    const struct cli_option *option;
    const char *value = NULL;
    char shown[64];
    size_t len;
    bool own;

    if (word[1] == '-') {
        len = strcspn(word + 2, "=");
        option = args_option_find(args, word + 2, len, 0, &own);
        value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    } else {
        len = 1;
        option = args_option_find(args, NULL, 0, word[1], &own);
        value = word[2] == '\0' ? NULL : word + 2;
    }
    if (option == NULL) {
        return word[1] == '-' ? args_option_unknown(args, word + 2, len)
                              : args_option_unknown(args, word + 1, 1);
    }
    snprintf(shown, sizeof(shown), "--%s", option->name);
    if (option->type == CLI_FLAG) {
        if (value != NULL) {
            message_error("usage", "%s takes no value", shown);
            return CLI_USAGE;
        }
        value = "true";
    } else if (value == NULL) {
        value = *args->words;
        if (value == NULL) {
            message_error("usage", "%s needs a value: %s", shown,
                          option->value);
            return CLI_USAGE;
        }
        args->words++;
    }
    return own ? args_store(args->call->params, option->member, option->type,
                            shown, value)
               : args_option(args, option, shown, value);
}


/* An option of the tool: a setting. */
static int
args_option(struct args *args, const struct cli_option *option,
    const char *shown, const char *value)
{
    if (strcmp(option->member, "output") == 0) {
        size_t i, count = sizeof(args_outputs) / sizeof(args_outputs[0]);

        for (i = 0; i < count && strcmp(value, args_outputs[i]) != 0; i++) {
            continue;
        }
        if (i == count) {
            message_error("usage", "-o wants %s, not \"%s\"", option->value,
                          value);
            return CLI_USAGE;
        }
    }
    return args_store(args->call->settings, option->member, option->type,
                      shown, value);
}


/* own is set for an option whose value goes to the API. */
static const struct cli_option *
args_option_find(struct args *args,
    const char *name, size_t len, char letter, bool *own)
{
    const struct cli_command *command = args->call->command;
    const struct cli_option *option = NULL;

    *own = false;
    if (command != NULL) {
        option = args_in(command->options, name, len, letter);
        *own = option != NULL;
        for (unsigned bit = 1; option == NULL && bit <= command->features;
             bit <<= 1)
        {
            if (command->features & bit) {
                option = args_in(options_feature(bit), name, len, letter);
            }
        }
    }
    return option != NULL ? option
                          : args_in(options_global, name, len, letter);
}


static const struct cli_option *
args_in(const struct cli_option *options,
    const char *name, size_t len, char letter)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (name == NULL ? options->letter == letter
            : strlen(options->name) == len
              && memcmp(options->name, name, len) == 0)
        {
            return options;
        }
    }
    return NULL;
}


static int
args_option_unknown(struct args *args, const char *name,
    size_t len)
{
    const struct cli_command *command = args->call->command;
    const struct cli_option *lists[8];
    size_t count = 0;
    struct guess guess;
    char typed[33];

    snprintf(typed, sizeof(typed), "%.*s", (int) len, name);
    guess_start(&guess, typed);
    lists[count++] = options_global;
    if (command != NULL) {
        lists[count++] = command->options;
        for (unsigned bit = 1; bit <= CLI_IDEMPOTENT; bit <<= 1) {
            if (command->features & bit) {
                lists[count++] = options_feature(bit);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (const struct cli_option *option = lists[i];
             option != NULL && option->name != NULL; option++)
        {
            guess_try(&guess, option->name);
        }
    }
    message_error("usage", "unknown option \"%s%s\"", len == 1 ? "-" : "--",
                  typed);
    if (len > 1 && guess.best != NULL) {
        message_hint("did you mean \"--%s\"?", guess.best);
    } else if (command != NULL) {
        help_usage(stderr, command);
    }
    return CLI_USAGE;
}


static int
args_finish(struct args *args)
{
    struct cli_call *call = args->call;

    if (args->noun == NULL) {
        help_overview(stderr);
        return CLI_USAGE;
    }
    if (call->command == NULL) {
        help_noun(stderr, args->noun);
        return CLI_USAGE;
    }
    if (args->next != NULL && args->next->name != NULL
        && !args->next->optional)
    {
        message_error("usage", "%s is missing", args->next->name);
        help_usage(stderr, call->command);
        return CLI_USAGE;
    }
    if ((call->command->features & CLI_FILE_NEEDED)
        && args_setting(call, "file") == NULL)
    {
        message_error("usage", "-f FILE is missing");
        help_usage(stderr, call->command);
        return CLI_USAGE;
    }
    if (args_on(call, "all") && json_object_get(call->settings, "limit")) {
        message_error("usage", "--all and --limit exclude each other");
        return CLI_USAGE;
    }
    return CLI_OK;
}


/* -h: help of what the words before it named; nothing is run. */
static int
args_help(struct args *args)
{
    if (args->noun == NULL) {
        help_overview(stdout);
    } else if (args->call->command == NULL) {
        help_noun(stdout, args->noun);
    } else {
        help_command(stdout, args->call->command);
    }
    args->call->command = NULL;
    return CLI_OK;
}


static int
args_store(json_t *object, const char *member, enum cli_type type,
    const char *shown, const char *text)
{
    json_t *value;

    if (type != CLI_LIST && json_object_get(object, member) != NULL) {
        message_error("usage", "%s is given twice", shown);
        return CLI_USAGE;
    }
    if (args_types[type].none && strcmp(text, "none") == 0) {
        value = json_null();
    } else {
        value = args_types[type].parse(text);
    }
    if (value == NULL
        || (type == CLI_LIST ? !args_append(object, member, value)
                             : json_object_set_new(object, member, value) != 0))
    {
        message_error("usage", "%s wants %s, not \"%s\"", shown,
                      args_types[type].wanted, text);
        return CLI_USAGE;
    }
    return CLI_OK;
}


/* Takes the item over; "none" adds nothing to the list. */
static bool
args_append(json_t *object, const char *member, json_t *item)
{
    json_t *list = json_object_get(object, member);
    bool ok = list != NULL
              || json_object_set_new(object, member, json_array()) == 0;

    if (strcmp(json_string_value(item), "none") != 0) {
        return json_array_append_new(json_object_get(object, member), item)
               == 0 && ok;
    }
    json_decref(item);
    return ok;
}


/* NULL where the text is not UTF-8. */
static json_t *
args_text(const char *text)
{
    return json_string(text);
}


/* Decimals stay text: they are money. */
static json_t *
args_decimal(const char *text)
{
    const char *p = text;

    p += *p == '-';
    if (!isdigit((unsigned char) *p)) {
        return NULL;
    }
    p += strspn(p, "0123456789");
    if (*p == '.') {
        p++;
        if (!isdigit((unsigned char) *p)) {
            return NULL;
        }
        p += strspn(p, "0123456789");
    }
    return *p == '\0' ? json_string(text) : NULL;
}


static json_t *
args_integer(const char *text)
{
    char *end;
    long long value;

    if (!isdigit((unsigned char) text[text[0] == '-'])) {
        return NULL;
    }
    errno = 0;
    value = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? json_integer(value) : NULL;
}


static json_t *
args_bool(const char *text)
{
    return strcmp(text, "true") == 0 ? json_true()
           : strcmp(text, "false") == 0 ? json_false() : NULL;
}


const char *
args_setting(const struct cli_call *call, const char *name)
{
    return json_string_value(json_object_get(call->settings, name));
}


bool
args_on(const struct cli_call *call, const char *name)
{
    return json_is_true(json_object_get(call->settings, name));
}
