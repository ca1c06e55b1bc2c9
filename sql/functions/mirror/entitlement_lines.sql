create or replace function mirror.entitlement_lines(account text, content text) returns text
language sql stable
set search_path = public, pg_temp
as $$
    select string_agg(format('%s %s %s %s', e.id, coalesce(ceil(extract(epoch from e.until))::bigint, 0),
                             coalesce(e.views, -1), e.span), e'\n' order by e.id)
    from entitlement e
    where e.account = entitlement_lines.account and e.content = entitlement_lines.content
      and e.state in ('pending', 'active');
$$;
comment on function mirror.entitlement_lines is 'What an account is entitled to of a piece of content or a bundle, as the gate reads it, null for nothing.';
