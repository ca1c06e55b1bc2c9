package Tollgate;

# Certificates for a test: an authority, a server's, a client's, and one that
# nobody trusts.

use strict;
use warnings;

# name => [subject, extensions]
my %certificates = (
    server => ['localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    client => ['client', 'extendedKeyUsage=clientAuth'],
    other => ['elsewhere.example', 'subjectAltName=DNS:elsewhere.example'],
);

# Makes them at the first call; the path of "<name>.crt" or "<name>.key" in the
# test's directory.  Names are ca, server, client, other (of another name) and
# stranger (another authority).
sub tls_file {
    my ($self, $file) = @_;

    unless ($self->{tls_made}++) {
        $self->tls_make($_, "Tollgate's test $_", 'basicConstraints=CA:TRUE')
            for qw(ca stranger);
        $self->tls_make($_, @{ $certificates{$_} },
                        '-CA', "$self->{dir}/ca.crt",
                        '-CAkey', "$self->{dir}/ca.key")
            for sort keys %certificates;
    }

    return "$self->{dir}/$file";
}

sub tls_make {
    my ($self, $name, $subject, $extension, @authority) = @_;

    my $path = "$self->{dir}/$name";
    my $openssl = $self->start('openssl', 0, {}, 'openssl', 'req', '-x509',
        '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
        '-days', 2, '-subj', "/CN=$subject", '-addext', $extension, @authority,
        '-keyout', "$path.key", '-out', "$path.crt");
    waitpid $openssl, 0;
    delete $self->{processes}{openssl};
    die $self->slurp('openssl.log') if $?;

    return;
}

1;
