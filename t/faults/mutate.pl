#!/usr/bin/perl
# mutate.pl [NAME...]: breaks a guard of the product in a copy of it, by a file of
# mutations/, and runs the fault suite there until it finds that; for each of them,
# or those named.  Prints the rows of the table in docs/faults.md; fails where one
# is not found.  SEED and ROUNDS are of the environment.

use strict;
use warnings;

use Cwd ();
use File::Path ();
use File::Temp ();
use FindBin;

my $root = Cwd::abs_path("$FindBin::Bin/../..");
my $copy = File::Temp::tempdir('tollgate-mutant-XXXXXX', TMPDIR => 1);
chmod 0755, $copy;
my ($seed, $rounds) = ($ENV{SEED} || 1, $ENV{ROUNDS} || 8);
my @names = @ARGV ? @ARGV
    : map { m{([^/]+)\.pl$} } sort glob "$FindBin::Bin/mutations/*.pl";

sub slurp {
    my ($path) = @_;

    open my $file, '<', $path or die "$path: $!\n";
    local $/;

    return scalar readline $file;
}

sub spew {
    my ($path, $text) = @_;

    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";

    return;
}

sub make {
    my $out = `make -C $copy --no-print-directory module worker 2>&1`;
    die $out if $?;

    return;
}

# { about, edits => [[file, code]...] }: a mutation says in its first line what it does;
# "# in FILE" goes before the substitutions in that file.
sub read_mutation {
    my ($name) = @_;

    my ($about, @parts) =
        split /^# in (\S+)\n/m, slurp("$FindBin::Bin/mutations/$name.pl");
    my @edits;
    push @edits, [splice @parts, 0, 2] while @parts;

    return { about => $about =~ s/^# //mgr =~ s/\s+/ /gr =~ s/ $//r,
             edits => \@edits };
}

# Carries it out, and gives back what undoes it.
sub mutate {
    my ($mutation) = @_;

    my %before;
    for my $edit (@{ $mutation->{edits} }) {
        my ($file, $code) = @$edit;
        local $_ = $before{$file} = slurp("$copy/$file");
        eval "$code; 1" or die "$file: $@";
        die "$file has nothing to change any more\n" if $_ eq $before{$file};
        spew("$copy/$file", $_);
    }

    return sub { spew("$copy/$_", $before{$_}) for keys %before };
}

system("cd $root && git ls-files -z | xargs -0 cp --parents -t $copy") == 0
    or die "the copy failed\n";
make();

my $missed = 0;
for my $name (@names) {
    my $mutation = read_mutation($name);
    my $undo = mutate($mutation);
    make();
    my $out = `$copy/t/faults/run.pl SEED=$seed ROUNDS=$rounds SECONDS=300 2>&1`;
    my $found = $?;
    spew("$root/build/mutation-$name.log", $out);
    my ($requests) = $out =~ /^faults injected .* requests sent (\d+)/m;
    my ($what) = $out =~ /^DIFFERENCE (.*)$/m;
    $missed++ unless $found;
    printf "| %s | %s | %s |\n", $mutation->{about},
        $found ? $what // 'the run died' : 'NOT FOUND', $requests // '-';
    $undo->();
}

File::Path::remove_tree($copy);
exit($missed ? 1 : 0);
