#!/usr/bin/perl
# Download links from the operator to the edge and back: one works the instant
# that it is made, what is downloaded is charged and counted once, and a
# revocation takes effect within a second.

use strict;
use warnings;

use lib 't/lib';
use Cli;
use Test::More;
use Time::HiRes qw(time);
use Tollgate::Link;
use Tollgate::Story;

my $secrets = secret_file();
my $t = Tollgate::Story->begin(worker => { 'api.link_secret_file' => "$secrets" }, conf => <<"CONF");
        set_real_ip_from unix:;
        real_ip_header X-Real-IP;
        tollgate_link_secret $secrets;
        location /files/ {
            tollgate on;
            tollgate_link on;
            tollgate_feature file.download;
            alias %%DIR%%/files/;
        }
CONF
mkdir "$t->{dir}/files";
my $bytes = join '', map { sprintf "%09d\n", $_ } 0 .. 9_999;
$t->spew('files/big file.bin', $bytes);
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my $c = $t->customer(credits => 10_000);

sub made {
    my $run = $cli->run('downloads', 'create', $c->{app}, '/files/big file.bin', @_, '-o', 'json');
    is $run->{status}, 0, 'a link is made' or diag $run->{err};
    return $run->{json};
}
sub got {
    my ($url, $ip, %headers) = @_;
    return $t->request('GET', $url, { 'X-Real-IP' => $ip // '203.0.113.1', %headers });
}
sub code { my $r = got(@_); return $r->{json}{code} // $r->{status} }
sub shown { return $cli->run('downloads', 'show', $_[0]{id}, '-o', 'json')->{json} }

# The price of a download is in the demo's catalog.
my $price = 20;
my $link = made(qw(--max-downloads 2 --network 203.0.113.0/24));
my $r = got($link->{url});
is $r->{status}, 200, 'a link works the instant that it is made';
ok $r->{body} eq $bytes, 'and serves the whole file';

# A download manager in parallel, and one that broke off.
my @parts = $t->parallel(map {
    ['GET', $link->{url}, { 'X-Real-IP' => '203.0.113.1', Range => sprintf('bytes=%d-%d', $_ * 12_500, $_ * 12_500 + 12_499) }]
} 0 .. 7);
is join('', map { $_->{status} } @parts), '206' x 8, 'eight ranges at once';
ok join('', map { $_->{body} } @parts) eq $bytes, 'are the file';
is code($link->{url}, '203.0.113.1', Range => 'bytes=99990-'), 206, 'what was missed is asked for again';
is code($link->{url}, '203.0.113.1', Range => 'bytes=100000-'), 416, 'and too much of it';
my @second = $t->parallel(map { ['GET', $link->{url}, { 'X-Real-IP' => '203.0.113.2' }] } 1 .. 8);
is join('', map { $_->{status} } @second), '200' x 8, 'another client is another download';
is code($link->{url}, '203.0.113.3'), 'downloads_exhausted', 'of a third none is left';
is code($link->{url}, '198.51.100.1'), 'ip_forbidden', 'nor for one from elsewhere';
is code($link->{url} =~ s/big/bag/r), 'link_invalid', 'nor for another file';

# The books.
$t->settled;
is $t->balance($c), 10_000 - 2 * $price, 'two downloads are charged, each once';
my $row;
$t->wait_for(sub { ($row = shown($link))->{requests} == 19 }, 'its usage records');
is "$row->{state} $row->{downloads} $row->{requests}", 'exhausted 2 19', 'and counted once';
is $t->sql('select count(*) from usage_event where key = $1 and download', $link->{id}), 2, 'by one request each';
is scalar @{ $row->{uses} }, 20, 'the last of which are shown';
cmp_ok $row->{bytes_sent}, '>', 10 * length $bytes, 'with all that was sent';
my $spent = 0;
$spent += $_->{amount} for grep { $_->{description} eq 'file.download' }
    @{ $t->must('GET', "/api/accounts/$c->{account}/statement")->{data} };
is $spent, -2 * $price, 'which the statement tells';

# How long a link still serves after the API has said that it is revoked.
my @late;
for my $i (1 .. 5) {
    my $link = made();
    is code($link->{url}), 200, 'it serves';
    is $t->must('DELETE', "/api/downloads/$link->{id}")->{state}, 'revoked', 'until it is revoked';
    my $from = time;
    my $until = $from;
    while (time < $from + 10) {
        my $sent = time;
        last if code($link->{url}) eq 'link_revoked';
        $until = $sent;
    }
    push @late, $until - $from;
    is code($link->{url}, "203.0.113.$i"), 'link_revoked', 'for all';
}
my ($worst) = sort { $b <=> $a } @late;
cmp_ok $worst, '<', 1, 'within a second';
diag sprintf 'the slowest of %d revocations took %.0f ms', scalar @late, $worst * 1000;

# One that was never used, and one that is revoked while the worker is down.
my ($unused, $late) = (made(), made());
$t->must('DELETE', "/api/downloads/$unused->{id}");
$t->mirrored;
is code($unused->{url}), 'link_revoked', 'a link is revoked before its first use';
$t->worker_stop;
$t->sql(q{select api.download_revoke(jsonb_build_object('download', $1))}, $late->{id});
is code($late->{url}), 200, 'without a worker the edge does not hear of it';
$t->worker_start;
$t->mirrored;
is code($late->{url}), 'link_revoked', 'it does as soon as there is one';

# The first line of the secret file signs, from the moment that it is there.
my $old = made();
open my $file, '>', "$secrets" or die "$secrets: $!\n";
print {$file} "the-next-secret-of-download-links-1\n$Tollgate::Link::SECRET\n";
close $file;
my $new = made();
is code($new->{url}), 'link_invalid', 'nginx takes no secret that it has not read';
is code($old->{url}), 200, 'and those that it has';

$t->settled;
is $t->balance($c), 10_000 - 9 * $price, 'all of it is charged once';
ok $t->verified->{ok}, 'edge and ledger agree';

done_testing;
