package Tollgate::Edge;

# nginx with the module in front of a backend, and customers whose wallets are
# written into Redis by hand: the gate without a worker.

use strict;
use warnings;

use parent 'Tollgate::Story';

use Digest::SHA ();
use IO::Socket::UNIX;
use Tollgate::Http;

our @CATALOG = (
    'tier 0 free Free', 'tier 1 basic Basic', 'tier 2 pro Pro',
    'tier 3 enterprise Enterprise',
    'plan payg 0 Payg', 'plan basic 1 Basic', 'plan pro 2 Pro',
    'plan enterprise 3 Enterprise',
    'feature image.generate 10000000 1', 'feature video.view 2500000 0',
    'feature probe 0 0',
    'model app:standard image.generate 0 20000000 2',
    'model app:pro image.generate 2 50000000 5',
);

# Options: conf (text of the server), http (text beside it), main (text beside
# http), workers, daemon ("on": the caller ends nginx), redis
# (settings; 0 = none is started), fleet (in its place, what Tollgate::Fleet's
# fleet() gets), address (what tollgate_redis gets), zone (its size).
sub begin {
    my ($class, %opt) = @_;

    my $t = $class->new;
    my $redis = $opt{redis} // {};
    if ($redis) {
        $opt{fleet} ? $t->fleet(@{ $opt{fleet} }) : $t->redis(%$redis);
        $t->r('AUTH', $redis->{requirepass}) if $redis->{requirepass};
        $t->plan('payg');
        $t->catalog(@CATALOG);
    }

    $t->{workers} = $opt{workers} // 1;
    $t->nginx($t->edge_conf(%opt), main => $opt{main},
              workers => $t->{workers}, daemon => $opt{daemon});
    $t->ready if $redis && !$opt{late};

    return $t;
}

sub edge_conf {
    my ($t, %opt) = @_;

    my $http = $opt{http} // '';
    my $zone = $opt{zone} // '1m';
    my $address = $opt{address}
        // ($t->{fleet} ? $t->fleet_address : 'unix:%%DIR%%/redis.sock');
    my $handed = join ',', '"uri":"$request_uri"', '"method":"$request_method"',
        '"id":"$http_tollgate_request_id"',
        map { qq("$_":"\$http_tollgate_$_") } qw(account app plan user);

    return <<"CONF";
    tollgate_zone catalog:$zone refresh=50ms;
    tollgate_redis $address;
    $http
    upstream backend { server unix:%%DIR%%/nginx-backend.sock; }
    server {
        listen unix:%%DIR%%/nginx.sock;
        $opt{conf}
    }
    server {
        listen unix:%%DIR%%/nginx-probe.sock;
        location / {
            tollgate on;
            tollgate_feature probe;
            proxy_pass http://backend;
        }
    }
    server {
        listen unix:%%DIR%%/nginx-backend.sock;
        default_type application/json;
        location / {
            if (\$arg_status = 403) { return 403 "no\\n"; }
            if (\$arg_status = 404) { return 404 "nothing\\n"; }
            if (\$arg_status = 500) { return 500 "failed\\n"; }
            if (\$arg_status = 503) { return 503 "busy\\n"; }
            return 200 '{$handed}\\n';
        }
    }
CONF
}

# The compiler is asked for its library once, not by every nginx -t.
sub nginx_env {
    my ($t) = @_;

    return $t->{nginx_env} //= $t->SUPER::nginx_env;
}

# Waits until each nginx worker is connected and one has read the catalog.
sub ready {
    my ($t) = @_;

    my $key = Tollgate::make_key('ReadyProbe', '0' x 32);

    return $t->wait_for(sub {
        my $connected = () = $t->error_log =~ /connected to redis/g;
        return $connected >= $t->{workers}
            && $t->via('probe', 'GET', '/', { 'X-API-Key' => $key })->{status}
               == 401;
    }, 'the gate to be ready');
}

# A request to "nginx-<name>.sock".
sub via {
    my ($t, $name, @request) = @_;

    return Tollgate::Http::request("$t->{dir}/nginx-$name.sock", @request);
}

# An account with one key; avail is in credits, key holds fields of its record.
sub customer {
    my ($t, %fields) = @_;

    my $record = delete $fields{key} // {};
    $fields{avail} *= 1_000_000 if $fields{avail};
    my $account = sprintf 'Edge%06d', ++$t->{customers};

    $t->wallet($account, %fields);
    my $key = $t->key($account, %$record);

    return { account => $account, key => $key,
             key_id => $record->{id} // sprintf('key_%010d', $t->{keys}) };
}

# The alias of a key that has not our form, and that all aliases are there.
sub alias_key {
    my ($t, $key) = @_;

    my $hash = Digest::SHA::sha256_hex($key);
    return sprintf 'tg:{%u}:x:%s', Tollgate::shard($hash), $hash;
}

sub aliases_whole {
    my ($t) = @_;

    $t->r('SET', "tg:{$_}:x", 1) for 0 .. $Tollgate::SHARDS - 1;

    return;
}

# Gives a customer a key of any form in the place of its own.
sub foreign {
    my ($t, $customer, $key, %record) = @_;

    %record = (id => $customer->{key_id}, state => 'active', expires_ms => 0, %record);
    $t->r('HSET', Tollgate::wallet_key($customer->{account}), 'k:' . Digest::SHA::sha256_hex($key),
          "$record{id} app_0000000001 $record{state} $record{expires_ms}");
    $t->r('SET', $t->alias_key($key), $customer->{account});

    return { %$customer, key => $key };
}

# How often Redis was given a command.
sub calls_of {
    my ($t, $command) = @_;

    return ($t->r('INFO', 'commandstats') =~ /cmdstat_$command:calls=(\d+)/)[0] // 0;
}

# What is left, in micro-credits.
sub avail {
    my ($t, $customer) = @_;

    return $t->r('HGET', Tollgate::wallet_key($customer->{account}), 'avail');
}

# Sends a request and returns its socket, for Tollgate::Http::read_response().
sub send_request {
    my ($t, $customer, $method, $path, %headers) = @_;

    my $socket = Tollgate::Http::open_socket("$t->{dir}/nginx.sock");
    print {$socket} Tollgate::Http::format_request($method, $path,
        { Authorization => "Bearer $customer->{key}", %headers });
    $socket->flush;

    return $socket;
}

# A listener at "<name>.sock": a backend that the test itself plays.
sub listener {
    my ($t, $name) = @_;

    my $path = "$t->{dir}/$name.sock";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 128,
                                         Timeout => 10)
        or die "$path: $!\n";
    chmod 0777, $path;

    return $listener;
}

# The next connection of a listener and the head of the request on it, whose
# body has been read.
sub accepted {
    my ($t, $listener) = @_;

    my $socket = $listener->accept or die "nobody came: $!\n";
    my $head = '';
    until ($head =~ /\r\n\r\n/) {
        sysread $socket, $head, 65536, length $head or last;
    }

    my $left = $head =~ /^Content-Length: *(\d+)/mi ? $1 : 0;
    $left -= length($head) - index($head, "\r\n\r\n") - 4;
    while ($left > 0) {
        my $part = $left < 65536 ? $left : 65536;
        $left -= sysread $socket, my $body, $part or last;
    }

    return ($socket, $head);
}

# The usage records of an account as hashes, oldest first.
sub usage {
    my ($t, $account) = @_;

    my @names = qw(at_ms request_id account app key user feature model verdict
                   status credits units refunded latency_ms bytes_in bytes_out
                   dry_run cost cost_units avail limit day_left month_left
                   tier_needed plan wait_ms store_us label
                   tokens_input tokens_cached tokens_output download);
    my @records;
    for my $host (@{ $t->r('SMEMBERS', 'tg:{usage}') }) {
        my %last;
        for my $entry (@{ $t->r('XRANGE', "tg:{usage}:$host", '-', '+') }) {
            my %fields = @{ $entry->[1] };
            my ($source, $no) = split /:/, $fields{s};
            next if $no <= ($last{$source} // 0);       # it was sent again
            $last{$source} = $no;
            for my $line (split /\n/, $fields{b}) {
                my @values = split /\t/, $line, -1;
                die @values . " fields: $line\n" if @values != @names;
                my %record;
                @record{@names} = @values;
                push @records, \%record if $record{account} eq $account;
            }
        }
    }

    return @records;
}

# Waits for as many usage records of an account.
sub used {
    my ($t, $account, $count) = @_;

    $t->wait_for(sub { $t->usage($account) >= $count },
                 "$count usage records");

    return $t->usage($account);
}

1;
