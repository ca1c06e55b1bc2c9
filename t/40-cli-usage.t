# How the command line tool takes its words: mistakes, help, questions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Cli;
use FakeApi;
use Test::More;
use Tollgate;

my $t = Tollgate->new;
my $api = FakeApi->new($t, 'POST /api/accounts/a/credits' => [201, {}],
                       'DELETE /api/keys/key_1' => [200, {}]);
my $cli = Cli->new($t, $api->{socket});
my $list = $t->spew('list.json', '[1]');
my $broken = $t->spew('broken.json', "{\n\"a\": }");
my $twice = $t->spew('twice.json', '{"a": 1, "a": 2}');
my $large = $t->spew('large.json', '{"a":"' . 'x' x (1 << 20) . '"}');

my @mistakes = (
    [[], qr/^Usage: tollgate COMMAND|^tollgate: the operator/m, 'no word'],
    [['keys'], qr/Usage: tollgate keys VERB/, 'a noun alone'],
    [['acounts', 'list'], qr/did you mean "accounts"\?/, 'a mistyped noun'],
    [['xyzzy'], qr/hint: tollgate help lists/, 'an unknown noun'],
    [['keys', 'crate'], qr/did you mean "keys create"\?/, 'a mistyped verb'],
    [['keys', 'list', '--acount', 'a'], qr/did you mean "--account"\?/,
     'a mistyped option'],
    [['keys', 'list', '-z'], qr/unknown option "-z"/, 'an unknown letter'],
    [['keys', 'list', '--note', 'x'], qr/unknown option "--note"/,
     'an option of another command'],
    [['keys', 'create'], qr/APP is missing.*\nUsage: tollgate keys create APP/,
     'a missing argument'],
    [['accounts', 'get', ''], qr{ACCOUNT cannot be ""}, 'an empty id'],
    [['accounts', 'get', '..'], qr{ACCOUNT cannot be}, 'an id that climbs'],
    [['jobs', 'run', 'a', 'b'], qr/unexpected argument "b"/, 'one too many'],
    [['keys', 'list', '--app'], qr/--app needs a value: APP/, 'no value'],
    [['keys', 'create', 'a', '--test=1'], qr/--test takes no value/,
     'a value for a flag'],
    [['jobs', 'list', '-oxml'], qr/-o wants table\|json\|name\|csv/,
     'an unknown format'],
    [['jobs', 'list', '--limit', 'ten'], qr/--limit wants an integer/,
     'a limit that is no number'],
    [['jobs', 'list', '--limit', '0'], qr/--limit wants 1 to/, 'a limit of 0'],
    [['jobs', 'list', '--limit', '9' x 30], qr/--limit wants an integer/,
     'a limit over any integer'],
    [['jobs', 'list', '--limit', '5', '--all'], qr/exclude each other/,
     'a limit and all'],
    [['credits', 'grant', 'a', '1e3'], qr/CREDITS wants a decimal number/,
     'credits in scientific notation'],
    [['credits', 'grant', 'a', '1.'], qr/CREDITS wants/, 'half a decimal'],
    [['credits', 'grant', 'a', "\xff"], qr/CREDITS wants/, 'no UTF-8'],
    [['credits', 'grant', 'a', '1', '--note', "\xff"], qr/UTF-8 text/,
     'a text that is not UTF-8'],
    [['credits', 'grant', 'a', '1', '--idempotency-key', "a\r\nX: y"],
     qr/--idempotency-key wants/, 'a header in an idempotency key'],
    [['accounts', 'set-plan', 'a', 'b', '--auto-renew', 'maybe'],
     qr/--auto-renew wants true or false/, 'a bool that is neither'],
    [['keys', 'list', '--app', 'a', '--app', 'b'], qr/given twice/,
     'an option twice'],
    [['catalog', 'put'], qr/-f FILE is missing/, 'no file where one must be'],
    [['catalog', 'put', '-f', '/nonexistent'], qr{/nonexistent: No such file},
     'a file that is not there'],
    [['catalog', 'put', '-f', $list], qr/must hold a JSON object/, 'an array'],
    [['catalog', 'put', '-f', $broken], qr/broken.json, line 2, column \d+: /,
     'broken JSON'],
    [['catalog', 'put', '-f', $twice], qr/duplicate/, 'a member twice'],
    [['catalog', 'put', '-f', $large], qr/longer than 1048576/, 'over 1 MiB'],
    [['jobs', 'list', '--socket', 's', '--url', 'http://h'], qr/exclude/,
     'a socket and a URL'],
    [['jobs', 'list', '--url', 'http://u:p@h/'], qr/no credentials/,
     'a password in the arguments'],
    [['jobs', 'list', '--url', 'file:///etc/passwd'], qr{wants http://},
     'a URL that is not HTTP'],
    [['jobs', 'list', '--timeout', '0'], qr/--timeout wants/, 'no time'],
    [['completion', 'fish'], qr/no completion for "fish"/, 'another shell'],
);
for my $mistake (@mistakes) {
    my ($words, $says, $what) = @$mistake;
    my $run = $cli->run(@$words);
    is("$run->{status}:$run->{out}", '2:', "$what is wrong usage");
    like($run->{err}, $says, "$what is explained");
}
is(scalar $api->requests, 0, 'wrong usage sends nothing');

# Help comes from the table: every command of the overview has two examples.
my $overview = $cli->run('help')->{out};
my @commands = $overview =~ /^  ([a-z]+(?: [a-z-]+)?)  /mg;
cmp_ok(scalar @commands, '>=', 24, 'help lists the commands');
for my $command (@commands) {
    my $run = $cli->run('help', split / /, $command);
    like($run->{out},
         qr{^Usage:\ tollgate\ \Q$command\E\b.*
            ^Examples:\n(?:\ \ [^\n]*tollgate[^\n]*\n){2}\z}msx,
         "help $command shows usage and two examples");
    is($cli->run(split(/ /, $command), '-h')->{out}, $run->{out},
       "$command -h shows the same");
}
is($cli->run(qw(help keys crate))->{status}, 2, 'help of nothing is a mistake');
like($cli->run('version')->{out}, qr/^tollgate \d+\.\d+\.\d+$/,
     'version prints the version');

my $script = $t->spew('completion', $cli->run(qw(completion bash))->{out}
    . 'COMP_WORDS=(tollgate keys cr); COMP_CWORD=2; _tollgate; '
    . 'echo "${COMPREPLY[@]}"; COMP_WORDS=(tollgate -o json keys create --te);'
    . 'COMP_CWORD=5; _tollgate; echo "${COMPREPLY[@]}"');
is(`bash $script`, "create\n--test\n", 'the completion knows words');

# On a terminal a grant asks; `script` of util-linux plays the terminal.
sub on_terminal {
    my ($answer, $words) = @_;
    my $tool = "$Tollgate::build/tollgate --socket $api->{socket} $words";
    my $shown = `printf '$answer' | script -qec '$tool' /dev/null 2>&1`;
    return ($? >> 8, $shown, scalar $api->requests);
}
my ($status, $shown, $sent) = on_terminal('n\n', 'credits grant a 12.5');
is($status, 1, 'a grant that is not confirmed is a failure');
like($shown, qr{grant 12\.5 credits to account a\? \[y/N\]}, 'it says what');
is($sent, 0, 'and nothing is sent');
is((on_terminal('y\n', 'credits grant a 12.5'))[2], 1, 'yes sends it');
is((on_terminal('', 'credits grant a 12.5 --yes'))[2], 1, '--yes asks nothing');
($status, $shown, $sent) = on_terminal('', 'keys revoke key_1 --no-input');
is("$status $sent", '2 0', '--no-input refuses what would ask');

done_testing;
