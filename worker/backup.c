/*
 * backup.c: writes the database to a file, and checks such files.
 *
 * The file gets its name when it is whole and known to be readable; what was
 * settled at that moment stands in its manifest.
 */

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup.h"
#include "log.h"
#include "loop.h"
#include "version.h"


#define BACKUP_FORMAT  1

struct backup {
    const char  *file;
    char         part[BACKUP_PATH_MAX];
    char         manifest[BACKUP_PATH_MAX];
    char         manifest_part[BACKUP_PATH_MAX];
    int          fd;
    bool         owner;                /* of the parts, which end with it */
    json_t      *facts;
};


/* What lies at a name is somebody's. */
static bool
backup_names(struct backup *backup)
{
    struct stat         found;
    const char *const   names[] = { backup->file, backup->manifest };

    if (strlen(backup->file) + sizeof(".json.part") > BACKUP_PATH_MAX) {
        log_error("the name of the file is too long");
        return false;
    }
    snprintf(backup->part, BACKUP_PATH_MAX, "%s.part", backup->file);
    snprintf(backup->manifest, BACKUP_PATH_MAX, "%s.json", backup->file);
    snprintf(backup->manifest_part, BACKUP_PATH_MAX, "%s.json.part",
             backup->file);

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (lstat(names[i], &found) == 0) {
            log_error("\"%s\" exists", names[i]);
            log_hint("a backup replaces nothing; give it another name");
            return false;
        }
    }

    return true;
}


static bool
backup_open(struct backup *backup)
{
    backup->fd = open(backup->part,
                      O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (backup->fd == -1) {
        log_error("open \"%s\" failed: %m", backup->part);
        return false;
    }
    if (flock(backup->fd, LOCK_EX | LOCK_NB) == -1) {
        log_error("\"%s\" is being written", backup->part);
        log_hint("another backup of that name runs");
        return false;
    }
    backup->owner = true;
    if (ftruncate(backup->fd, 0) == -1) {
        log_error("empty \"%s\" failed: %m", backup->part);
        return false;
    }

    return true;
}


/* The cursors of the snapshot that is dumped. */
static bool
backup_cursors(struct backup *backup, pg_t *pg)
{
    json_t     *cursors = json_object();
    PG_RESULT result = pg_call(pg, "ledger.cursors", 0, NULL);

    if (result == NULL) {
        log_error("read the cursors failed: %s", pg_error(pg)->message);
        json_decref(cursors);
        return false;
    }
    for (int row = 0; row < pg_rows(result); row++) {
        json_object_set_new(cursors, pg_value(result, row, 0),
                            json_string(pg_value(result, row, 1)));
    }
    json_object_set_new(backup->facts, "cursors", cursors);

    return true;
}


static bool
backup_dump(struct backup *backup, pg_t *pg)
{
    char         snapshot[64];
    const char  *dump[] = { "pg_dump", "--no-password", "--format=custom",
                            "--snapshot", snapshot, NULL };
    const char  *list[] = { "pg_restore", "--list", "--", backup->part,
                            NULL };

    if (!pg_begin_snapshot(pg)) {
        log_error("begin failed: %s", pg_error(pg)->message);
        return false;
    }

    PG_RESULT exported = pg_call(pg, "pg_export_snapshot", 0, NULL);

    if (exported == NULL) {
        log_error("export a snapshot failed: %s", pg_error(pg)->message);
        return false;
    }
    snprintf(snapshot, sizeof(snapshot), "%s", pg_value(exported, 0, 0));

    if (!backup_cursors(backup, pg) || !backup_tool(dump, backup->fd)) {
        return false;
    }
    if (fsync(backup->fd) == -1) {
        log_error("write \"%s\" failed: %m", backup->part);
        return false;
    }

    return backup_tool(list, -1);
}


static bool
backup_sync_directory(const char *file)
{
    int   fd;
    bool  ok;
    char  copy[BACKUP_PATH_MAX];

    snprintf(copy, sizeof(copy), "%s", file);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = fd != -1 && fsync(fd) == 0;
    if (fd != -1) {
        close(fd);
    }

    return ok;
}


static bool
backup_write_manifest(struct backup *backup)
{
    int   fd;
    bool  ok;

    fd = open(backup->manifest_part,
              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    ok = fd != -1
         && json_dumpfd(backup->facts, fd, JSON_INDENT(2) | JSON_SORT_KEYS)
            == 0
         && fsync(fd) == 0;
    if (!ok) {
        log_error("write \"%s\" failed: %m", backup->manifest_part);
    }
    if (fd != -1) {
        close(fd);
    }

    return ok;
}


/* The manifest comes first, so that the file is never without it. */
static bool
backup_name(const struct backup *backup)
{
    if (link(backup->manifest_part, backup->manifest) == -1) {
        log_error("make \"%s\" failed: %m", backup->manifest);
        return false;
    }
    if (link(backup->part, backup->file) == -1) {
        log_error("make \"%s\" failed: %m", backup->file);
        unlink(backup->manifest);
        return false;
    }
    if (!backup_sync_directory(backup->file)) {
        log_error("sync the directory of \"%s\" failed: %m", backup->file);
        return false;
    }

    return true;
}


static bool
backup_finish(struct backup *backup)
{
    char          sha256[BACKUP_SHA_SIZE], at[32];
    time_t        now = time(NULL);
    struct tm     utc;
    struct stat   size;

    if (fstat(backup->fd, &size) == -1) {
        log_error("stat \"%s\" failed: %m", backup->part);
        return false;
    }
    if (!backup_sha256(backup->part, sha256)) {
        return false;
    }
    strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    json_object_set_new(backup->facts, "format", json_integer(BACKUP_FORMAT));
    json_object_set_new(backup->facts, "version",
                        json_string(TOLLGATE_VERSION));
    json_object_set_new(backup->facts, "at", json_string(at));
    json_object_set_new(backup->facts, "size", json_integer(size.st_size));
    json_object_set_new(backup->facts, "sha256", json_string(sha256));

    return backup_write_manifest(backup) && backup_name(backup);
}


static void
backup_tell(const struct backup *backup, int64_t began_ms)
{
    json_t      *cursor;
    const char  *stream, *newest = NULL;
    long long    ms, newest_ms = 0;

    json_object_foreach(json_object_get(backup->facts, "cursors"), stream,
                        cursor)
    {
        ms = strtoll(json_string_value(cursor), NULL, 10);
        if (ms > newest_ms) {
            newest = stream;
            newest_ms = ms;
        }
    }

    printf("%s: %" JSON_INTEGER_FORMAT " bytes in %.1f s\n", backup->file,
           json_integer_value(json_object_get(backup->facts, "size")),
           (double) (loop_now_ms() - began_ms) / 1000);
    printf("%zu streams, settled up to %s%s%s\n",
           json_object_size(json_object_get(backup->facts, "cursors")),
           newest == NULL ? "nothing" : json_string_value(json_object_get(
               json_object_get(backup->facts, "cursors"), newest)),
           newest == NULL ? "" : " of ", newest == NULL ? "" : newest);
    printf("manifest: %s\n", backup->manifest);
}


bool
backup_make(const struct conf *conf, const char *file)
{
    bool            ok;
    pg_t           *pg;
    int64_t         began_ms = loop_now_ms();
    struct backup   backup = { .file = file, .fd = -1,
                               .facts = json_object() };

    if (!backup_begin(conf)) {
        json_decref(backup.facts);
        return false;
    }

    /* the snapshot is held while it is dumped, however long that takes */
    pg = pg_new(conf->postgres_dsn, "backup", NULL, 0);
    ok = backup_names(&backup) && backup_open(&backup) && pg_ready(pg)
         && backup_dump(&backup, pg) && !backup_asked()
         && backup_finish(&backup);
    if (ok) {
        backup_tell(&backup, began_ms);
    }

    if (backup.owner) {
        unlink(backup.part);
        unlink(backup.manifest_part);
    }
    if (backup.fd != -1) {
        close(backup.fd);
    }
    pg_rollback(pg);
    pg_free(pg);
    json_decref(backup.facts);

    return ok;
}


json_t *
backup_manifest(const char *file)
{
    char           name[BACKUP_PATH_MAX], sha256[BACKUP_SHA_SIZE];
    json_t        *manifest;
    const char    *told;
    json_error_t   error;

    snprintf(name, sizeof(name), "%s.json", file);
    manifest = json_load_file(name, 0, &error);
    told = json_string_value(json_object_get(manifest, "sha256"));

    if (told == NULL
        || json_integer_value(json_object_get(manifest, "format"))
           != BACKUP_FORMAT)
    {
        log_error("\"%s\" is no manifest of a backup: %s", name, manifest == NULL
                  ? error.text : "it is of another form");
        log_hint("tollgate backup writes one beside each file; keep them "
                 "together");
        json_decref(manifest);
        return NULL;
    }
    if (!backup_sha256(file, sha256)) {
        json_decref(manifest);
        return NULL;
    }
    if (strcmp(sha256, told) != 0) {
        log_error("\"%s\" is not what was written: its SHA-256 is %s, and %s "
                  "in the manifest", file, sha256, told);
        log_hint("take another copy of it, or another backup");
        json_decref(manifest);
        return NULL;
    }

    return manifest;
}
