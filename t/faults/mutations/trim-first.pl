# A batch is trimmed from its stream before it is committed
# in worker/settle.c
s/(    fold_begin\(&settle->fold\);\n    do \{\n        settle_fill\()/
    char  was[sizeof(stream->cursor)];

    memcpy(was, stream->cursor, sizeof(was));
    snprintf(stream->cursor, sizeof(was), "%s", to);
    if (!settle_trim(settle, stream, was, n)) {
        return false;
    }
    memcpy(stream->cursor, was, sizeof(was));
$1/
