
/*
 * ngx_http_tollgate_conf_deny.c owns the values of the directives that say what
 * a client is told: of its limits and of refusals.
 */


#include "ngx_http_tollgate_deny.h"


ngx_conf_enum_t  ngx_http_tollgate_error_shapes[] = {
    { ngx_string("problem"), NGX_HTTP_TOLLGATE_PROBLEM },
    { ngx_string("openai"), NGX_HTTP_TOLLGATE_OPENAI },
    { ngx_string("anthropic"), NGX_HTTP_TOLLGATE_ANTHROPIC },
    { ngx_null_string, 0 }
};


ngx_conf_bitmask_t  ngx_http_tollgate_header_families[] = {
    { ngx_string("ietf"), NGX_HTTP_TOLLGATE_HEADERS_IETF },
    { ngx_string("legacy"), NGX_HTTP_TOLLGATE_HEADERS_LEGACY },
    { ngx_string("openai"), NGX_HTTP_TOLLGATE_HEADERS_OPENAI },
    { ngx_string("anthropic"), NGX_HTTP_TOLLGATE_HEADERS_ANTHROPIC },
    { ngx_string("credits"), NGX_HTTP_TOLLGATE_HEADERS_CREDITS },
    { ngx_string("verdict"), NGX_HTTP_TOLLGATE_HEADERS_VERDICT },
    { ngx_string("off"), NGX_HTTP_TOLLGATE_HEADERS_OFF },
    { ngx_null_string, 0 }
};


/* cmd->post is a table of ngx_conf_bitmask_t, "off" stands alone */

char *
ngx_http_tollgate_conf_headers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_tollgate_loc_conf_t *tlcf = conf;

    ngx_str_t           *value;
    ngx_uint_t           i;
    ngx_conf_bitmask_t  *mask;

    if (tlcf->headers != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    tlcf->headers = 0;
    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        for (mask = cmd->post; mask->name.len; mask++) {
            if (ngx_strcmp(mask->name.data, value[i].data) == 0) {
                tlcf->headers |= mask->mask;
                break;
            }
        }

        if (mask->name.len == 0
            || ((tlcf->headers & NGX_HTTP_TOLLGATE_HEADERS_OFF)
                && cf->args->nelts > 2))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid value \"%V\" in \"%V\" directive, it "
                               "must be any of \"ietf\", \"legacy\", "
                               "\"openai\", \"anthropic\", \"credits\" and "
                               "\"verdict\", or \"off\" alone",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
