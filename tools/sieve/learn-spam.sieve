# Run by IMAPSieve when a message is moved, copied or uploaded into Junk.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "vnd.dovecot.imapsieve", "environment",
  "variables"];

# A copy within Junk says nothing new.
if allof (environment :is "imap.cause" "COPY",
    environment :is "vnd.dovecot.mailbox-from" "Junk") {
  stop;
}
if environment :matches "imap.user" "*" {
  set "user" "${1}";
}
pipe :copy :try "filterd-retrain" ["spam", "${user}"];
