#!/bin/bash
# Starts Postfix in the foreground, for the one domain that bounces come to.
set -euo pipefail
postconf -e "bounce_domain = ${CARELANE_BOUNCE_DOMAIN:?the domain of return paths}" "myhostname = ${CARELANE_BOUNCE_DOMAIN}"
# The name it goes by, its dots as dots: results under that name from outside are not ours.
sed --in-place "s/@NAME@/${CARELANE_BOUNCE_DOMAIN//./\\\\.}/" /etc/postfix/header_checks
# Debian's chroot has no resolver settings of the container, so "receiver" would have no address there.
postconf -F '*/*/chroot = n'
exec postfix start-fg
