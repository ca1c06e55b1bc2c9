#!/usr/bin/perl
# Counters of limits with a name as the books know them, for a wallet that is gone:
# in the windows of now, with what was given back, held and passed for nothing.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Tollgate::Books;

my $b = Tollgate::Books->begin;
# A Wednesday, 2025-06-25 10:00 UTC; the customer's clocks are 7 hours ahead.
my $t0 = 1_750_845_600;
my $key = 'key_0000000001';
now(-30 * 86_400);
my $account = $b->account(1000);
my $seq = 1;

sub now { return $b->sql('select lib.clock_freeze(to_timestamp($1))', $t0 + $_[0]) }
sub limit { return $b->call('account_set_limits', { account => $account, limits => [@_] }) }
sub event {
    my ($kind, $s, $credits, %opt) = @_;
    $b->settle([$kind, $account, ++$seq, $credits, at => $t0 + $s, %opt]) == 1 or fail("$kind at $s: $b->{answer}");
    return;
}

# A usage record of a request that passed, and ended, at a second of this test.
sub used {
    my ($id, $s, %opt) = @_;
    $b->sql(q{insert into usage_event (at, at_ms, host, request_id, account, app, key, feature, verdict, status, credits, units,
            refunded, latency_ms, bytes_in, bytes_out, dry_run, download)
        values (to_timestamp($1), 0, 'h', $2, $3, 'app_0000000001', $4, 'image.generate', $5, 200, $6, 0, $7, $8, 1, 1, $9, $10)},
        $t0 + $s, $id, $account, $opt{key} // $key, $opt{verdict} // 'pass', $opt{credits} // 0, $opt{refunded} // 'false',
        ($opt{took} // 0) * 1000, $opt{dry} // 'false', $opt{download} // 'false');
    return;
}
sub told {
    $b->sql(q{insert into account_event (account, at, type, "limit", percent, max, app, key) values ($1, to_timestamp($2),
        'limit.threshold', $3, $4, $5, 'app_0000000001', $6)}, $account, $t0 + shift, @_);
    return;
}

# By name of the limit: start in seconds of this test, used, told, whose.
sub counters {
    my $fields = decode_json($b->sql('select mirror.wallet_counters($1)', $account) // '{}');
    my %of;
    for my $row ($b->sql('select id, name, meter, max from usage_limit')) {
        my ($id, $name, $meter, $max) = @$row;
        for my $field (grep { /^u:$id(?::|$)/ } keys %$fields) {
            my ($start, $used, $told, $of) = split / /, $fields->{$field};
            is $of, $max, "$field is of its maximum";
            $of{$name} = join ' ', $start ? $start - $t0 : 'ever', $meter eq 'credits' ? $used / 1e6 : $used, $told,
                $field =~ /:.*:(.*)/ ? $1 : ();
        }
    }
    return join ', ', map { "$_=$of{$_}" } sort keys %of;
}

my %calls = (name => 'calls', meter => 'requests', max => 100, window => 'life');
$b->call('account_update', { account => $account, time_zone => 'Asia/Bangkok' });
is counters(), '', 'without limits there are no counters';
limit(map({ { %calls, name => "a-$_", window => $_ } } qw(hour day week month life)),
      { %calls, name => 'birthday', window => 'month', align => 'anniversary' });
is counters(), '', 'and none without requests';

# Midnight was 17 hours ago, Monday began two days before, and the 26th was 30 days ago.
event(charge => $_, 1) for map({ $_ * 3600 } -29 * 24, -20 * 24, -3 * 24, -26, -18, -16), -60, 60;
now(120);
is counters(), 'a-day=-61200 3 0, a-hour=0 1 0, a-life=ever 8 0, a-month=-2134800 7 0, a-week=-234000 5 0, birthday=-2592000 8 0',
    'windows are those of the account';
now(-61_201);
is counters() =~ s/, .*//r, 'a-day=-61200 3 0', 'as the edge counts them, whose clock is ahead';

now(120);
limit(\%calls, { name => 'spent', meter => 'credits', max => '500', window => 'life', thresholds => [10, 50] },
      { name => 'units', meter => 'units', max => 50, window => 'life', per => 'app' },
      { name => 'kind', meter => 'credits', max => '500', window => 'life', feature => 'video.*' },
      { name => 'one', meter => 'requests', max => 50, window => 'life', feature => 'video.make', per => 'key' });
event(charge => 110, 10, id => 'before');
event(refund => 130, 10, id => 'before');
is counters(), '', 'what was used before a limit was made is no part of it, and nor is what of that was given back';

event(charge => 131, 10, feature => 'video.make');
event(charge => 131, 5, feature => 'video.view');
event(charge => 131, 5, feature => 'videos');
event(charge => 131, 0, units => 4);
event(charge => 131, 0, units => 3, id => 'unit');
event(refund => 132, 0, units => 0, id => 'unit');
is counters(), "calls=ever 4 0, kind=ever 15 0, one=ever 1 0 $key, spent=ever 20 0, units=ever 4 0 app_0000000001",
    'by features; units return though their day is over';

event(charge => 140, 7, id => 'kept');
event(charge => 140, 7, id => 'back');
event(refund => 141, 7, id => 'back');
event(charge => 142, 7, id => 'unknown');
event(void => 143, 0, id => 'unknown', items => 0);
$b->sql(q{select ledger.void_resolve('{unknown}')});
event(charge => 144, 7, id => 'command');
$b->sql(q{update charge set key = null, app = null where request_id = 'command'});
like counters(), qr/^calls=ever 5 0.*spent=ever 27 0/, 'what was given back is not used, nor what was charged by a command';

event(hold => 150, 20, id => 'done');
event(commit => 151, 15, id => 'done', hold => 20);
event(waived => 151, 3, id => 'done');
event(hold => 152, 20, id => 'let');
event(release => 153, 20, id => 'let');
event(hold => 154, 20, id => 'late');
event(expired => 155, 20, id => 'late');
event(late => 156, 5, id => 'late');
like counters(), qr/^calls=ever 6 0.*spent=ever 45 0/, 'a hold counts as what it came to, and not where it ran out';
event(hold => 160, 20, id => 'open');
like counters(), qr/^calls=ever 7 0.*spent=ever 65 0/, 'one that lasts as what is held';
now(86_400 + 170);
like counters(), qr/^calls=ever 6 0.*spent=ever 45 0/, 'but not for ever';

used('free', 170);
used('long', 170, took => 100);
used('kept', 170);
used('paid', 170, credits => 5);
used('refused', 170, verdict => 'cap_reached');
used('failed', 170, refunded => 'true');
used('dry', 170, dry => 'true');
used('range', 170, key => 'dl_00000000000000000a');
used('whole', 170, key => 'dl_00000000000000000a', download => 'true');
like counters(), qr/^calls=ever 8 0/, 'what passed for nothing is known by usage records';
$b->sql(q{update usage_event set feature = 'video.make'});
like counters(), qr/one=ever 2 0 $key/, 'a download link is nobody\'s key';

told(171, 'spent', 50, 400_000_000, $key);
told(171, 'one', 80, 50, 'key_0000000002');
like counters(), qr/one=ever 2 0 $key, spent=ever 45 0,/, 'what was told of another maximum or key is told of yet';
told(171, 'spent', 50, 500_000_000, $key);
told(171, 'one', 80, 50, $key);
like counters(), qr/one=ever 2 80 $key, spent=ever 45 50,/, 'of this one it was told';
limit({ %calls, name => 'spent', meter => 'credits', max => '500', window => 'day' });
event(charge => 86_400 + 170, 1);
is counters(), 'spent=25200 1 0', 'not where the window was another';

done_testing;
