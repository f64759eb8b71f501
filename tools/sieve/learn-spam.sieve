# Run by IMAPSieve when a message is moved or copied into Junk.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.user" "*" {
  set "user" "${1}";
}
pipe :copy :try "filterd-retrain" ["spam", "${user}"];
