package World;

# All processes of a run with its customers: how they start, and when they have come
# to rest.

use strict;
use warnings;

use Tollgate::Fleet;
use Tollgate::Metrics;
use Tollgate::Story;

use Backend;
use Plan;
use Random;

our @ISA = ('Tollgate::Story');

# What the clients ask for. The hold is short, so that what a killed nginx held
# returns soon.
my $ROUTES = <<'CONF';
        tollgate on;
        tollgate_headers verdict credits;
        proxy_pass_request_body off;
        location = /cost {
            tollgate_cost $arg_cost;
            proxy_pass http://backend;
        }
        location = /feature {
            tollgate_feature $arg_feature;
            proxy_pass http://backend;
        }
        location = /hold {
            tollgate_hold $arg_hold ttl=3s;
            tollgate_actual $upstream_http_x_cost;
            proxy_pass http://backend;
        }
        location = /meter {
            tollgate_model poster-editor:inpaint-standard;
            tollgate_hold $arg_hold ttl=3s;
            tollgate_meter openai on_abort=hold;
            proxy_pass http://backend;
        }
        location = /idem {
            tollgate_idempotency on ttl=1h retries=1000;
            tollgate_cost $arg_cost;
            proxy_pass http://backend;
        }
        location = /metrics { tollgate_status; }
CONF

# What tokens of the metered model cost, a million of them.
my @PRICES = ([input_token => '35.000001'], [cached_input_token => '8.75'],
              [output_token => '1050']);

# How Redis stands there: a server alone, or a master and its replica which sentinels
# watch.  No reply is sent that the AOF doesn't have.
my %stores = (
    one => sub { $_[0]->redis(appendonly => 'yes', appendfsync => 'always') },
    sentinel => sub {
        my ($t) = @_;
        $t->fleet('sentinel', replicas => 1,
                  redis => { appendfsync => 'always' });
        # a master that is merely slow is not to be replaced, for that loses writes
        $t->n("sentinel$_", 'SENTINEL', 'SET', 'tollgate',
              'down-after-milliseconds', 30_000) for 1 .. 3;
    },
);

# With leases nginx decides most requests of fixed prices by itself.
sub begin {
    my ($class, $store, $leases) = @_;

    my $t = $class->new;
    $stores{$store}->($t);
    $t->postgres;
    $t->worker($t->{fleet} ? $t->fleet_worker : (), 'settle.batch' => 50,
               'settle.lease_reclaim' => '8s',
               'settle.idle_ms' => 50, 'redis.timeout' => '1s',
               'postgres.timeout' => '3s');
    $t->load_demo;
    Backend::start($t);
    $t->catalog_of_plans;
    my $redis = $t->{fleet} ? $t->fleet_address : 'unix:%%DIR%%/redis.sock';
    my $lease = $leases ? 'on' : 'off';
    $t->nginx(<<"CONF", workers => 2);
    tollgate_leases %%DIR%%/leases;
    tollgate_zone catalog:1m refresh=50ms;
    tollgate_redis $redis;
    upstream backend { server unix:%%DIR%%/backend.sock; }
    server {
        listen unix:%%DIR%%/nginx.sock;
        tollgate_lease $lease;
$ROUTES
    }
CONF
    $t->customers;
    $t->wait_for(sub { $t->call($t->{who}{rich1}, 'GET',
        '/feature?feature=none')->{status} == 403 }, 'the gate');

    return $t;
}

sub catalog_of_plans {
    my ($t) = @_;

    while (my ($code, $plan) = each %Plan::plans) {
        $t->must('PUT', "/api/plans/$code", { name => ucfirst $code,
            tier => 'free', price => '1.00', currency => 'THB',
            interval => 'month', %$plan });
    }
    my %list = (prices => [map { {
        model => 'poster-editor:inpaint-standard', unit => $_->[0],
        credits => $_->[1], per => '1000000',
    } } @PRICES]);
    my $preview = $t->must('POST', '/api/prices/preview', \%list);
    $t->must('POST', '/api/prices', { %list, version => $preview->{version} });

    return;
}

# It is about noon where they live, so no day or month ends while the run lasts.
sub noon {
    my $west = (gmtime)[2] - 12;

    return $west == 0 ? 'UTC' : sprintf 'Etc/GMT%+d', $west;
}

sub customers {
    my ($t) = @_;

    for my $name (sort keys %Plan::customers) {
        my $about = $Plan::customers{$name};
        my $c = $t->customer(name => $name, plan => $about->{plan},
                             credits => $about->{credits});
        $t->must('PUT', "/api/accounts/$c->{account}",
                 { time_zone => noon() });
        $t->must('PUT', "/api/accounts/$c->{account}/limits",
                 { limits => $about->{limits} }) if $about->{limits};
        # what the customer knows of keys, the last one is in use
        $c->{keys} = [{ key => $c->{key}, id => $c->{key_id},
                        state => 'active' }];
        @$c{qw(name state plan)} = ($name, 'active', $about->{plan} // 'payg');
        $t->{who}{$name} = $c;
    }
    $t->mirrored;

    return;
}

# --- rest -------------------------------------------------------------------------

# Waits until nothing moves any more: nginx owes Redis nothing, nothing is held, all
# commands are applied and all events settled, twice in a row.
sub at_rest {
    my ($t) = @_;

    my ($still, $moving) = (0, '');
    $t->wait_for(sub {
        $moving = $t->moving;
        $still = $moving eq '' ? $still + 1 : 0;
        return $still == 2;
    }, 'everything to come to rest', 20)
        and return;

    return 'nothing comes to rest: ' . ($moving || $@ || 'no answer');
}

# What still moves, or ''.
sub moving {
    my ($t) = @_;

    my $samples = Tollgate::Metrics::samples($t->get('/metrics')->{body});
    return 'nginx owes Redis something'
        if Tollgate::Metrics::total($samples, 'tollgate_debts')
        || Tollgate::Metrics::total($samples, 'tollgate_lease_unsent_records');

    for my $c (values %{ $t->{who} }) {
        my $held = $t->r('HGET', Tollgate::wallet_key($c->{account}), 'held');
        return "$c->{name} has $held held" if $held;
    }
    return 'commands are not applied'
        if $t->sql('select count(*) from mirror.pending(1)');
    return 'a grant has not lapsed'
        if $t->sql(q{select count(*) from credit_grant
            where expires_at < clock_timestamp() + interval '1 minute'
              and remaining > 0});
    return 'wallets are not made again'
        if $t->sql('select count(*) from recovery where done_at is null');
    for my $stream (grep { /:ledger$|^tg:\{usage\}:/ } @{ $t->r('KEYS', 'tg:*') }) {
        return "$stream is not settled" if $t->r('XLEN', $stream);
    }

    return '';
}

1;
