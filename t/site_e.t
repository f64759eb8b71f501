#!/usr/bin/perl
# A site as people build it: MariaDB, a catch-all.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use FilterdTest::SiteTest;

FilterdTest::SiteTest::run('E');
