#!/usr/bin/perl
# A site as people build it: MariaDB, dspam, a store that is mounted by hand.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest::SiteTest;

FilterdTest::SiteTest::run('A');
