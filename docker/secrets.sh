#!/bin/sh
# Write the secrets of a deployment, each new and random, into docker/.env, which its owner alone may read.
# Another file can be named: docker/secrets.sh FILE. A file that exists is left as it is.
set -eu
umask 077
set -C
file=${1:-$(dirname "$0")/.env}
if [ -e "$file" ] || [ -L "$file" ]; then
    echo "docker/secrets.sh: $file exists and is left as it is; remove it to make new secrets" >&2
    exit 1
fi
key=$(openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt)
lines=$(
    for name in POSTGRES_PASSWORD ACCORD_OWNER_PASSWORD ACCORD_GATEWAY_PASSWORD ACCORD_WORKER_PASSWORD; do
        secret=$(openssl rand -hex 32)
        printf '%s=%s\n' "$name" "$secret"
    done
    printf 'ACCORD_TICKET_KEY="%s"\n' "$(printf '%s\n' "$key" | awk '{ printf "%s\\n", $0 }')"
)
printf '%s\n' "$lines" > "$file"
echo "docker/secrets.sh: the secrets are in $file" >&2
