# Files what filterd calls spam into the junk folder; run before the users' own scripts.
require ["fileinto", "mailbox", "special-use"];

if anyof (header :is "X-Filterd-Result" "Spam", header :is "X-Spam-Flag" "YES") {
  if specialuse_exists "\\Junk" {
    fileinto :specialuse "\\Junk" :create "Junk";
  } elsif mailboxexists "Junk" {
    fileinto "Junk";
  } elsif mailboxexists "INBOX.Junk" {
    fileinto "INBOX.Junk";
  } elsif mailboxexists "INBOX/Junk" {
    fileinto "INBOX/Junk";
  } elsif mailboxexists "Spam" {
    fileinto "Spam";
  } elsif mailboxexists "INBOX.Spam" {
    fileinto "INBOX.Spam";
  } else {
    fileinto :create "Junk";
  }
  stop;
}
