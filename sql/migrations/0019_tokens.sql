-- Prices of tokens that hold now, as the gate gets them, and the tokens of requests that were metered.

alter table model
    add column list_input  bigint check (list_input between 0 and 9007199254740991),
    add column list_cached bigint check (list_cached between 0 and 9007199254740991),
    add column list_output bigint check (list_output between 0 and 9007199254740991),
    add check (num_nonnulls(list_input, list_cached, list_output) in (0, 3));
comment on table model is 'A variant of a feature; credits and units null: those of the feature. list_credits, list_tier: the price of a request as of the price list, over the catalog''s own. list_input, list_cached, list_output: micro-credits for a million tokens, null: there is no price.';

alter table usage_event
    add column tokens_input  bigint,
    add column tokens_cached bigint,
    add column tokens_output bigint;
