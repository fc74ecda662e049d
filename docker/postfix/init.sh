#!/bin/bash
# Settings of inbound mail, applied when the container starts.
set -euo pipefail
postconf -e "bounce_domain = ${CARELANE_BOUNCE_DOMAIN}"
while IFS= read -r line; do
  case "$line" in ""|\#*) ;; *) postconf -e "$line" ;; esac
done < /etc/postfix/carelane.cf
