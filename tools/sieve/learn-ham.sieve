# Run by IMAPSieve when a message is moved or copied out of Junk.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

# Who empties Junk into Trash does not say that the message was good.
if environment :is "imap.mailbox" ["Junk", "Trash", "Deleted Messages", "Deleted Items"] {
  stop;
}
if environment :matches "imap.user" "*" {
  set "user" "${1}";
}
pipe :copy :try "filterd-retrain" ["ham", "${user}"];
