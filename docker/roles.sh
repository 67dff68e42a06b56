#!/bin/sh
# The three roles and the database, made once by the superuser. Only the owner owns anything, and none passes row-level
# security by. Passwords: ACCORD_OWNER_PASSWORD, ACCORD_GATEWAY_PASSWORD, ACCORD_WORKER_PASSWORD.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set=owner="$ACCORD_OWNER_PASSWORD" --set=gateway="$ACCORD_GATEWAY_PASSWORD" --set=worker="$ACCORD_WORKER_PASSWORD" \
    <<'SQL'
CREATE ROLE accord_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE accord_gateway LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'gateway';
CREATE ROLE accord_worker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'worker';
CREATE DATABASE accord OWNER accord_owner;
SQL
