create or replace function lib.arg_networks(args jsonb, argument text) returns cidr[]
language plpgsql immutable
as $$
declare
    wanted text := 'addresses or networks such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32';
    item text;
    net inet;
    nets cidr[] := '{}';
    texts text[] := lib.arg_list(args, argument,
        '^((0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(/(0|[1-9]\d{0,2}))?$', wanted);
begin
    if texts is null then
        return null;
    end if;

    foreach item in array texts loop
        begin
            net := item::inet;
        exception
            when invalid_text_representation then
                perform lib.invalid(argument, format('a list of at most 32 %s, and "%s" is none', wanted, item));
        end;

        if network(net) <> net then
            perform lib.invalid(argument, format('networks: "%s" has bits set behind its prefix; did you mean %s?',
                                                 item, network(net)));
        end if;

        -- an IPv4 address is that also where it is written as one of IPv6
        if net <<= inet '::ffff:0.0.0.0/96' then
            net := set_masklen(replace(host(net), '::ffff:', '')::inet, masklen(net) - 96);
        end if;
        nets := nets || net::cidr;
    end loop;

    return array(select distinct n from unnest(nets) n order by n);
end $$;
comment on function lib.arg_networks is 'An argument that is a list of networks of IPv4 and IPv6; null where it is absent.';
