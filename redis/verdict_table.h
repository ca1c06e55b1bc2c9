/*
 * verdict_table.h: every outcome of the gate, in the order of decision.
 *
 * VERDICT(NAME, "code", status, "error type", "title").  The code is what
 * gate.lua answers, what $tollgate_verdict shows, what a refusal's body
 * carries and what usage events record.  Status 0: the request goes on.
 * The error type is that of the "error" object which SDKs read.
 */
VERDICT(OFF,               "off",               0,   "",                      "Not gated")
VERDICT(PASS,              "pass",              0,   "",                      "Passed")
VERDICT(PASS_OPEN,         "pass_open",         0,   "",                      "Passed without a decision")
VERDICT(PASS_STALE,        "pass_stale",        0,   "",                      "Passed by an earlier decision")
VERDICT(KEY_MISSING,       "key_missing",       401, "authentication_error",  "No API key")
VERDICT(KEY_MALFORMED,     "key_malformed",     401, "authentication_error",  "Malformed API key")
VERDICT(BODY_INVALID,      "body_invalid",      400, "invalid_request_error", "Invalid body")
VERDICT(COST_INVALID,      "cost_invalid",      400, "invalid_request_error", "Invalid cost")
VERDICT(FEATURE_UNKNOWN,   "feature_unknown",   403, "permission_error",      "Unknown feature")
VERDICT(MODEL_UNKNOWN,     "model_unknown",     403, "permission_error",      "Unknown model")
VERDICT(IDEMPOTENCY_INVALID, "idempotency_invalid", 400, "invalid_request_error", "Invalid Idempotency-Key")
VERDICT(CONTENT_UNKNOWN,   "content_unknown",   404, "invalid_request_error", "Unknown content")
VERDICT(STORE_UNREACHABLE, "store_unreachable", 503, "api_error",             "Temporarily unable to decide")
VERDICT(DEADLINE_PASSED,   "deadline_passed",   503, "api_error",             "Temporarily unable to decide")
VERDICT(CLIENT_GONE,       "client_gone",       499, "api_error",             "Left before the decision")
VERDICT(KEY_UNKNOWN,       "key_unknown",       401, "authentication_error",  "Unknown API key")
VERDICT(KEY_REVOKED,       "key_revoked",       401, "authentication_error",  "Revoked API key")
VERDICT(KEY_EXPIRED,       "key_expired",       401, "authentication_error",  "Expired API key")
VERDICT(KEY_PAUSED,        "key_paused",        403, "permission_error",      "Paused API key")
VERDICT(ACCOUNT_SUSPENDED, "account_suspended", 403, "permission_error",      "Account suspended")
VERDICT(ACCOUNT_FROZEN,    "account_frozen",    403, "permission_error",      "Account frozen")
VERDICT(APP_SUSPENDED,     "app_suspended",     403, "permission_error",      "App suspended")
VERDICT(IP_FORBIDDEN,      "ip_forbidden",      403, "permission_error",      "Address not allowed")
VERDICT(SCOPE_MISSING,     "scope_missing",     403, "permission_error",      "Scope missing")
VERDICT(METHOD_FORBIDDEN,  "method_forbidden",  403, "permission_error",      "Method not allowed")
VERDICT(PATH_FORBIDDEN,    "path_forbidden",    403, "permission_error",      "Path not allowed")
VERDICT(MODEL_FORBIDDEN,   "model_forbidden",   403, "permission_error",      "Model not allowed")
VERDICT(TIER_REQUIRED,     "tier_required",     403, "permission_error",      "Higher plan required")
VERDICT(IDEMPOTENCY_MISMATCH, "idempotency_mismatch", 422, "idempotency_error", "Idempotency-Key of another call")
VERDICT(IDEMPOTENCY_IN_PROGRESS, "idempotency_in_progress", 409, "idempotency_error", "Call in progress")
VERDICT(CONTENT_LOCKED,    "content_locked",    402, "insufficient_quota",    "Content not bought")
VERDICT(CONCURRENCY_LIMITED, "concurrency_limited", 429, "rate_limit_error", "Too many requests at once")
VERDICT(RATE_LIMITED,      "rate_limited",      429, "rate_limit_error",      "Too many requests")
VERDICT(QUOTA_EXCEEDED,    "quota_exceeded",    429, "rate_limit_error",      "Quota exceeded")
VERDICT(CAP_REACHED,       "cap_reached",       429, "rate_limit_error",      "Cap reached")
VERDICT(CREDITS_EXHAUSTED, "credits_exhausted", 402, "insufficient_quota",    "Out of credit")
