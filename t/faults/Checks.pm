package Checks;

# The invariants of the design, asserted by direct reads of Redis and Postgres when
# everything is at rest.  Each returns complaints.

use strict;
use warnings;

use JSON::PP ();

# What must hold whatever happened: name => [SQL whose rows are breaches].
my @NEVER = (
    ['entries of a transaction sum to zero', q{
        select e.txn::text || ' ' || a.asset, sum(e.amount)
        from ledger_entry e join ledger_account a on a.id = e.ledger_account
        group by e.txn, a.asset having sum(e.amount) <> 0}],
    ['the ledger sums to zero', q{
        select a.asset, sum(e.amount)
        from ledger_entry e join ledger_account a on a.id = e.ledger_account
        group by a.asset having sum(e.amount) <> 0}],
    ['a wallet equals its entries', q{
        select a.account, b.balance || ', entries ' || coalesce(sum(e.amount), 0)
        from ledger_account a
        join ledger_balance b on b.ledger_account = a.id
        left join ledger_entry e on e.ledger_account = a.id
        where a.kind = 'wallet'
        group by a.account, b.balance having b.balance <> coalesce(sum(e.amount), 0)}],
    ['a wallet equals its grants', q{
        select a.account, b.balance || ', grants ' || coalesce(sum(g.remaining), 0)
        from ledger_account a
        join ledger_balance b on b.ledger_account = a.id
        left join credit_grant g on g.account = a.account
        where a.kind = 'wallet'
        group by a.account, b.balance having b.balance <> coalesce(sum(g.remaining), 0)}],
    ['a grant has what its entries leave', q{
        select g.id, g.remaining || ', entries ' || sum(e.amount)
        from credit_grant g
        join ledger_entry e on e.credit_grant = g.id
        join ledger_account a on a.id = e.ledger_account and a.kind = 'wallet'
        group by g.id, g.remaining having sum(e.amount) <> g.remaining}],
    ['nothing lapses before its end', q{
        select id, lapsed from credit_grant
        where lapsed > 0 and coalesce(expires_at, 'infinity') > clock_timestamp()}],
    ['breakage is what lapsed', q{
        select 'breakage ' || b.amount, 'lapsed ' || l.lapsed
        from (select coalesce(sum(lapsed), 0) as lapsed from credit_grant) l,
             (select coalesce(sum(e.amount), 0) as amount from ledger_entry e
              join ledger_account a on a.id = e.ledger_account
              where a.kind = 'breakage') b
        where b.amount <> l.lapsed}],
    ['nothing is posted twice of a request', q{
        select account || ' ' || request_id, kind || ' ' || count(*)
        from charge where kind in ('charge', 'commit', 'late', 'refund', 'void')
        group by account, request_id, kind having count(*) > 1}],
    ['an event has one place in the register', q{
        select account || ' ' || epoch || ' ' || seq, count(distinct kind)
        from charge where kind <> 'void'
        group by account, epoch, seq having count(distinct kind) > 1}],
    ['no more is given back than was charged', q{
        select account || ' ' || request_id, sum(case when kind in ('refund', 'void') then -credits
               when kind in ('charge', 'commit', 'late') then credits else 0 end)
        from charge group by account, request_id
        having sum(case when kind in ('refund', 'void') then -credits
               when kind in ('charge', 'commit', 'late') then credits else 0 end) < 0}],
    ['a hold ends once', q{
        select account || ' ' || request_id, string_agg(kind, ' ')
        from charge where kind in ('hold', 'commit', 'release', 'expired')
        group by account, request_id
        having count(*) filter (where kind = 'hold') > 0
           and count(*) filter (where kind <> 'hold') <> 1}],
    ['no event is in suspense', q{
        select coalesce(s.account, '-'), count(*) from suspense_event s
        where not exists (select from recovery r where r.id = s.recovery and r.done_at is not null)
        group by s.account}],
    ['no account is frozen', q{select id, state from account where state = 'frozen'}],
    ['nobody raised an alarm', q{select kind, detail::text from alert
        where kind not in ('charges_lost', 'redis_lost') or not exists (select from recovery)}],
    ['every recovery is done', q{select account, reason from recovery where done_at is null}],
    ['commands are applied in order', q{
        select account, no from command where applied_at is null}],
);

sub never {
    my ($t) = @_;

    return map {
        my ($name, $sql) = @$_;
        map { "not so: $name: " . join ' ', map { $_ // 'null' } @$_ } $t->sql($sql);
    } @NEVER;
}

# What was given to accounts to make good a loss of Redis: { account => micro }.
sub made_good {
    my ($t) = @_;

    return { map { @$_ } $t->sql('select account, sum(short) from recovery
                                  group by account having sum(short) <> 0') };
}

# What single requests cost by the books: { account => { id => [credits, units] } }.
sub books {
    my ($t) = @_;

    my %books;
    $books{ $_->[0] }{ $_->[1] } = [@$_[2, 3]] for $t->sql(q{
        select account, request_id,
               sum(case when kind in ('charge', 'commit', 'late') then credits
                        when kind in ('refund', 'void') then -credits else 0 end),
               sum(case kind when 'charge' then units when 'refund' then -units
                        when 'void' then -units else 0 end)
        from charge group by account, request_id});

    return \%books;
}

# What lapsed, and what is left for any feature: { account => [micro, micro] }.
sub lapsed {
    my ($t) = @_;

    return { map { $_->[0] => [@$_[1, 2]] } $t->sql(q{
        select account, sum(lapsed),
               coalesce(sum(remaining) filter (where features = '{}'), 0)
        from credit_grant group by account}) };
}

# What the API tells of a request whose answer was lost, where its record did not die
# with nginx.
sub looked_up {
    my ($t, $id, $booked, $killed) = @_;

    my ($status, $told) = $t->api('GET', "/api/requests/$id");
    return $killed ? () : "GET /api/requests/$id: $status" if $status != 200;

    my %sign = (charge => 1, commit => 1, late => 1, refund => -1, void => -1);
    my ($credits, $units) = (0, 0);
    for my $entry (@{ $told->{ledger} }) {
        my $sign = $sign{ $entry->{kind} } // 0;
        $credits += $sign * Oracle::micro($entry->{credits});
        $units += $sign * $entry->{units};
    }

    return "$credits $units" eq "@$booked" ? ()
        : "GET /api/requests/$id tells $credits $units, and the books have @$booked";
}

# Edge, ledger, API and oracle have the same of a customer.
sub agree {
    my ($t, $oracle, $c) = @_;

    my $account = $c->{account};
    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($account)) };
    my ($seq, $epoch) = @{ ($t->sql('select last_seq, epoch from account_cursor
                                     where account = $1', $account))[0] };
    my $balance = $oracle->balance($account);
    my $told = $t->must('GET', "/api/accounts/$account")->{balance};
    my $units = $oracle->account($account)->{units};
    my $used = $t->sql(q{select coalesce(sum(used), 0) from quota_usage
        where account = $1 and "window" = 'day'}, $account);

    my @same = (
        ['the balance of the API', Oracle::micro($told), $balance],
        ['the wallet', $wallet{avail} + $wallet{held}, $balance],
        ['what is held', $wallet{held}, 0],
        ['the last event settled', "$epoch:$seq", "$wallet{epoch}:$wallet{seq}"],
        ['units in the books', $used, $units],
        # counters of the edge may come back a little behind or ahead
        $t->{lost_ever} || @{ $t->{lost} // [] } ? () : (
        ['units of the day at the edge', $wallet{day_used} // 0, $units],
        ['units of the month at the edge', $wallet{month_used} // 0, $units]),
    );

    return map { "$_->[0]: $_->[1], and it has to be $_->[2]" }
        grep { $_->[1] ne $_->[2] } @same;
}

# A counter of a limit has what passed; a lost answer may count for more, never for
# less, and it is never above its maximum.
sub counters {
    my ($t, $oracle, $c) = @_;

    my $account = $oracle->account($c->{account});
    my %wallet = @{ $t->r('HGETALL', Tollgate::wallet_key($c->{account})) };
    my ($limit) = grep { $_->{meter} eq 'credits' }
        @{ $Plan::customers{ $c->{name} }{limits} // [] };
    return if !$limit || $t->{lost_ever} || @{ $t->{lost} // [] };

    my ($used) = map { (split ' ', $wallet{$_})[1] } grep { /^u:/ } keys %wallet;
    my $max = Oracle::micro($limit->{max});

    return (($used // 0) < $account->{spent}
        || !$account->{lost} && ($used // 0) > $account->{spent}
        || $account->{spent} > $max)
        ? "limit $limit->{name}: $used used of $max, and $account->{spent} spent" : ();
}

# The proof of the product itself.
sub verified {
    my ($t) = @_;

    my $proof = $t->must('GET', '/api/ledger/verify');

    return $proof->{ok} ? ()
        : 'ledger verify: ' . JSON::PP->new->canonical->encode($proof);
}

1;
