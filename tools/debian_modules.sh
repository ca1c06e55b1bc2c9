#!/bin/sh
# debian_modules.sh FOLDER: unpacks all dynamic modules that Debian has for its
# nginx, and the Lua that one of them is written in, into a folder, without
# installing one.
set -eu

folder=$1
[ ! -e "$folder/usr/lib/nginx/modules" ] || exit 0

rm -rf "$folder" "$folder.tmp"
mkdir -p "$folder.tmp"
cd "$folder.tmp"

packages() {
    apt-cache search --names-only '^libnginx-mod-' | cut -d ' ' -f 1 |
        grep -v -- '-dev$'
}

download() {
    # shellcheck disable=SC2046
    [ -n "$(packages)" ] &&
        apt-get -o APT::Sandbox::User=root download $(packages) \
            lua-resty-core lua-resty-lrucache >log 2>&1
}

echo "download Debian's modules of nginx"
if ! download; then
    if [ "$(id -u)" -eq 0 ]; then
        apt-get update >/dev/null
    else
        sudo apt-get update >/dev/null
    fi
    download || { tail -5 log >&2; exit 1; }
fi

for package in *.deb; do
    dpkg-deb -x "$package" .
done
rm -f ./*.deb
mv "$folder.tmp" "$folder"
