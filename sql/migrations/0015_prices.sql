-- Price lists of models: each says what holds from its day on, and none is ever changed.

create table price_list (
    id           bigint primary key check (id > 0),
    effective_at timestamptz not null,
    loaded_at    timestamptz not null,
    source       text
);
comment on table price_list is 'A load of prices. From effective_at on it holds whole, in the place of all lists before it, until a later one does.';

create table model_price (
    list           bigint not null references price_list,
    model          code not null references model,
    unit           text not null check (unit in ('cached_input_token', 'character', 'image', 'input_token',
                                                 'output_token', 'request', 'second')),
    effective_from timestamptz not null,
    effective_to   timestamptz check (effective_to > effective_from),
    provider       code,
    per            bigint not null check (per between 1 and 1000000000),
    credits        bigint not null check (credits between 0 and 9007199254740991),
    tier           smallint references tier,
    cost           bigint check (cost between 0 and 9007199254740991),
    currency       char(3) check (currency ~ '^[A-Z]{3}$'),
    note           text,
    primary key (list, model, unit, effective_from),
    check (unit = 'request' or tier is null),
    check (unit <> 'request' or per = 1),
    check ((cost is null) = (currency is null))
);
comment on table model_price is 'So many micro-credits for so many (per) units of a model, in [effective_from, effective_to), null: without end. cost: what the provider takes for them, in nano-units of its currency. tier: which the model needs then, null: that of the catalog.';

create trigger price_list_insert_only before update or delete or truncate on price_list
    for each statement execute function refuse_change();
create trigger model_price_insert_only before update or delete or truncate on model_price
    for each statement execute function refuse_change();

create view price_period as
with reign as (
    select id, effective_at as starts,
           min(effective_at) over (order by id desc rows between unbounded preceding and 1 preceding) as ends
    from price_list
)
select p.model, p.unit, p.provider, p.per, p.credits, p.tier, p.cost, p.currency, p.note, p.list,
       greatest(p.effective_from, r.starts) as effective_from, least(p.effective_to, r.ends) as effective_to
from model_price p join reign r on r.id = p.list
where greatest(p.effective_from, r.starts) < coalesce(least(p.effective_to, r.ends), 'infinity');
comment on view price_period is 'Each price with the time in which it holds, that of its list: at any moment at most one of a model and unit.';

alter table model
    add column list_credits bigint check (list_credits between 0 and 9007199254740991),
    add column list_tier smallint references tier;
comment on table model is 'A variant of a feature; credits and units null: those of the feature. list_credits, list_tier: the price of a request as of the price list, over the catalog''s own.';

grant insert on price_list, model_price to tollgate_worker;

insert into setting (name, value) values ('credit_value', '0'), ('credit_currency', 'THB');

insert into job (name, every, catch_up, due_at)
values ('prices.apply', interval '1 minute', false, date_trunc('minute', clock_timestamp()));
