#!/usr/bin/perl
# Beside all dynamic modules that Debian has, loaded before and after them:
# what they do around a gated request is charged once, and refused once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Tollgate::Edge;
use Tollgate::Gate;

my $debian = "$Tollgate::build/debian-modules/usr";
my @modules = glob "$debian/lib/nginx/modules/*.so";
cmp_ok scalar @modules, '>=', 25, 'there are modules (make test-deps)';
my ($perl) = glob "$debian/lib/*-linux-gnu/perl5/*";

# as their packages order them: what others need goes first
my %rank = ('ndk_http_module.so' => 0, 'ngx_stream_module.so' => 1);
my @load = map { "load_module $_;\n" }
    sort { ($rank{ $a =~ s{.*/}{}r } // 2) <=> ($rank{ $b =~ s{.*/}{}r } // 2)
           || $a cmp $b } @modules;

# name, text of its location, what the answer has to have besides 200
my @rows = (
    ['headers-more', 'more_set_headers "X-More: 1"; more_clear_headers Server;
      more_set_input_headers "X-Extra: 1"; proxy_pass http://backend;',
     sub { $_[0]{headers}{'x-more'} eq '1' }],
    ['echo', 'echo_before_body before; echo_after_body after;
      proxy_pass http://backend;', sub { $_[0]{body} =~ /^before.*after/s }],
    ['echo-subrequests', 'echo_location /sub; echo_location /sub;',
     sub { $_[0]{body} =~ /^(?:\{.*\}\s*){2}$/s }],
    ['lua', 'rewrite_by_lua_block { ngx.ctx.a = 1 }
      access_by_lua_block { ngx.req.set_header("X-Extra", "1") }
      header_filter_by_lua_block {
          ngx.header["X-Lua"] = ngx.var.tollgate_verdict }
      body_filter_by_lua_block { local n = #ngx.arg[1] }
      log_by_lua_block { local v = ngx.var.tollgate_cost }
      proxy_pass http://backend;', sub { $_[0]{headers}{'x-lua'} eq 'pass' }],
    ['lua-content', 'content_by_lua_block {
          local one = ngx.location.capture("/sub")
          local two = ngx.location.capture("/sub")
          ngx.say(one.status, " ", two.status) }',
     sub { $_[0]{body} eq "200 200\n" }],
    ['lua-exec', 'content_by_lua_block { ngx.exec("/sub") }',
     sub { $_[0]{body} =~ /"uri"/ }],
    ['js', 'js_header_filter m.header; proxy_pass http://backend;',
     sub { $_[0]{headers}{'x-js'} eq '1' }],
    ['js-content', 'js_content m.content;', sub { $_[0]{body} eq "200\n" }],
    ['perl', 'perl \'sub { my $r = shift; $r->send_http_header("text/plain");
          $r->print("perl\n"); return OK; }\';',
     sub { $_[0]{body} eq "perl\n" }],
    ['subs', 'subs_filter uri ury; subs_filter_types *;
      proxy_pass http://backend;', sub { $_[0]{body} =~ /"ury"/ }],
    ['set-misc', 'set_md5 $sum abc; add_header X-Sum $sum;
      proxy_pass http://backend;', sub { $_[0]{headers}{'x-sum'} =~ /^9001/ }],
    ['brotli', 'brotli on; brotli_types *; brotli_min_length 1;
      brotli_static on; proxy_pass http://backend;',
     sub { $_[0]{headers}{'content-encoding'} eq 'br' }],
    ['fair', 'proxy_pass http://fair;', sub { 1 }],
    ['modsecurity', 'modsecurity on; modsecurity_rules \'SecRuleEngine On\';
      proxy_pass http://backend;', sub { 1 }],
    ['upload-progress', 'proxy_pass http://backend; track_uploads uploads 5s;',
     sub { 1 }],
    ['cache-purge', 'proxy_cache cache; proxy_cache_key $request_uri;
      proxy_cache_valid 200 1m; proxy_cache_purge PURGE from 10.0.0.1;
      proxy_pass http://backend;', sub { 1 }],
    ['fancyindex', 'alias %%DIR%%/; fancyindex on;',
     sub { $_[0]{body} =~ /<html/i }],
    ['srcache', 'srcache_fetch GET /none; srcache_store PUT /none;
      proxy_pass http://backend;', sub { 1 }],
);

my $conf = join '', map {
    "location /$_->[0]/ { tollgate_feature image.generate; $_->[1] }\n"
} @rows;

for my $order (['ours first', main => join '', @load],
               ['ours last', first => join '', @load]) {
    my ($name, @load_ours) = @$order;

    my $t = Tollgate::Edge->new;
    $t->redis;
    $t->plan('payg');
    $t->catalog(@Tollgate::Edge::CATALOG);
    $t->{workers} = 1;
    $t->spew('m.js', <<'JS');
export default { header, content };
function header(r) { r.headersOut['X-JS'] = '1'; }
async function content(r) {
    const reply = await r.subrequest('/sub');
    r.return(200, reply.status + '\n');
}
JS
    $t->nginx($t->edge_conf(http => <<"HTTP", conf => <<"CONF"), @load_ours);
    perl_modules $perl;
    lua_package_path "$debian/share/lua/5.1/?.lua;;";
    js_import m from %%DIR%%/m.js;
    upload_progress uploads 1m;
    proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;
    upstream fair { fair; server unix:%%DIR%%/nginx-backend.sock; }
HTTP
        tollgate on;
        $conf
        location = /sub { internal; tollgate_feature image.generate;
                          proxy_pass http://backend; }
        location = /none { internal; return 404; }
CONF
    $t->ready;

    for my $row (@rows) {
        my ($module, undef, $has) = @$row;
        my $c = $t->customer(avail => 100);

        my $got = $t->call($c, 'GET', "/$module/", 'Accept-Encoding' => 'br');
        is $got->{status}, 200, "$name: $module serves";
        ok $has->($got), "$name: $module does its work" or diag $got->{body};
        is $t->avail($c), 90_000_000, "$name: $module: charged once";
        is $got->{headers}{'tollgate-cost'}, '10', "$name: and told so";

        is $t->get("/$module/")->{status}, 401,
            "$name: $module: refused without a key";
        is_deeply [map { $_->{k} } events($t, $c->{account})], ['charge'],
            "$name: $module: one event";
    }
}

done_testing;
