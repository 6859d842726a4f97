# SPDX-License-Identifier: BSD-2-Clause
# DMARC beside libopendmarc and python3-authheaders.
use v5.36;
use Test::More;

system('/usr/bin/python3', '-c', 'import authheaders, ctypes; '
	. 'ctypes.CDLL("libopendmarc.so.2")') == 0
	or plan skip_all => 'python3-authheaders or libopendmarc is missing';
exec '/usr/bin/python3', '-W', 'ignore',
	"$ENV{MUSTER_SRC}/t/auth/dmarc-oracle.py";
