#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
use v5.36;
use Muster::Play;

play('Several', 'Postfix');
