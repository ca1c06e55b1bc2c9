/*
 * api_routes.h: every route of the API.
 *
 * ROUTE(method, path, SQL function, who, status) is answered by a function
 * api.f(args jsonb) returns jsonb, and EXPORT as CSV where the argument format
 * says so; HANDLER by one in C.  OPERATOR routes are for the operator,
 * CUSTOMER ones also for an API key and its account, ANYONE for all.
 */
HANDLER("GET",  "/api/health", api_health, ANYONE, 200)
HANDLER("GET",  "/api/doctor", api_doctor, OPERATOR, 200)
HANDLER("GET",  "/api/metrics", api_metrics, OPERATOR, 200)

ROUTE("POST",   "/api/accounts", "api.account_create", OPERATOR, 201)
ROUTE("GET",    "/api/accounts", "api.account_list", OPERATOR, 200)
ROUTE("GET",    "/api/accounts/:account", "api.account_get", OPERATOR, 200)
ROUTE("PUT",    "/api/accounts/:account", "api.account_update", OPERATOR, 200)
ROUTE("PUT",    "/api/accounts/:account/limits", "api.account_set_limits",
      OPERATOR, 200)
ROUTE("PUT",    "/api/accounts/:account/plan", "api.account_set_plan",
      OPERATOR, 200)
ROUTE("PUT",    "/api/accounts/:account/state", "api.account_set_state",
      OPERATOR, 200)
ROUTE("POST",   "/api/accounts/:account/credits", "api.credit_grant",
      OPERATOR, 201)
EXPORT("GET",   "/api/accounts/:account/statement", "api.ledger_statement",
      CUSTOMER, 200)
ROUTE("POST",   "/api/accounts/:account/statements", "api.statement_issue",
      OPERATOR, 201)
ROUTE("GET",    "/api/accounts/:account/statements", "api.statement_list",
      CUSTOMER, 200)
EXPORT("GET",   "/api/statements/:statement", "api.statement_get",
      CUSTOMER, 200)
ROUTE("PUT",    "/api/accounts/:account/credits", "api.credit_set",
      OPERATOR, 202)
ROUTE("GET",    "/api/accounts/:account/grants", "api.grant_list",
      CUSTOMER, 200)
ROUTE("GET",    "/api/grants/:grant", "api.grant_get", CUSTOMER, 200)
ROUTE("DELETE", "/api/grants/:grant", "api.grant_revoke", OPERATOR, 200)
ROUTE("POST",   "/api/accounts/:account/apps", "api.app_create",
      OPERATOR, 201)
ROUTE("GET",    "/api/accounts/:account/apps", "api.app_list", OPERATOR, 200)
ROUTE("PUT",    "/api/apps/:app", "api.app_update", OPERATOR, 200)
ROUTE("POST",   "/api/accounts/:account/unpaid/charge", "api.unpaid_charge",
      OPERATOR, 202)
ROUTE("POST",   "/api/accounts/:account/unpaid/forgive", "api.unpaid_forgive",
      OPERATOR, 200)
ROUTE("GET",    "/api/unpaid", "api.unpaid_list", OPERATOR, 200)
ROUTE("GET",    "/api/requests/:request", "api.request_get", OPERATOR, 200)

ROUTE("POST",   "/api/keys", "api.key_create", OPERATOR, 201)
ROUTE("GET",    "/api/keys", "api.key_list", OPERATOR, 200)
HANDLER("POST", "/api/keys/import", api_import, OPERATOR, 200)
ROUTE("PUT",    "/api/keys/:key", "api.key_update", OPERATOR, 200)
ROUTE("POST",   "/api/keys/:key/pause", "api.key_pause", OPERATOR, 200)
ROUTE("POST",   "/api/keys/:key/resume", "api.key_resume", OPERATOR, 200)
ROUTE("POST",   "/api/keys/:key/reroll", "api.key_reroll", OPERATOR, 201)
ROUTE("DELETE", "/api/keys/:key", "api.key_revoke", OPERATOR, 200)

HANDLER("POST", "/api/downloads", api_download, OPERATOR, 201)
ROUTE("GET",    "/api/downloads", "api.download_list", OPERATOR, 200)
ROUTE("GET",    "/api/downloads/:download", "api.download_get", OPERATOR, 200)
ROUTE("DELETE", "/api/downloads/:download", "api.download_revoke",
      OPERATOR, 200)

ROUTE("GET",    "/api/limits", "api.limit_list", OPERATOR, 200)
ROUTE("PUT",    "/api/limits/:name", "api.limit_put", OPERATOR, 200)
ROUTE("DELETE", "/api/limits/:name", "api.limit_remove", OPERATOR, 200)
ROUTE("GET",    "/api/events", "api.event_list", OPERATOR, 200)

ROUTE("GET",    "/api/plans", "api.plan_list", OPERATOR, 200)
ROUTE("PUT",    "/api/plans/:plan", "api.plan_put", OPERATOR, 200)
ROUTE("GET",    "/api/catalog", "api.catalog_get", OPERATOR, 200)
ROUTE("PUT",    "/api/catalog", "api.catalog_put", OPERATOR, 200)
ROUTE("GET",    "/api/content", "api.content_list", OPERATOR, 200)
ROUTE("PUT",    "/api/content", "api.content_load", OPERATOR, 200)
ROUTE("GET",    "/api/content/:content", "api.content_get", OPERATOR, 200)
ROUTE("PUT",    "/api/content/:content", "api.content_put", OPERATOR, 200)
ROUTE("DELETE", "/api/content/:content", "api.content_remove", OPERATOR, 200)
ROUTE("GET",    "/api/accounts/:account/entitlements", "api.entitlement_list",
      OPERATOR, 200)
ROUTE("POST",   "/api/accounts/:account/entitlements",
      "api.entitlement_create", OPERATOR, 201)
ROUTE("DELETE", "/api/accounts/:account/entitlements/:entitlement",
      "api.entitlement_revoke", OPERATOR, 200)
ROUTE("GET",    "/api/prices", "api.price_list", OPERATOR, 200)
ROUTE("POST",   "/api/prices", "api.price_put", OPERATOR, 200)
ROUTE("POST",   "/api/prices/preview", "api.price_preview", OPERATOR, 200)

ROUTE("GET",    "/api/jobs", "api.job_list", OPERATOR, 200)
ROUTE("POST",   "/api/jobs/:job/run", "api.job_run", OPERATOR, 202)
ROUTE("GET",    "/api/analytics", "api.analytics_show", OPERATOR, 200)
HANDLER("POST", "/api/ledger/catchup", api_catchup, OPERATOR, 200)
HANDLER("GET",  "/api/ledger/verify", api_verify, OPERATOR, 200)
HANDLER("GET",  "/api/ledger/repair", api_repair_plan, OPERATOR, 200)
HANDLER("POST", "/api/ledger/repair", api_repair, OPERATOR, 200)
ROUTE("GET",    "/api/rebuild", "api.rebuild_get", OPERATOR, 200)
ROUTE("POST",   "/api/rebuild", "api.rebuild_start", OPERATOR, 202)
HANDLER("GET",  "/api/leases", api_lease, OPERATOR, 200)
ROUTE("GET",    "/api/audit", "api.audit_list", OPERATOR, 200)
ROUTE("GET",    "/api/audit/roots", "api.audit_roots", OPERATOR, 200)
ROUTE("GET",    "/api/audit/verify", "api.audit_verify", OPERATOR, 200)

ROUTE("GET",    "/api/subscription/plans", "api.subscription_plans",
      CUSTOMER, 200)
ROUTE("GET",    "/api/subscription/status", "api.subscription_status",
      CUSTOMER, 200)
ROUTE("GET",    "/api/quota/status", "api.quota_status", CUSTOMER, 200)
ROUTE("GET",    "/api/apps", "api.apps", CUSTOMER, 200)
ROUTE("GET",    "/api/apps/:appId/models", "api.app_models", CUSTOMER, 200)
