#!/usr/bin/env bash
# Builds the Debian package around the binary given, unpacks it, and looks whether what is in it works.
set -euo pipefail
binary=$(realpath "$1")
top=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$top/deploy/debian/package" "$binary" "$work"
package=("$work"/sekisho_*.deb)
dpkg-deb --extract "${package[0]}" "$work/root"
"$work/root/usr/bin/sekisho" policy check "$work/root/etc/sekisho/sekisho.yaml"
grep -q '^data_dir: /var/lib/sekisho$' "$work/root/etc/sekisho/sekisho.yaml"
[ "$(dpkg-deb --field "${package[0]}" Version)" = "$("$binary" --version | cut -d' ' -f2)" ]
[ "$(dpkg-deb --info "${package[0]}" conffiles)" = /etc/sekisho/sekisho.yaml ]
dpkg-deb --info "${package[0]}" postinst | sh -n
[ -s "$work/root/usr/share/man/man1/sekisho-release-propose.1.gz" ]
bash -n "$work/root/usr/share/bash-completion/completions/sekisho"
if command -v systemd-analyze >/dev/null; then
    unit="$work/sekisho.service"
    sed "s|/usr/bin/sekisho|$work/root/usr/bin/sekisho|" "$work/root/lib/systemd/system/sekisho.service" > "$unit"
    systemd-analyze verify "$unit" "$work/root/lib/systemd/system/sekisho.socket"
    # 0 is sealed, 10 open: what is above 2 has lost a rule.
    systemd-analyze security --offline=true --threshold=20 "$unit" | tail -1
fi
echo "ok: ${package[0]##*/}"
