/*
 * backup.h: the ledger in a file, and back.
 *
 * backup.c writes and checks files, restore.c reads them, backup_tool.c runs
 * the programs of Postgres that both need.  All of it is for the command line:
 * what is done goes to stdout, what fails is logged.
 */
#ifndef TOLLGATE_BACKUP_H
#define TOLLGATE_BACKUP_H

#include <jansson.h>
#include <stdbool.h>

#include "conf.h"
#include "pg.h"

#define BACKUP_PATH_MAX  4096
#define BACKUP_SHA_SIZE  65

/* Writes FILE and its manifest, FILE.json; refuses to replace any. */
bool backup_make(const struct conf *conf, const char *file)
    __attribute__((warn_unused_result));

/* Restores FILE into a database of its own, adds it up and drops it. */
bool backup_verify(const struct conf *conf, const char *file)
    __attribute__((warn_unused_result));

/* Restores FILE into the database of the configuration, which is empty. */
bool backup_restore(const struct conf *conf, const char *file)
    __attribute__((warn_unused_result));

/*
 * The manifest of FILE, whose sum is what it says; else NULL, with the reason
 * logged.
 */
json_t *backup_manifest(const char *file);
bool backup_sha256(const char *file, char hex[BACKUP_SHA_SIZE])
    __attribute__((warn_unused_result));

/*
 * What each of these begins with: where Postgres is goes into the environment,
 * and a signal ends the program that runs, so that what was begun is undone.
 */
bool backup_begin(const struct conf *conf)
    __attribute__((warn_unused_result));
bool backup_asked(void);    /* to stop, by a signal */

/*
 * Runs a program with its stdout in fd, or in /dev/null (-1), and waits; logs
 * what it failed with.
 */
bool backup_tool(const char *const argv[], int fd)
    __attribute__((warn_unused_result));

/* Fills a database with FILE: all of it or nothing. */
bool backup_fill(const char *database, const char *file)
    __attribute__((warn_unused_result));

/* Prints whether the ledger adds up; false where it does not. */
bool backup_totals(pg_t *pg) __attribute__((warn_unused_result));

#endif
