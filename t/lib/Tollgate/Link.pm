package Tollgate::Link;

# Signs download links as docs/downloads.md says, like a backend of an operator.

use strict;
use warnings;

use Digest::SHA ();
use Exporter 'import';
use File::Temp ();
use MIME::Base64 ();

our @EXPORT = qw(signed claims secret_file);
our $SECRET = 'test-secret-of-download-links-0001';

# A file of these secrets, a line each, which lives as long as the test.
sub secret_file {
    my $file = File::Temp->new(TEMPLATE => 'tollgate-link-XXXXXX', TMPDIR => 1);
    print {$file} map { "$_\n" } @_ ? @_ : $SECRET;
    close $file;
    chmod 0644, "$file";

    return $file;
}

# Claims of a link, as { account, app, id, expires, max, window, network, feature }.
sub claims {
    my (%link) = @_;

    %link = (app => 'app_0000000001', expires => time + 3600, max => 0, window => 3600,
             network => '-', feature => '-', %link);

    return join '.', 1, $link{account}, $link{app} =~ s/^app_//r, @link{qw(id expires max window network feature)};
}

# The URL path of a link; the path is decoded, the query as it is written.
sub signed {
    my ($claims, $path, %opt) = @_;

    my $query = $opt{query} // '';
    my $mac = MIME::Base64::encode_base64url(
        Digest::SHA::hmac_sha256("$claims\n$query\n$path", $opt{secret} // $SECRET));

    return ($path =~ s{([^\w./~-])}{sprintf '%%%02X', ord $1}ger) . '?'
        . (length $query ? "$query&" : '') . "tg=$claims.$mac";
}

1;
