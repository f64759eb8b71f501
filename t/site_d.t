#!/usr/bin/perl
# A site as people build it: PostgreSQL with transport maps and virtual(8), logins that are not the addresses.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest::SiteTest;

FilterdTest::SiteTest::run('D');
