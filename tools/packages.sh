#!/bin/sh
# packages.sh PACKAGE...: installs those of the Debian packages that are
# missing, without starting the services that they bring.
set -eu

missing=
for package in "$@"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) ||
        status=missing
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    echo "these packages are missing:$missing" >&2
    echo "hint: install them as root, or install sudo" >&2
    exit 1
fi

echo "install$missing"
log=$(mktemp)
policy=/usr/sbin/policy-rc.d
made_policy=
finish() {
    rm -f "$log"
    [ -z "$made_policy" ] || $as_root rm -f "$policy"
}
trap finish EXIT

# A package that is new here must not start a server next to ours.
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
    made_policy=1
fi

install() {
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y \
        --no-install-recommends $missing >"$log" 2>&1
}

if ! install; then
    $as_root apt-get update >/dev/null
    install || { tail -20 "$log" >&2; exit 1; }
fi
