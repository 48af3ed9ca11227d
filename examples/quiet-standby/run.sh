#!/bin/sh
# From nothing to a recommendation in a household's inbox, on this machine, in about two minutes.
# Everything is made in a temporary folder and is gone afterwards. EDGE is the command, PORT where the edge listens.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
edge=${EDGE:-edge}
port=${PORT:-7443}
site=$(mktemp -d)
trap 'kill "$meter" "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$site"' EXIT
meter= server=

echo "1. The operator sets up an edge and lets the organization acme in."
$edge init "$site" --host 127.0.0.1 --port "$port" >/dev/null
operator=$site/operator/identities/operator
sed -i "s/^enabled = true/enabled = false/" "$site/edge/settings.toml"
sed -i 's/^\[organizations\]/[organizations]\nacme = "supplier"/; s/every_s_min = 300/every_s_min = 60/' "$site/operator/policy.toml"
$edge serve "$site" 2>"$site/edge.log" & server=$!
until $edge status --as "$operator" >/dev/null 2>&1; do sleep 0.5; done
$edge policy sign "$site/operator/policy.toml" --key "$site/operator/root.key" --as "$operator"
for who in "organization acme" "household h1" "meter m1"; do
    # shellcheck disable=SC2086 - two words on purpose
    $edge identity issue $who --operator "$site/operator" >/dev/null
done
$edge meter enrol m1 --household h1 --as "$operator"

echo "2. The organization builds and uploads its trigger."
$edge module build "$here" --out "$site/module.wasm"
$edge module upload "$site/module.wasm" --as "$site/operator/identities/organization-acme"

echo "3. The operator reads the report and signs."
digest=$($edge module list --as "$operator" | cut -d' ' -f1)
$edge module approve "$digest" --key "$site/operator/root.key" --as "$operator" --yes

echo "4. The household consents."
household=$site/operator/identities/household-h1
$edge consent list --as "$household"
$edge consent grant acme standby-advice --as "$household"

echo "5. The meter reports; at a full minute the trigger is evaluated."
$edge meter simulate --step 1 --as "$site/operator/identities/meter-m1" >/dev/null & meter=$!
until $edge inbox --as "$household" | grep .; do sleep 2; done

echo "6. Everyone checks the log."
$edge audit verify --as "$household"
$edge audit show --as "$household"
