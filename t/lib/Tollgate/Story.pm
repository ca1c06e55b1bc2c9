package Tollgate::Story;

# All four processes with the demo's catalog, and customers to tell a story with.

use strict;
use warnings;

use parent -norequire, 'Tollgate';

use JSON::PP ();
use Tollgate;

# Options: conf (locations, default demo/gate.conf), workers (nginx), backend
# (text of the backend's location /), http (text beside the server), worker
# (settings of worker.ini), redis (of Redis), auth (what the test itself says to
# AUTH), address (what tollgate_redis gets), fleet (in place of redis, what
# Tollgate::Fleet's fleet() gets).
sub begin {
    my ($class, %opt) = @_;

    my $t = $class->new;
    $opt{fleet} ? $t->fleet(@{ $opt{fleet} })
                : $t->redis(appendonly => 'no', %{ $opt{redis} // {} });
    $t->r('AUTH', @{ $opt{auth} }) if $opt{auth};
    $t->postgres;
    $t->worker($opt{fleet} ? $t->fleet_worker : (), %{ $opt{worker} // {} });
    $t->load_demo;

    my $conf = $opt{conf} // $t->slurp("$t->{root}/demo/gate.conf");
    my $backend = $opt{backend} // 'return 200 "{\"path\":\"$uri\"}\n";';
    my $http = $opt{http} // '';
    my $redis = $opt{address}
        // ($opt{fleet} ? $t->fleet_address : 'unix:%%DIR%%/redis.sock');
    $t->nginx(<<"CONF", workers => $opt{workers} // 2);
    tollgate_zone catalog:1m refresh=50ms;
    tollgate_redis $redis;
    $http
    map \$arg_quality \$inpaint_model {
        default poster-editor:inpaint-standard;
        pro     poster-editor:inpaint-pro;
    }
    upstream backend { server unix:%%DIR%%/nginx-backend.sock; }
    upstream worker_api { server unix:%%DIR%%/api.sock; }
    server {
        listen unix:%%DIR%%/nginx.sock;
        $conf
    }
    server {
        listen unix:%%DIR%%/nginx-backend.sock;
        location / { $backend }
    }
CONF

    return $t;
}

sub load_demo {
    my ($t) = @_;

    my ($status, $answer) = $t->api('PUT', '/api/catalog',
                                    $t->slurp("$t->{root}/demo/catalog.json"));
    die "catalog: $status " . JSON::PP::encode_json($answer // {})
        if $status != 200;

    my $plans = JSON::PP->new->utf8->decode(
        $t->slurp("$t->{root}/demo/plans.json"));
    $t->must('PUT', "/api/plans/$_->{code}", $_) for @$plans;

    return;
}

# A call of the API that has to succeed; its answer.
sub must {
    my ($t, $method, $path, $body, %headers) = @_;

    my ($status, $answer, $response) = $t->api($method, $path, $body, %headers);
    die "$method $path: $status $response->{body}" if $status !~ /^2/;

    return $answer;
}

# An account with an app and a key, on a plan and with credits; the gate knows
# it when this returns.
sub customer {
    my ($t, %opt) = @_;

    my $account = $t->must('POST', '/api/accounts',
                           { name => $opt{name} // 'Somchai' })->{id};
    my $app = $t->must('POST', "/api/accounts/$account/apps",
                       { name => 'Web', kind => 'web' })->{id};
    my $key = $t->must('POST', '/api/keys', { app => $app });

    $t->must('PUT', "/api/accounts/$account/plan", { plan => $opt{plan} })
        if $opt{plan};
    $t->must('POST', "/api/accounts/$account/credits",
             { credits => $opt{credits}, source => 'purchase' })
        if $opt{credits};

    my $customer = { account => $account, app => $app, key => $key->{key},
                     key_id => $key->{id} };
    $t->mirrored;

    return $customer;
}

# Waits until Redis has every command.
sub mirrored {
    my ($t) = @_;

    return $t->wait_for(sub {
        $t->sql('select count(*) from mirror.pending(1)') == 0
    }, 'commands to reach Redis');
}

# Waits until every ledger and usage event is settled.
sub settled {
    my ($t) = @_;

    my @left;
    return $t->wait_for(sub {
        my @streams = grep { /:ledger$|^tg:\{usage\}:/ }
            @{ $t->r('KEYS', 'tg:*') };
        @left = grep { $t->r('XLEN', $_) } @streams;
        !@left;
    }, 'events to be settled', 20) || do {
        Test::More::diag("not settled: @left");
        0;
    };
}

sub call {
    my ($t, $customer, $method, $path, %headers) = @_;

    return $t->request($method, $path,
        { Authorization => "Bearer $customer->{key}", %headers });
}

# Sends all requests at once and reads the answers; [method, path, headers] each.
sub parallel {
    my ($t, @requests) = @_;

    local $SIG{PIPE} = 'IGNORE';
    my @sockets = map {
        Tollgate::Http::open_socket("$t->{dir}/nginx.sock")
    } @requests;
    print { $sockets[$_] } Tollgate::Http::format_request(@{ $requests[$_] })
        for 0 .. $#requests;
    $_->flush for @sockets;

    return map { Tollgate::Http::read_response($_) } @sockets;
}

sub balance {
    my ($t, $customer) = @_;

    return $t->must('GET', "/api/accounts/$customer->{account}")->{balance};
}

# The proof that the edge and the books agree.
sub verified {
    my ($t) = @_;

    return $t->must('GET', '/api/ledger/verify');
}

1;
