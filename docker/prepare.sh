#!/bin/bash
# Makes docker/secrets: passwords of the four roles and of Redis, and certificates between the parts. Run once.
set -euo pipefail
cd "$(dirname "$0")"
[ -e secrets ] && { echo "docker/secrets exists already; nothing was changed."; exit 1; }
umask 077
mkdir secrets
cd secrets
word() { openssl rand -hex 24; }

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
  -keyout ca.key -out ca.pem -subj "/CN=Carelane internal CA" 2>/dev/null
for part in postgres redis postfix; do
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout "$part.key" -out "$part.csr" -subj "/CN=$part" 2>/dev/null
  openssl x509 -req -in "$part.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -out "$part.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s' "$part") 2>/dev/null
  rm "$part.csr"
done

owner=$(word) app=$(word) audit=$(word) reader=$(word) redis=$(word)
word > postgres_password
printf 'OWNER_PASSWORD=%s\nAPP_PASSWORD=%s\nAUDIT_PASSWORD=%s\nREADER_PASSWORD=%s\n' \
  "$owner" "$app" "$audit" "$reader" > database_roles
address() { printf 'postgresql://%s:%s@postgres:5432/carelane?sslmode=verify-full&sslrootcert=/run/ca.pem' "$1" "$2"; }
address carelane_owner "$owner" > database_owner_url
address carelane_app "$app" > database_url
address carelane_audit "$audit" > database_audit_url
address carelane_reader "$reader" > database_reader_url
printf 'rediss://:%s@redis:6379/0?ssl_cert_reqs=required&ssl_ca_certs=/run/ca.pem' "$redis" > redis_url
cat > redis.conf <<CONF
port 0
tls-port 6379
tls-cert-file /run/secrets/redis_cert
tls-key-file /run/secrets/redis_key
tls-ca-cert-file /run/ca.pem
tls-auth-clients no
requirepass $redis
save ""
appendonly no
maxmemory-policy noeviction
CONF
# The folder is the lock: only its owner comes in. Compose mounts each file as it lies here, owner and mode included, and
# the users inside the containers (not root, and other numbers than yours) must read what their part was given.
chmod 644 ./*
chmod 600 ca.key
echo "Made docker/secrets. Keep ca.key offline; back the folder up apart from the data."
