package Tollgate;

# The nginx of a test: its configuration, the process, and requests to it.

use strict;
use warnings;

use Tollgate::Http;

our $build;

# Another nginx, and the module that was built for it, where these are set.
our $nginx = $ENV{TEST_NGINX_BINARY} // '/usr/sbin/nginx';

sub nginx_module {
    return $ENV{TOLLGATE_MODULE}
        // ($ENV{TOLLGATE_ASAN} ? "$build/asan" : $build)
            . '/ngx_http_tollgate_module.so';
}

sub nginx_conf {
    my ($self, $http, %opt) = @_;

    my $load = $opt{bare} ? '' : 'load_module ' . $self->nginx_module . ';';
    my $user = $> == 0 ? "user nobody nogroup;\n" : '';
    my $temp = join '', map { "    ${_}_temp_path %%DIR%%/temp_$_;\n" }
        qw(client_body proxy fastcgi uwsgi scgi);
    my $workers = $opt{workers} // 1;
    my $level = $opt{log_level} // 'info';
    my $main = $opt{main} // '';
    my $first = $opt{first} // '';
    my $daemon = $opt{daemon} // 'off';
    my $connections = $opt{connections} // 2048;

    my $text = <<"CONF";
${first}$load
${user}worker_processes $workers;
daemon $daemon;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log $level;
$main
events {
    worker_connections $connections;
}
http {
$temp
    access_log off;
$http
}
CONF
    $text =~ s/%%DIR%%/$self->{dir}/g;

    return $text;
}

sub nginx {
    my ($self, $http, %opt) = @_;

    $self->spew('nginx.conf', $self->nginx_conf($http, %opt));

    return $self->nginx_start;
}

sub nginx_start {
    my ($self) = @_;

    unlink glob "$self->{dir}/nginx*.sock";
    my $pid = $self->start('nginx', 0, $self->nginx_env,
        $self->nginx_valgrind, $nginx, '-p', "$self->{dir}/", '-c',
        'nginx.conf', '-e', 'error.log');
    $self->wait_for(sub {
        Tollgate::Http::open_socket("$self->{dir}/nginx.sock")
    }, 'nginx to listen') or Test::More::diag($self->slurp('nginx.log'));

    return $pid;
}

# Each process writes what valgrind finds into a log of its own, which
# Tollgate::finish() looks at.
sub nginx_valgrind {
    my ($self) = @_;

    return @{ $self->{under} } if $self->{under};
    return () unless $ENV{TOLLGATE_VALGRIND};

    return ('valgrind', '-q', '--leak-check=full', '--num-callers=30', '--keep-debuginfo=yes',
        '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite',
        '--gen-suppressions=all',
        "--suppressions=$self->{root}/t/lib/valgrind.supp",
        "--log-file=$self->{dir}/valgrind-%p.log");
}

sub nginx_env {
    my ($self) = @_;

    return {} unless $ENV{TOLLGATE_ASAN};
    chomp(my $library = `gcc -print-file-name=libasan.so`);

    return { LD_PRELOAD => $library,
             ASAN_OPTIONS => join(':', 'detect_leaks=0:log_path=stderr',
                                  $ENV{TOLLGATE_ASAN_OPTIONS} // ()),
             UBSAN_OPTIONS => 'print_stacktrace=1' };
}

sub nginx_stop {
    my ($self, $signal) = @_;

    return $self->stop('nginx', $signal // 'QUIT');
}

# kill -9 of all worker processes, which the log may then tell.
sub nginx_kill {
    my ($self) = @_;

    $self->{killed} = 1;

    return kill 'KILL', $self->children('nginx');
}

sub nginx_reload {
    my ($self) = @_;

    kill 'HUP', $self->{processes}{nginx};

    return;
}

sub nginx_test {
    my ($self, $http, %opt) = @_;

    $self->spew('test.conf', $self->nginx_conf($http, %opt));
    my $env = $self->nginx_env;
    local @ENV{ keys %$env } = values %$env;
    my $out = `$nginx -t -p $self->{dir}/ -c test.conf \\
        -e test.log 2>&1`;

    return ($? == 0, $out);
}

sub error_log { return $_[0]->slurp('error.log') }

sub request {
    my ($self, $method, $path, $headers, $body) = @_;

    return Tollgate::Http::request("$self->{dir}/nginx.sock", $method, $path,
                                   $headers, $body);
}

sub get {
    my ($self, $path, %headers) = @_;

    return $self->request('GET', $path, \%headers);
}

1;
