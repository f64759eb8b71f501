#!/usr/bin/perl
# A site as people build it: PostgreSQL with the users' keys, mydestination, header_checks.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest::SiteTest;

FilterdTest::SiteTest::run('C');
