# Download links from the command line: signed as documented with a secret that
# stays in its file, shown and revoked; and what is refused.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use Encode qw(decode_utf8 encode_utf8);
use Test::More;
use Tollgate;
use Tollgate::Link;

my $t = Tollgate->new;
$t->redis;
$t->postgres;
$t->worker;
my $cli = Cli->new($t, "$t->{dir}/admin.sock");
my $file = "$t->{dir}/link.secret";
my $secret = 'a+secret/of download=links, 0001';
my $rows = sub { $t->sql('select count(*) from downloads') };

# The decoded answer of a command that must succeed.
sub done {
    my $run = $cli->run(@_, '-o', 'json');
    is($run->{status}, 0, "it runs: @_") or diag $run->{err};
    return $run->{json} // {};
}

my $account = done(qw(accounts create Acme))->{id};
my $app = done('apps', 'create', $account, 'Web')->{id};
my @create = ('downloads', 'create', $app);

# Without a secret there is no link, and no row of one; with one there is at once.
sub no_secret {
    my ($name, $error) = @_;
    my $run = $cli->run(@create, '/f');
    is "$run->{status} " . $rows->(), '5 0', "$name: refused, and nothing is made";
    like $run->{err}, qr/^tollgate: .*$error.*\(link_secret_missing\)$/m, 'and says why';
    like $run->{err}, qr/hint: link_secret_file in \[api\] of worker\.ini/, 'and what helps';
    return;
}
no_secret('no file is named', 'no link_secret_file is set');
$t->worker_stop;
$t->worker('api.link_secret_file' => $file);
no_secret('no file is there', "can't be read");
for my $row (['an empty file', ''], ['an empty line first', "\n$secret\n"], ['a line that is too long', 'x' x 300]) {
    $t->spew('link.secret', $row->[1]);
    no_secret($row->[0], "can't be read");
}
for my $row (['a secret of 31 bytes', 'x' x 31 . "\n"], ['a secret of 257 bytes', 'x' x 257 . "\n"]) {
    $t->spew('link.secret', $row->[1]);
    no_secret($row->[0], '32 to 256 bytes');
}
like $t->slurp('worker.log'), qr/link\.secret" must begin with a line of 32 to 256 bytes/, 'the log says it too';
my @secrets = ($secret, 'x' x 256, 'the-next-secret-of-download-links');
for my $first (@secrets) {
    $t->spew('link.secret', "$first\r\n$secret\n");
    my $url = done(@create, '/f')->{url};
    my ($claims) = $url =~ /tg=(.+)\.[\w-]{43}$/;
    is $url, signed($claims, '/f', secret => $first), 'the first line signs';
}

# The test vector of the documentation is what makes this signing the right one.
my ($vector) = $t->slurp("$t->{root}/docs/downloads.md") =~ m{^(/\S+\?tg=1\.\S+)$}m;
is signed('1.3kTq0ZbW9x.0123456789.4fG7hJ2kLm.1893456000.3.3600.-.-', '/files/report 2030.pdf',
    secret => '0123456789abcdef0123456789abcdef'), $vector, 'the documented link is signed as these are compared with';
$t->spew('link.secret', "$secret\n");
for my $row (['/files/report 2030.pdf', ''], ["/\xe0\xb8\x81/a+b%&?#~;=", 'size=large&v=%41'], ['/', 'x'], ['/' . "\xe0\xb8\x81" x 1000, '']) {
    my ($path, $query) = @$row;
    my $link = done(@create, $path, $query ? ('--query', $query) : (), qw(--max-downloads 3 --network 203.0.113.0/24 --window 90s));
    my ($claims) = $link->{url} =~ /tg=(1\.\Q$account\E\.@{[ substr $app, 4 ]}\.@{[ substr $link->{id}, 3 ]}\.\d{10}\.3\.90\.cb007100\/24\.-)\./;
    is $link->{url}, signed($claims // '', $path, secret => $secret, query => $query), 'signed as documented: ' . substr $path, 0, 30;
    is encode_utf8($link->{path}), $path, 'with its path';
    ok !exists $link->{claims}, 'and the token once';
}
# A link expires at so many seconds from now, or at a time.
my $in = done(@create, qw(/f --expires-in 90m));
my ($expires) = $in->{url} =~ /tg=1\.(?:\w+\.){3}(\d+)/;
cmp_ok abs($expires - time - 5400), '<', 30, 'a link that expires in a while';
is done(@create, qw(/f --expires-at), '2027-01-01T00:00:00Z')->{expires_at}, '2027-01-01T00:00:00Z', 'or at a time';

# What a shell gets, and what is told once.
my $run = $cli->run(@create, '/f', '-o', 'name');
like $run->{out}, qr{^/f\?tg=1\.\S+\n\z}, '-o name prints the URL alone';
like $run->{err}, qr/keep the link now/, 'and says that it is not shown again';
my ($id) = map { "dl_$_" } $run->{out} =~ /tg=1\.\w+\.\w+\.(\w+)/;
my ($signature) = $run->{out} =~ /\.([\w-]{43})$/;
like $cli->run(@create, '/f')->{out}, qr{^URL +/f\?tg=1}m, 'a table has it';

my $shown = done('downloads', 'show', $id);
is "$shown->{id} $shown->{path} $shown->{state} $shown->{downloads} @{ $shown->{uses} }", "$id /f active 0 ", 'a link is shown';
is scalar(grep { exists $_->{url} } $shown, @{ done(qw(downloads list --all))->{data} // [] }), 0, 'without its token';
is scalar(split /\n/, $cli->run(qw(downloads list --all --account), $account, '-o', 'name')->{out}), $rows->(), 'all of an account are listed';
is scalar(split /\n/, $cli->run(qw(downloads list --limit 2 --app), $app, '-o', 'name')->{out}), 2, 'or a page of those of an app';
like $cli->run(qw(downloads list))->{out}, qr/^ID +ACCOUNT +APP +STATE +PATH /, 'in a table';
is done('downloads', 'revoke', $id)->{state}, 'revoked', 'a link is revoked';
is done('downloads', 'show', $id)->{state}, 'revoked', 'which is shown';

for my $row (
    [[@create, 'f'], 5, qr/decoded path/], [[@create, '/f/../g'], 5, qr/decoded path/], [[@create, '/f', '--query', 'tg=1'], 5, qr/without "tg"/],
    [[@create, qw(/f --max-downloads 0)], 5, qr/max_downloads/], [[@create, qw(/f --max-downloads many)], 2, qr/max-downloads/],
    [[@create, qw(/f --expires-in soon)], 5, qr/expires_in/], [[@create, qw(/f --network 10.0.0.1/8)], 5, qr/did you mean/],
    [[@create, qw(/f --feature none.such)], 3, qr/hint: tollgate catalog get/], [[@create], 2, qr/PATH/],
    [[qw(downloads create app_none /f)], 3, qr/app_not_found/], [[qw(downloads show dl_none)], 3, qr/hint: tollgate downloads list/],
    [[qw(downloads revoke dl_none)], 3, qr/download_not_found/], [[qw(downloads list --account none)], 3, qr/account_not_found/])
{
    my ($words, $status, $error) = @$row;
    my $count = $rows->();
    my $run = $cli->run(@$words);
    is "$run->{status} " . ($rows->() - $count), "$status 0", "@$words is refused";
    like $run->{err}, $error, 'and says why';
}

# An API key makes none.
my $key = done('keys', 'create', $app)->{key};
my $r = Tollgate::Http::request("$t->{dir}/api.sock", 'POST', '/api/downloads', { Authorization => "Bearer $key" }, '{}');
is "$r->{status} $r->{json}{code}", '403 operator_only', 'links are the operator\'s';

my $dump = join '', map { $t->psql($t->{dsn}, "select * from $_;") } qw(downloads audit_log command);
unlike $dump, qr/\Q$_\E/, 'Postgres has neither secrets nor signatures' for @secrets, $signature;
like $dump, qr/\Q$id\E/, 'but the link';
unlike $t->slurp('worker.log'), qr/\Q$_\E/, 'nor has the log' for @secrets, $signature;

done_testing;
