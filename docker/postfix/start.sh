#!/bin/bash
# Starts Postfix in the foreground, for the one domain that bounces come to.
set -euo pipefail
postconf -e "bounce_domain = ${CARELANE_BOUNCE_DOMAIN:?the domain of return paths}" "myhostname = ${CARELANE_BOUNCE_DOMAIN}"
# Debian's chroot has no resolver settings of the container, so "receiver" would have no address there.
postconf -F '*/*/chroot = n'
exec postfix start-fg
