
/*
 * ngx_http_tollgate_json.c owns the JSON of refusals: a problem of RFC 9457,
 * and errors as the APIs of OpenAI and Anthropic have them.
 */


#include "ngx_http_tollgate_deny.h"


/* of the parts that are not texts */

#define NGX_HTTP_TOLLGATE_JSON_FRAME  1024


typedef struct {
    ngx_str_t                        type;
    ngx_str_t                        code;      /* empty: null */
} ngx_http_tollgate_openai_t;


static size_t ngx_http_tollgate_json_size(ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts);
static u_char *ngx_http_tollgate_json_problem(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static u_char *ngx_http_tollgate_json_openai(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static u_char *ngx_http_tollgate_json_anthropic(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static const char *ngx_http_tollgate_json_param(
    ngx_http_tollgate_ctx_t *ctx);
static const char *ngx_http_tollgate_json_anthropic_type(ngx_uint_t status);
static u_char *ngx_http_tollgate_json_message(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);
static u_char *ngx_http_tollgate_json_text(u_char *p, ngx_str_t *text);


typedef u_char *(*ngx_http_tollgate_json_pt)(u_char *p,
    ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts);


/* by tollgate_error_shape */

static ngx_http_tollgate_json_pt  ngx_http_tollgate_json_shapes[] = {
    ngx_http_tollgate_json_problem,
    ngx_http_tollgate_json_openai,
    ngx_http_tollgate_json_anthropic
};


/* what OpenAI calls it, whose clients compare the codes */

#define OPENAI(name, type, code)                                              \
    [NGX_HTTP_TOLLGATE_##name] = { ngx_string(type), ngx_string(code) }

static ngx_http_tollgate_openai_t
    ngx_http_tollgate_json_openais[NGX_HTTP_TOLLGATE_VERDICTS] = {
    OPENAI(KEY_MISSING,       "invalid_request_error", ""),
    OPENAI(KEY_MALFORMED,     "invalid_request_error", "invalid_api_key"),
    OPENAI(LINK_INVALID,      "invalid_request_error", ""),
    OPENAI(LINK_EXPIRED,      "invalid_request_error", ""),
    OPENAI(COST_INVALID,      "invalid_request_error", ""),
    OPENAI(FEATURE_UNKNOWN,   "invalid_request_error", "model_not_found"),
    OPENAI(MODEL_UNKNOWN,     "invalid_request_error", "model_not_found"),
    OPENAI(IDEMPOTENCY_INVALID, "invalid_request_error", ""),
    OPENAI(CONTENT_UNKNOWN,   "invalid_request_error", ""),
    OPENAI(STORE_UNREACHABLE, "server_error",          ""),
    OPENAI(DEADLINE_PASSED,   "server_error",          ""),
    OPENAI(CLIENT_GONE,       "server_error",          ""),
    OPENAI(KEY_UNKNOWN,       "invalid_request_error", "invalid_api_key"),
    OPENAI(KEY_REVOKED,       "invalid_request_error", "invalid_api_key"),
    OPENAI(KEY_EXPIRED,       "invalid_request_error", "invalid_api_key"),
    OPENAI(KEY_PAUSED,        "invalid_request_error", "account_deactivated"),
    OPENAI(ACCOUNT_SUSPENDED, "invalid_request_error", "account_deactivated"),
    OPENAI(ACCOUNT_FROZEN,    "invalid_request_error", "account_deactivated"),
    OPENAI(APP_SUSPENDED,     "invalid_request_error", "account_deactivated"),
    OPENAI(IP_FORBIDDEN,      "invalid_request_error", "ip_not_authorized"),
    OPENAI(SCOPE_MISSING,     "invalid_request_error", "missing_scope"),
    OPENAI(METHOD_FORBIDDEN,  "invalid_request_error", ""),
    OPENAI(PATH_FORBIDDEN,    "invalid_request_error", ""),
    OPENAI(MODEL_FORBIDDEN,   "invalid_request_error", "model_not_found"),
    OPENAI(TIER_REQUIRED,     "invalid_request_error", "model_not_found"),
    OPENAI(IDEMPOTENCY_MISMATCH, "invalid_request_error", ""),
    OPENAI(IDEMPOTENCY_IN_PROGRESS, "invalid_request_error", ""),
    OPENAI(CONCURRENCY_LIMITED, "requests",           "rate_limit_exceeded"),
    OPENAI(CONTENT_LOCKED,    "insufficient_quota",    "insufficient_quota"),
    OPENAI(LINK_REVOKED,      "invalid_request_error", ""),
    OPENAI(DOWNLOADS_EXHAUSTED, "invalid_request_error", ""),
    OPENAI(RATE_LIMITED,      "requests",              "rate_limit_exceeded"),
    OPENAI(QUOTA_EXCEEDED,    "insufficient_quota",    "insufficient_quota"),
    OPENAI(CAP_REACHED,       "insufficient_quota",    "insufficient_quota"),
    OPENAI(CREDITS_EXHAUSTED, "insufficient_quota",    "insufficient_quota")
};


ngx_int_t
ngx_http_tollgate_json(ngx_http_request_t *r, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts, ngx_buf_t *b)
{
    size_t  size;

    size = ngx_http_tollgate_json_size(ctx, facts);

    b->start = ngx_pnalloc(r->pool, size);
    if (b->start == NULL) {
        return NGX_ERROR;
    }

    b->end = b->start + size;
    b->pos = b->start;
    b->last = ngx_http_tollgate_json_shapes[ctx->conf->error_shape](b->pos,
                                                                   ctx, facts);

    return NGX_OK;
}


/* Escaping makes six bytes of one; a text stands in the body at most twice. */

static size_t
ngx_http_tollgate_json_size(ngx_http_tollgate_ctx_t *ctx, ngx_str_t *facts)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_HTTP_TOLLGATE_JSON_FRAME + 12
           * (ngx_http_tollgate_verdicts[ctx->verdict].title.len
              + ngx_http_tollgate_fact_detail(ctx, NGX_HTTP_TOLLGATE_EN)->len);

    for (i = 0; i < NGX_HTTP_TOLLGATE_FACTS; i++) {
        size += sizeof(",\"\":\"\" : .")
                + ngx_http_tollgate_facts[i].member.len
                + ngx_http_tollgate_facts[i].label[NGX_HTTP_TOLLGATE_EN].len
                + 6 * facts[i].len;
    }

    return size;
}


static u_char *
ngx_http_tollgate_json_problem(u_char *p, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    ngx_str_t                    *detail;
    ngx_uint_t                    i;
    ngx_http_tollgate_verdict_t  *v;

    v = &ngx_http_tollgate_verdicts[ctx->verdict];
    detail = ngx_http_tollgate_fact_detail(ctx, NGX_HTTP_TOLLGATE_EN);

    p = ngx_sprintf(p,
                    "{\"type\":\"urn:tollgate:%V\",\"title\":\"%V\","
                    "\"status\":%ui,\"code\":\"%V\",\"detail\":\"",
                    &v->code, &v->title, v->status, &v->code);
    p = ngx_http_tollgate_json_text(p, detail);
    *p++ = '"';

    for (i = 0; i < NGX_HTTP_TOLLGATE_FACTS; i++) {
        if (facts[i].len) {
            p = ngx_sprintf(p, ",\"%V\":\"",
                            &ngx_http_tollgate_facts[i].member);
            p = ngx_http_tollgate_json_text(p, &facts[i]);
            *p++ = '"';
        }
    }

    p = ngx_http_tollgate_limits_violated(p, ctx);

    p = ngx_cpymem(p, ",\"error\":{\"message\":\"",
                   sizeof(",\"error\":{\"message\":\"") - 1);
    p = ngx_http_tollgate_json_text(p, detail);

    return ngx_sprintf(p, "\",\"type\":\"%V\",\"code\":\"%V\",\"param\":%s}}"
                       CRLF, &v->type, &v->code,
                       ngx_http_tollgate_json_param(ctx));
}


static u_char *
ngx_http_tollgate_json_openai(u_char *p, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    ngx_http_tollgate_openai_t  *error;

    error = &ngx_http_tollgate_json_openais[ctx->verdict];

    p = ngx_cpymem(p, "{\"error\":{\"message\":\"",
                   sizeof("{\"error\":{\"message\":\"") - 1);
    p = ngx_http_tollgate_json_message(p, ctx, facts);
    p = ngx_sprintf(p, "\",\"type\":\"%V\",\"param\":%s,\"code\":",
                    &error->type,
                    ngx_http_tollgate_json_param(ctx));

    p = error->code.len ? ngx_sprintf(p, "\"%V\"", &error->code)
                        : ngx_cpymem(p, "null", 4);

    return ngx_cpymem(p, "}}" CRLF, 4);
}


static u_char *
ngx_http_tollgate_json_anthropic(u_char *p, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    p = ngx_sprintf(p, "{\"type\":\"error\",\"error\":{\"type\":\"%s\","
                    "\"message\":\"",
                    ngx_http_tollgate_json_anthropic_type(
                              ngx_http_tollgate_verdicts[ctx->verdict].status));
    p = ngx_http_tollgate_json_message(p, ctx, facts);

    return ngx_sprintf(p, "\"},\"request_id\":\"%V\"}" CRLF,
                       &facts[NGX_HTTP_TOLLGATE_FACT_REQUEST_ID]);
}


/* The argument of the request that is at fault. */

static const char *
ngx_http_tollgate_json_param(ngx_http_tollgate_ctx_t *ctx)
{
    return ctx->verdict == NGX_HTTP_TOLLGATE_MODEL_UNKNOWN
           || ctx->verdict == NGX_HTTP_TOLLGATE_MODEL_FORBIDDEN
           ? "\"model\"" : "null";
}


static const char *
ngx_http_tollgate_json_anthropic_type(ngx_uint_t status)
{
    switch (status) {

    case NGX_HTTP_BAD_REQUEST:
    case NGX_HTTP_CONFLICT:
    case NGX_HTTP_TOLLGATE_UNPROCESSABLE:
        return "invalid_request_error";

    case NGX_HTTP_UNAUTHORIZED:
        return "authentication_error";

    case NGX_HTTP_TOLLGATE_PAYMENT:
        return "billing_error";

    case NGX_HTTP_FORBIDDEN:
        return "permission_error";

    case NGX_HTTP_NOT_FOUND:
        return "not_found_error";

    case NGX_HTTP_TOO_MANY_REQUESTS:
        return "rate_limit_error";

    default:
        return "api_error";
    }
}


/* Shapes that have no members for the facts tell them in a sentence each. */

static u_char *
ngx_http_tollgate_json_message(u_char *p, ngx_http_tollgate_ctx_t *ctx,
    ngx_str_t *facts)
{
    ngx_str_t   *label;
    ngx_uint_t   i;

    p = ngx_http_tollgate_json_text(p,
                   ngx_http_tollgate_fact_detail(ctx, NGX_HTTP_TOLLGATE_EN));

    for (i = NGX_HTTP_TOLLGATE_FACT_PLAN; i < NGX_HTTP_TOLLGATE_FACTS; i++) {
        label = &ngx_http_tollgate_facts[i].label[NGX_HTTP_TOLLGATE_EN];

        if (facts[i].len && label->len) {
            p = ngx_sprintf(p, " %V: ", label);
            p = ngx_http_tollgate_json_text(p, &facts[i]);

            /* a full stop would become a part of the address */

            if (i < NGX_HTTP_TOLLGATE_FACT_UPGRADE_URL) {
                *p++ = '.';
            }
        }
    }

    return p;
}


/*
 * A text may come from the client: it is escaped, and bytes that are no ASCII
 * become "?", for they may be no UTF-8.
 */

static u_char *
ngx_http_tollgate_json_text(u_char *p, ngx_str_t *text)
{
    u_char  *start;

    start = p;
    p = (u_char *) ngx_escape_json(p, text->data, text->len);

    for ( /* void */ ; start < p; start++) {
        if (*start >= 0x7f) {
            *start = '?';
        }
    }

    return p;
}
