#!/bin/sh
# Print the secrets of a deployment, each new and random: docker/secrets.sh > docker/.env
set -eu
umask 077
for name in POSTGRES_PASSWORD ACCORD_OWNER_PASSWORD ACCORD_GATEWAY_PASSWORD ACCORD_WORKER_PASSWORD; do
    echo "$name=$(openssl rand -hex 32)"
done
key=$(openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt)
echo "ACCORD_TICKET_KEY=\"$(echo "$key" | awk '{ printf "%s\\n", $0 }')\""
