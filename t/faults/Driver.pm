package Driver;

# A run: rounds of traffic with faults in between, and what it found after each.

use strict;
use warnings;

use Time::HiRes ();

use Checks;
use Client;
use Faults;
use Oracle;
use Plan;
use Random;
use Tamper;
use World;

my $AT_ONCE = 12;           # requests
my $PACE_S = 0.25;          # to wait for one to end before the next is sent
my $STEPS = 300;            # a round

# Options: seed, rounds, seconds (no round begins later), say and trace (print a line).
# Of six rounds two are with one Redis, two with leases, and the last with sentinels.
sub run {
    my (%opt) = @_;

    my $self = bless { %opt, grants => 0, faults => {}, requests => {},
        differences => 0, sent => 0, over => Time::HiRes::time() + $opt{seconds} },
        __PACKAGE__;
    my $rounds = $opt{rounds};
    my ($alone, $leases) = (int(($rounds + 2) / 3), int(($rounds * 2 + 1) / 3));

    $self->world('one', 0, 1 .. $alone);
    $self->world('one', 1, $alone + 1 .. $leases);
    $self->world('sentinel', 0, $leases + 1 .. $rounds);

    return $self;
}

sub goes_on {
    return !$_[0]{differences} && Time::HiRes::time() < $_[0]{over};
}

# Rounds in one world, and its end.
sub world {
    my ($self, $store, $leases, @rounds) = @_;

    return if !@rounds || !$self->goes_on;
    my $t = World->begin($store, $leases);
    @$self{qw(t store leases client oracle later)} =
        ($t, $store, $leases, Client->new, Oracle->new, []);
    $self->{oracle}->granted($_->{account},
        Oracle::micro($Plan::customers{ $_->{name} }{credits}))
        for values %{ $t->{who} };

    for my $round (@rounds) {
        $self->round($round) if $self->goes_on;
    }
    $self->tamper unless $self->{differences};
    $self->differ('all', undef, map { "a log has: $_" } $t->finish);

    return;
}

sub round {
    my ($self, $round) = @_;

    my $random = Random->new($self->{seed} * 1000 + $round);
    my @steps = Plan::round($random, steps => $STEPS,
                            faults => Faults::for_store($self->{store}));
    my $began = Time::HiRes::time();

    for my $step (@steps) {
        $step->{fault} ? $self->inject($step->{fault})
            : $step->{heal} ? $self->mend($step->{heal})
            : $self->act($step);
    }
    my @wrong = $self->drain;
    push @wrong, $self->{t}->at_rest unless @wrong;
    @wrong ? $self->differ($round, undef, @wrong) : $self->look($round);
    $self->{say}->(sprintf 'round %d (%s): %.1f s, %d faults, %d requests%s',
        $round, $self->{leases} ? 'leases' : $self->{store}, Time::HiRes::time() - $began,
        scalar(grep { $_->{fault} } @steps), $self->{sent},
        $self->{differences} ? ", $self->{differences} differences" : '');

    return;
}

# --- faults -------------------------------------------------------------------

sub inject {
    my ($self, $name) = @_;

    $self->{faults}{$name}++;
    $self->{trace}->("fault $name") if $self->{trace};
    $Faults::table{$name}{break}->($self->{t});

    return;
}

sub mend {
    my ($self, $name) = @_;

    my $mend = $Faults::table{$name}{mend};
    $self->{trace}->("mended $name") if $self->{trace};
    $mend->($self->{t}) if $mend;

    return;
}

# --- traffic ------------------------------------------------------------------

my %path = (
    burst => sub { ('/cost', cost => credits($_[0]{price})) },
    cost => sub { ('/cost', cost => credits($_[0]{price})) },
    feature => sub { ('/feature', feature => $_[0]{feature}) },
    hold => sub { ('/hold', hold => credits($_[0]{held}),
                   actual => credits($_[0]{actual})) },
    idem => sub { ('/idem', cost => credits($_[0]{price}),
                   call => $_[0]{call}) },
    meter => sub { ('/meter', hold => credits($_[0]{held}),
                    tokens => join ',', @{ $_[0]{tokens} }) },
);

sub credits { return Random::credits($_[0]) }

# A step that is no fault: a request at the gate, or a call of the operator.
sub act {
    my ($self, $step) = @_;

    my $c = $self->{t}{who}{ $step->{who} };
    if ($path{ $step->{does} }) {
        $self->pace;
        $self->ask($c, $step, $c->{keys}[-1]) for 1 .. $step->{many} // 1;
    } else {
        push @{ $c->{calls} }, $step;
        $self->operate($c);
    }
    $self->turn(0);

    return;
}

# Waits until fewer are under way, but not for long, for what holds them up may be a
# fault that a later step mends.
sub pace {
    my ($self) = @_;

    my $until = Time::HiRes::time() + $PACE_S;
    $self->turn(0.005) while $self->{client}->flying >= $AT_ONCE
        && Time::HiRes::time() < $until;

    return;
}

sub turn {
    my ($self, $seconds) = @_;

    $self->{client}->turn($seconds);
    my $now = Time::HiRes::time();
    my @due = grep { $_->[0] <= $now } @{ $self->{later} };
    $self->{later} = [grep { $_->[0] > $now } @{ $self->{later} }];
    $_->[1]->() for @due;

    return;
}

sub ask {
    my ($self, $c, $step, $key) = @_;

    my ($path, %args) = $path{ $step->{does} }->($step);
    @args{qw(status how delay)} = @$step{qw(status how delay)};
    my $query = join '&', map { "$_=$args{$_}" } sort keys %args;
    my $request = { %$step, to => "$self->{t}{dir}/nginx.sock", method => 'GET',
        path => "$path?$query", counted => scalar $c->{name} =~ /^(?:busy|mixed|quota)$/,
        headers => { Authorization => "Bearer $key->{key}",
            defined $step->{call} ? ('Idempotency-Key' => "call-$step->{call}")
                                  : () } };
    $self->{sent}++;
    $self->{oracle}->sent($c->{account}, $request);
    $self->{client}->send($request, sub {
        my $what = $request->{answer} ? $request->{answer}{status} : $request->{fate};
        $self->{requests}{ $request->{does} }{$what}++;
    });

    return $request;
}

# --- calls of the API -----------------------------------------------------------

# Each returns method, path and body of the call, or nothing where there is none to
# make now, and is called again with the answer.
my %call = (
    grant => [sub {
        my ($c, $step) = @_;
        return ('POST', "/api/accounts/$c->{account}/credits",
                { credits => credits($step->{credits}), source => 'purchase' });
    }, sub {
        my ($c, $step, $answer, $self) = @_;
        die "grant: $answer->{body}" unless $answer->{status} == 201;
        $self->{oracle}->granted($c->{account}, $step->{credits});
    }],
    lot => [sub {
        my ($c, $step) = @_;
        return ('POST', "/api/accounts/$c->{account}/credits",
                { credits => credits($step->{credits}), %{ $step->{terms} } });
    }, sub {
        my ($c, $step, $answer, $self) = @_;
        die "lot: $answer->{body}" unless $answer->{status} == 201;
        # a clock that was set back while it was given makes it one of later
        return if $answer->{json}{effective_at} gt $answer->{json}{created_at};
        $self->{oracle}->granted($c->{account}, $step->{credits},
                                 $step->{terms}{features});
    }],
    create => [sub { ('POST', '/api/keys', { app => $_[0]{app} }) },
               \&key_made],
    reroll => [sub {
        ('POST', "/api/keys/$_[0]{keys}[-1]{id}/reroll", { overlap => '24h' })
    }, \&key_made],
    revoke => [sub { key_call('DELETE', '', @_) },
               sub { $_[1]{key}{state} = 'revoked' }],
    pause => [sub { key_call('POST', "/$_[1]{state}", @_) }, sub {
        my ($c, $step) = @_;
        $step->{key}{state} = $step->{state} eq 'pause' ? 'paused' : 'active';
    }],
    plan => [sub {
        ('PUT', "/api/accounts/$_[0]{account}/plan", { plan => $_[1]{plan} })
    }, sub { $_[0]{plan} = $_[1]{plan} }],
    state => [sub {
        ('PUT', "/api/accounts/$_[0]{account}/state", { state => $_[1]{state} })
    }, sub { $_[0]{state} = $_[1]{state} }],
);

# Of a key that is not in use any more.
sub key_call {
    my ($method, $action, $c, $step) = @_;

    my @old = grep { $_->{state} ne 'revoked' } @{ $c->{keys} };
    pop @old;
    $step->{key} //= $old[0] or return;

    return ($method, "/api/keys/$step->{key}{id}$action", undef);
}

# A key that was made while its answer was lost is nobody's: then one is made anew.
sub key_made {
    my ($c, $step, $answer, $self) = @_;

    if ($answer->{status} == 201) {
        push @{ $c->{keys} }, { key => $answer->{json}{key},
                                id => $answer->{json}{id}, state => 'active' };
    } else {
        unshift @{ $c->{calls} }, { does => 'create', who => $c->{name} };
    }

    return;
}

# The calls about a customer one after the other, each until it is answered.
sub operate {
    my ($self, $c) = @_;

    return if $c->{calling};
    my $step = shift @{ $c->{calls} } or return;
    my ($method, $path, $body) = $call{ $step->{does} }[0]->($c, $step);
    return $self->operate($c) unless $method;

    $c->{calling} = $step;
    my %headers = ('Idempotency-Key' => "$self->{seed}-" . ++$self->{grants});
    $body = JSON::PP->new->utf8->canonical->encode($body) if $body;
    $headers{'Content-Type'} = 'application/json' if $body;
    $self->insist($c, $step, { to => "$self->{t}{dir}/admin.sock", path => $path,
        method => $method, headers => \%headers, body => $body });

    return;
}

sub insist {
    my ($self, $c, $step, $request) = @_;

    $self->{sent}++;
    $self->{client}->send({ %$request }, sub {
        my ($over) = @_;
        my $status = $over->{answer} ? $over->{answer}{status} : 0;
        $self->{requests}{ $step->{does} }{ $status || $over->{fate} }++;
        if ($status < 200 || $status >= 500) {
            push @{ $self->{later} }, [Time::HiRes::time() + 0.1,
                sub { $self->insist($c, $step, $request) }];
            return;
        }
        $call{ $step->{does} }[1]->($c, $step, $over->{answer}, $self);
        delete $c->{calling};
        $self->operate($c);
    });

    return;
}

# --- after a round --------------------------------------------------------------

# Until nothing is under way.
sub drain {
    my ($self) = @_;

    my $until = Time::HiRes::time() + 60;
    while (Time::HiRes::time() < $until) {
        $self->turn(0.02);
        return if !$self->{client}->flying && !@{ $self->{later} }
            && !grep { $_->{calling} } values %{ $self->{t}{who} };
    }

    return 'calls of the API are not answered';
}

# What is wrong now that everything is at rest.
sub look {
    my ($self, $round) = @_;

    my ($t, $oracle) = @$self{qw(t oracle)};
    my @killed = @{ $t->{nginx_killed} // [] };
    my @lost = @{ $t->{lost} // [] };
    my $good = Checks::made_good($t);
    my $books = Checks::books($t);
    my $lapsed = Checks::lapsed($t);

    $self->differ($round, undef, Checks::never($t),
                  Checks::verified($t));
    for my $c (map { $t->{who}{$_} } sort keys %{ $t->{who} }) {
        my @wrong;
        for my $request (grep { !$_->{may} }
                         @{ $oracle->account($c->{account})->{requests} })
        {
            $request->{died} = (grep { $_ >= $request->{began} } @lost) ? 'redis'
                : (grep { $_ >= $request->{began} } @killed) ? 'nginx' : '';
            push @wrong, Oracle::judge($request, $request->{died});
        }
        $oracle->lapsed($c->{account}, @{ $lapsed->{ $c->{account} } // [0, 0] });
        $oracle->made_good($c->{account}, $good->{ $c->{account} } // 0);
        push @wrong, $oracle->resolve($c->{account}, $books->{ $c->{account} } // {});
        my $found = $oracle->account($c->{account})->{found};
        push @wrong, map { Checks::looked_up($t, $_, $found->{$_}, @killed + @lost) }
            grep { !$c->{looked_up}{$_}++ } sort keys %$found;
        push @wrong, Checks::agree($t, $oracle, $c),
            Checks::counters($t, $oracle, $c);
        push @wrong, $self->probe($c) unless @wrong;
        $self->differ($round, $c, @wrong);
    }
    $t->{lost_ever} += @lost;
    @$t{qw(nginx_killed lost)} = ([], []);

    return;
}

# A request by each key that the customer knows of: now that there is no fault it is
# told exactly.
sub probe {
    my ($self, $c) = @_;

    my @wrong;
    for my $key (@{ $c->{keys} }) {
        my $request = $self->ask($c, { does => 'cost', price => 1, status => 200,
                                       how => 'fine', delay => 0 }, $key);
        $self->turn(0.01) while $self->{client}->flying;
        my $want = $self->verdict($c, $key);
        my $got = $request->{answer}{headers}{'tollgate-verdict'} // 'none';
        push @wrong, "key $key->{id} ($key->{state}): $got, and it has to be $want"
            if $got ne $want;
    }

    return @wrong;
}

# What a request of a micro-credit has to be told; units and balance are those
# before it.
sub verdict {
    my ($self, $c, $key) = @_;

    my $account = $self->{oracle}->account($c->{account});
    my $plan = $Plan::plans{ $c->{plan} };
    my $left = ($plan->{day_units} // 0) - $account->{units};
    my $has = $account->{usable};

    return $key->{state} eq 'revoked' ? 'key_revoked'
        : $key->{state} eq 'paused' ? 'key_paused'
        : $c->{state} ne 'active' ? 'account_suspended'
        : ($plan->{mode} // '') eq 'subscription'
            ? $left > $account->{probed}++ ? 'pass' : 'quota_exceeded'
        : $left > $account->{probed}++ || $has > 0 ? 'pass' : 'credits_exhausted';
}

# Breaks the register itself; everybody else goes on.
sub tamper {
    my ($self) = @_;

    my ($frozen, @wrong) = Tamper::try($self->{t});
    for my $c (values %{ $self->{t}{who} }) {
        my $request = $self->ask($c, { does => 'cost', price => 1, status => 200,
                                       how => 'fine', delay => 0 }, $c->{keys}[-1]);
        $self->turn(0.01) while $self->{client}->flying;
        my $told = $request->{answer}{headers}{'tollgate-verdict'} // 'none';
        push @wrong, "$c->{name} is told $told" if $told =~ /frozen|none/;
    }
    $self->differ('after all', undef, @wrong);
    $self->{say}->(sprintf 'registers broken on purpose: %d accounts frozen',
                   scalar keys %$frozen) unless @wrong;

    return;
}

sub differ {
    my ($self, $round, $c, @wrong) = @_;

    return unless @wrong;
    $self->{differences} += @wrong;
    $self->{say}->("DIFFERENCE seed $self->{seed} round $round"
        . ($c ? " account $c->{account} ($c->{name})" : '') . ": $_") for @wrong;
    return unless $c;
    $self->{say}->("    $_") for $self->{oracle}->last_of($c->{account}, 12);

    return;
}

1;
