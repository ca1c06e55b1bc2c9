/* completion.c: a completion script for bash, made from the table. */
#include "cli.h"

#include <string.h>

static void completion_nouns(void);
static void completion_commands(void);
static void completion_command(const struct cli_command *command);
static void completion_options(const struct cli_option *options);
static void completion_values(void);
static void completion_value(const struct cli_option *options);


int
completion_run(struct cli_call *call)
{
    const char *shell = json_string_value(json_object_get(call->params,
                                                          "shell"));

    if (strcmp(shell, "bash") != 0) {
        message_error("usage", "no completion for \"%s\"", shell);
        message_hint("tollgate completion bash");
        return CLI_USAGE;
    }
    printf("# bash completion of tollgate\n"
           "_tollgate() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]}\n"
           "    local prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local noun= verb= skip= word words=\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do\n"
           "        if [ -n \"$skip\" ]; then skip=; continue; fi\n"
           "        case $word in\n"
           "            -o|--socket|--url|--token-file|--timeout) "
           "skip=1 ;;\n"
           "            -*) ;;\n"
           "            *) if [ -z \"$noun\" ]; then noun=$word\n"
           "               elif [ -z \"$verb\" ]; then verb=$word; fi ;;\n"
           "        esac\n"
           "    done\n"
           "    case $prev in\n");
    completion_values();
    printf("    esac\n");
    completion_nouns();
    printf("    case \"$noun $verb\" in\n");
    completion_commands();
    printf("    esac\n"
           "    words=\"$words");
    completion_options(options_global);
    printf("\"\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
           "}\n"
           "complete -F _tollgate tollgate\n");
    return CLI_OK;
}


static void
completion_nouns(void)
{
    const struct cli_command *command;
    const char *last = "";

    printf("    [ -n \"$noun\" ] || words=\"");
    for (command = commands_table; command->noun != NULL; command++) {
        if (strcmp(command->noun, last) != 0) {
            printf("%s%s", *last == '\0' ? "" : " ", command->noun);
        }
        last = command->noun;
    }
    printf("\"\n");
}


static void
completion_commands(void)
{
    const struct cli_command *command, *next;
    const char *last = "";

    for (command = commands_table; command->noun != NULL; command++) {
        completion_command(command);
    }
    for (command = commands_table; command->noun != NULL; command++) {
        if (command->verb == NULL || strcmp(command->noun, last) == 0) {
            continue;
        }
        last = command->noun;
        printf("        \"%s \"*) words=\"", last);
        for (next = command; next->noun != NULL; next++) {
            if (strcmp(next->noun, last) == 0) {
                printf("%s%s", next == command ? "" : " ", next->verb);
            }
        }
        printf("\" ;;\n");
    }
}


static void
completion_command(const struct cli_command *command)
{
    printf("        \"%s %s\"%s) words=\"", command->noun,
           command->verb == NULL ? "" : command->verb,
           command->verb == NULL ? "*" : "");
    if (command->run == completion_run) {
        printf(" bash");
    }
    completion_options(command->options);
    for (unsigned bit = 1; bit <= CLI_IDEMPOTENT; bit <<= 1) {
        if (command->features & bit) {
            completion_options(options_feature(bit));
        }
    }
    printf("\" ;;\n");
}


static void
completion_options(const struct cli_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        printf(" --%s", options->name);
    }
}


/* Values that are known words, and files. */
static void
completion_values(void)
{
    const struct cli_command *command;

    completion_value(options_global);
    printf("        --token-file|--socket|--file|-f)\n"
           "            COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
           "        -o) COMPREPLY=($(compgen -W \"table json name csv\" -- "
           "\"$cur\")); return ;;\n");
    for (command = commands_table; command->noun != NULL; command++) {
        if (command->options != NULL) {
            completion_value(command->options);
        }
    }
}


static void
completion_value(const struct cli_option *options)
{
    for (; options->name != NULL; options++) {
        if (options->value == NULL || strchr(options->value, '|') == NULL) {
            continue;
        }
        printf("        --%s) COMPREPLY=($(compgen -W \"", options->name);
        for (const char *p = options->value; *p != '\0'; p++) {
            putchar(*p == '|' ? ' ' : *p);
        }
        printf("\" -- \"$cur\")); return ;;\n");
    }
}
