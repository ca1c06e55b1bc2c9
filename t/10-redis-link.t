# Download links in the scripts: what counts as a download, is charged and given
# back once, and what a link does that was revoked, is over or used up.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate;
use Tollgate::Gate;

my $t = Tollgate->new;
$t->redis;
my $account = 'Links00001';
my $base = 'tg:{' . Tollgate::shard($account) . "}:d:$account:";
my @keys = (Tollgate::wallet_key($account), Tollgate::ledger_key($account));
my $app = 'app_0000000001';
my ($requests, $commands) = (0, 0);
$t->plan('payg', key_rate => 60_000_000, app_rate => 60_000_000);
$t->wallet($account, avail => 1000);
my $own = $t->key($account);

# A request by a link: id, and what differs from one download for 10 by hour.
sub ask {
    my ($id, %over) = @_;

    my %link = (expires => time + 1000, max => 1, window => 3600, %over);
    return { hash => "dl_$id $app active 0", ip => '0a000001', method => 'GET', cost => 10,
             id => sprintf('%032x', ++$requests), extras => "link=$id:$link{expires}:$link{max}:$link{window}",
             map { $_ => $over{$_} } grep { exists $over{$_} } qw(ip method cost look dry_run) };
}

sub links { return join ' ', map { s/^\Q$base\E//r } sort grep { /^\Q$base\E/ } @{ $t->r('KEYS', '*') } }

sub count { return $t->r('HGET', "$base$_[0]", 'n') // 0 }

sub avail { return $t->r('HGET', $keys[0], 'avail') }

sub told { my ($answer) = @_; return "$answer->{verdict} $answer->{credits}" }

# Gives a request back as the module does.
sub back {
    my ($ask, $answer, $script) = @_;

    return $t->script('void', \@keys, [$account, $ask->{id}, "link:@{[ $ask->{extras} =~ /=(\w+)/ ]}:$ask->{ip}:$ask->{id}"])
        if $script;
    return $t->script('refund', [@keys, "tg:{@{[ Tollgate::shard($account) ]}}:r:$ask->{id}"],
        [$account, $ask->{id}, 1, @{$answer}{qw(key app)}, '-', '-', @{$answer}{qw(credits units day_end month_end)},
         $answer->{ticket} || '-']);
}

my $first = ask('once000001');
my $answer = gate($t, $account, $first);
is "$answer->{key} $answer->{app} @{[ told($answer) ]}", "dl_once000001 $app pass 10", 'a link has its app and the price';
is $answer->{ticket}, "link:once000001:0a000001:$first->{id}", 'and a ticket';
is told(gate($t, $account, ask('once000001'))), 'pass 0', 'the same client goes on, for nothing';
is told(gate($t, $account, ask('once000001', method => 'HEAD'))), 'pass 0', 'and asks what it is';
is told(gate($t, $account, ask('once000001', ip => '0a000002'))), 'downloads_exhausted 0', 'another one is one too many';
is told(gate($t, $account, ask('once000001', ip => '0a000002', method => 'HEAD'))), 'downloads_exhausted 0', 'by HEAD too';
is count('once000001') . ' ' . avail(), '1 990', 'it counted once and was charged once';
is links(), 'once000001 once000001:0a000001', 'in a hash of the link and a mark of the client';
my ($life, $mark) = map { $t->r('TTL', $base . $_) } 'once000001', 'once000001:0a000001';
ok $life > 4500 && $life <= 4600 && $mark > 7100 && $mark <= 7200, "which end: in $life s and $mark s";
ok !grep({ /^t:/ } @{ $t->r('HKEYS', $keys[0]) }), 'rates know nothing of it';

# What leaves nothing behind.
my $before = snapshot($t, $account) . links();
is told(gate($t, $account, ask('new0000001', @$_[0, 1]))), "$$_[2] 0", "@$_" for [method => 'HEAD' => 'pass'],
    [expires => time, 'link_expired'], [expires => time - 1, 'link_expired'];
is told(gate($t, $account, ask('new0000001', cost => 991))), 'credits_exhausted 0', 'without the credits there is no download';
is told(gate($t, $account, ask('new0000001', dry_run => 1))), 'pass 10', 'a dry run is answered as if';
is told(gate($t, $account, { %{ ask('new0000001') }, hash => 'dl_new0000001 app_none active 0' })),
    'app_suspended 0', 'an app that is not there is none';
is snapshot($t, $account) . links(), $before, 'none of these left anything behind';

# One call with many: the first counts; a window that is over begins another.
my @answers = gate($t, $account, map { ask('many000001', max => 2, ip => "0a00000$_") } 1, 1, 2, 1, 3, 2);
is join(', ', map { told($_) } @answers), 'pass 10, pass 0, pass 10, pass 0, downloads_exhausted 0, pass 0',
    'in one call each client counts once';
is count('many000001') . ' ' . avail(), '2 970', 'and is charged once';
my @both = gate($t, $account, ask('many000001', max => 2), { key => $own, cost => 1 }, ask('two0000001'));
is join(', ', map { told($_) } @both), 'pass 0, pass 1, pass 10', 'keys and links of one account go together';
is told(gate($t, $account, { key => $own })), 'rate_limited 0', 'and rates hold up the key alone';
$t->r('SET', "${base}many000001:0a000001", "x @{[ (time - 3601) * 1_000_000 ]}");
is told(gate($t, $account, ask('many000001', max => 3))), 'pass 10', 'past its window a client begins another download';
$t->r('SET', "${base}many000001:0a000001", "x @{[ (time + 86400) * 1_000_000 ]}");
is told(gate($t, $account, ask('many000001', max => 3))), 'pass 0', 'a clock that stepped back begins none';

# Giving back: the count, the mark and the credits, once, and of the first alone.
my $avail = avail();
$first = ask('back000001');
$answer = gate($t, $account, $first);
my $second = ask('back000001');
my $joined = gate($t, $account, $second);
is $joined->{ticket}, '', 'who joins a download holds no ticket';
is back($first, $answer), 1, 'a download that failed is given back';
is back($first, $answer), 0, 'once';
is count('back000001') . ' ' . avail(), "0 $avail", 'its count and its credits';
my $again = ask('back000001');
is told(gate($t, $account, $again)), 'pass 10', 'the next attempt counts and is charged';
$t->script('void', \@keys, [$account, $first->{id}, $answer->{ticket}]);
is count('back000001'), 1, 'what is given back late leaves the download of another request';
back($again, undef, 'void');
is count('back000001') . ' ' . links() =~ s/^.*back000001(\S*).*$/$1/r, '0 ',
    'one whose reply was lost is given back without it';
is told(gate($t, $account, ask('back000001'))), 'pass 10', 'so that the client does not get it for nothing';

# Revocations: of a link that was used, of one that wasn't, and of an unknown end.
sub revoke { return $t->script('apply', \@keys, [$account, ++$commands, 0, 1, 'link', "@_", 0]) }
is revoke('back000001', time + 1000), 1, 'a link is revoked';
is told(gate($t, $account, ask('back000001', max => 0))), 'link_revoked 0', 'and serves nobody, not who had begun';
revoke('unused0001', time + 500);
is told(gate($t, $account, ask('unused0001'))), 'link_revoked 0', 'nor does one that was never used';
cmp_ok $t->r('TTL', "${base}unused0001"), '<=', 500 + 3600, 'which is forgotten when it would be over';
revoke('many000001', 0);
cmp_ok $t->r('TTL', "${base}many000001"), '<=', 4600, 'one that was used is known to end';
revoke('elsewhere1', 0);
cmp_ok $t->r('TTL', "${base}elsewhere1"), '>', 86400 * 3659, 'one of which nothing is known is kept for ten years';
ok !eval { revoke('x y', 1) }, 'what is no link is an error';
--$commands;

# Random clients, failures and revocations against a model.
srand 7;
my ($left, %n, %at, @held) = avail();
my @ids = map { "model00000$_" } 1 .. 4;
for my $turn (1 .. 1500) {
    my ($id, $ip) = ($ids[rand @ids], "0a00000" . int rand 4);
    if (@held && rand() < 0.2) {
        my ($ask, $answer) = @{ splice @held, rand @held, 1 };
        my ($hid) = $ask->{extras} =~ /=(\w+)/;
        back($ask, $answer);
        $left += $answer->{credits};
        ($at{"$hid $ask->{ip}"} // '') eq $ask->{id} and $n{$hid}--, delete $at{"$hid $ask->{ip}"};
        next;
    }
    my $head = rand() < 0.1;
    my $ask = ask($id, max => 3, ip => $ip, $head ? (method => 'HEAD') : ());
    my $answer = gate($t, $account, $ask);
    my $want = $at{"$id $ip"} ? 'pass 0' : ($n{$id} // 0) >= 3 ? 'downloads_exhausted 0' : $head ? 'pass 0' : 'pass 10';
    $want = 'credits_exhausted 0' if $want eq 'pass 10' && $left < 10;
    told($answer) eq $want or fail("turn $turn: $want, not " . told($answer)), last;
    if ($want eq 'pass 10') { $n{$id}++; $at{"$id $ip"} = $ask->{id}; $left -= 10 }
    push @held, [$ask, $answer] if $answer->{verdict} eq 'pass';
}
is avail(), $left, 'after random requests the wallet is the model\'s';
is join(' ', map { count($_) } @ids), join(' ', map { $n{$_} // 0 } @ids), 'and so are the counts';
my @events = events($t, $account);
is "$events[-1]{v} $events[-1]{s}", "$left @{[ scalar @events ]}", 'the register says the same, without a gap';

done_testing;
