/* help.c: help, made from the table of commands. */
#include "cli.h"
#include "version.h"

#include <string.h>

static void help_name(const struct cli_command *command, char *name,
    size_t size);
static void help_options(FILE *out, const struct cli_option *options);


void
help_overview(FILE *out)
{
    const struct cli_command *command;
    char name[64];

    fprintf(out, "tollgate: the operator's tool of Tollgate\n\n"
                 "Usage: tollgate COMMAND [ARGUMENT]... [OPTION]...\n\n"
                 "Commands:\n");
    for (command = commands_table; command->noun != NULL; command++) {
        help_name(command, name, sizeof(name));
        fprintf(out, "  %-20s %s\n", name, command->summary);
    }
    fprintf(out, "\nOptions of every command:\n");
    help_options(out, options_global);
    fprintf(out, "\nExit status: 0 done, 1 failed, 2 wrong usage, "
                 "3 not found, 4 not allowed,\n5 refused, 6 a check found "
                 "problems, 7 not reachable, 130 interrupted.\n\n"
                 "`tollgate help NOUN VERB` shows a command with examples.\n");
}


void
help_noun(FILE *out, const char *noun)
{
    const struct cli_command *command;
    char name[64];

    fprintf(out, "Usage: tollgate %s VERB [ARGUMENT]... [OPTION]...\n\n",
            noun);
    for (command = commands_table; command->noun != NULL; command++) {
        if (strcmp(command->noun, noun) == 0) {
            help_name(command, name, sizeof(name));
            fprintf(out, "  %-20s %s\n", name, command->summary);
        }
    }
    fprintf(out, "\n`tollgate help %s VERB` shows one of them.\n", noun);
}


void
help_command(FILE *out, const struct cli_command *command)
{
    help_usage(out, command);
    fprintf(out, "\n  %s\n", command->summary);
    if (command->details != NULL) {
        fprintf(out, "\n%s\n", command->details);
    }
    if (command->options != NULL
        || (command->features & ~(unsigned) (CLI_CONFIRM | CLI_PLAIN)) != 0)
    {
        fprintf(out, "\nOptions:\n");
        help_options(out, command->options);
        for (unsigned bit = 1; bit <= CLI_IDEMPOTENT; bit <<= 1) {
            if (command->features & bit) {
                help_options(out, options_feature(bit));
            }
        }
    }
    fprintf(out, "\nOptions of every command:\n");
    help_options(out, options_global);
    fprintf(out, "\nExamples:\n  %s\n  %s\n", command->examples[0],
            command->examples[1]);
}


void
help_usage(FILE *out, const struct cli_command *command)
{
    const struct cli_arg *arg;
    char name[64];

    help_name(command, name, sizeof(name));
    fprintf(out, "Usage: tollgate %s", name);
    for (arg = command->args; arg != NULL && arg->name != NULL; arg++) {
        fprintf(out, arg->optional ? " [%s]" : " %s", arg->name);
    }
    fprintf(out, "%s%s\n",
            command->features & CLI_FILE_NEEDED ? " -f FILE" : "",
            " [OPTION]...");
}


static void
help_name(const struct cli_command *command, char *name,
    size_t size)
{
    snprintf(name, size, "%s%s%s", command->noun,
             command->verb == NULL ? "" : " ",
             command->verb == NULL ? "" : command->verb);
}


static void
help_options(FILE *out, const struct cli_option *options)
{
    char shown[96];

    for (; options != NULL && options->name != NULL; options++) {
        int len = options->letter == 0 ? snprintf(shown, sizeof(shown), "    ")
            : snprintf(shown, sizeof(shown), "-%c, ", options->letter);

        snprintf(shown + len, sizeof(shown) - (size_t) len, "--%s%s%s",
                 options->name, options->value == NULL ? "" : " ",
                 options->value == NULL ? "" : options->value);
        fprintf(out, "  %-32s %s\n", shown, options->help);
    }
}


int
help_run(struct cli_call *call)
{
    const char *noun = json_string_value(json_object_get(call->params,
                                                         "noun"));
    const char *verb = json_string_value(json_object_get(call->params,
                                                         "verb"));
    const struct cli_command *command;
    char *words[] = { (char *) noun, (char *) verb, "--help", NULL };
    struct cli_call again = *call;

    if (noun == NULL) {
        help_overview(stdout);
        return CLI_OK;
    }
    command = commands_find(noun, verb);
    if (command != NULL) {
        help_command(stdout, command);
        return CLI_OK;
    }
    /* The parser knows how to show a noun, and what was mistyped. */
    again.command = NULL;
    if (verb == NULL) {
        words[1] = words[2];
        words[2] = NULL;
    }
    return args_parse(&again, 0, words);
}


int
help_version(struct cli_call *call)
{
    json_t *version = json_pack("{s:s}", "version", TOLLGATE_VERSION);
    int status = CLI_OK;

    if (args_setting(call, "output") == NULL) {
        printf("tollgate %s\n", TOLLGATE_VERSION);
    } else {
        status = output_answer(call, version);
    }
    json_decref(version);
    return status;
}
