create or replace function api.price_units() returns text[]
language sql immutable
as $$
    select array['cached_input_token', 'character', 'image', 'input_token', 'output_token', 'request', 'second'];
$$;
comment on function api.price_units is 'What a price can be of, in alphabetical order; a check of model_price has the same.';
