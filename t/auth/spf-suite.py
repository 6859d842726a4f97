# SPDX-License-Identifier: BSD-2-Clause
# The RFC 7208 suite as lines for spf-cases: for each case its records, then
# "ask"; what is expected goes to the file named second, a line a case.
import re
import sys

import yaml

TYPES = {'A': 1, 'PTR': 12, 'MX': 15, 'TXT': 16, 'AAAA': 28}


def data(kind, value):
    import socket
    preference = 0
    if kind == 'MX':
        preference, value = value
    if kind == 'A':
        raw = socket.inet_aton(value)
    elif kind == 'AAAA':
        raw = socket.inet_pton(socket.AF_INET6, value)
    elif kind == 'TXT':
        raw = ''.join(value if isinstance(value, list) else [value])
        raw = raw.encode('utf-8')
    else:
        raw = value.lower().rstrip('.').encode('utf-8')
    return preference, raw.hex()


def lines_of(name, entries):
    name = name.lower().rstrip('.')
    kinds = [k for e in entries if isinstance(e, dict) for k in e]
    timeout = 'TIMEOUT' in entries
    seen = set()
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        for kind, value in entry.items():
            if kind == 'SPF' and 'TXT' not in kinds and not timeout:
                kind = 'TXT'
            if kind not in TYPES:
                continue
            if value == 'NONE':
                if not timeout:
                    seen.add(kind)
                continue
            seen.add(kind)
            if value == 'TIMEOUT':
                yield f'dns\t{name}\t{TYPES[kind]}\tfailed'
                continue
            preference, raw = data(kind, value)
            yield f'dns\t{name}\t{TYPES[kind]}\tfound\t{preference}\t{raw}'
    for kind, number in TYPES.items():
        if kind not in seen:
            yield f'dns\t{name}\t{number}\t' + (
                'failed' if timeout else 'nodata')


def follow(zone, entries):
    for entry in entries:
        if isinstance(entry, dict) and 'CNAME' in entry:
            return follow(zone, zone.get(entry['CNAME'], []))
    return entries


def unquote(text):
    return re.sub(r'[\t\n]', ' ', str(text))


with open(sys.argv[2], 'w', encoding='utf-8') as expected:
    for scenario in yaml.safe_load_all(open(sys.argv[1], encoding='utf-8')):
        if not scenario:
            continue
        for name, test in scenario['tests'].items():
            print('new')
            zone = scenario['zonedata']
            for host, entries in zone.items():
                for line in lines_of(host, follow(zone, entries)):
                    print(line)
            results = test['result']
            if not isinstance(results, list):
                results = [results]
            print('\t'.join(['ask', str(test['host']),
                             str(test['helo']),
                             str(test.get('mailfrom') or '')]))
            expected.write('\t'.join([
                name, ','.join(results),
                unquote(test.get('description', ''))]) + '\n')
