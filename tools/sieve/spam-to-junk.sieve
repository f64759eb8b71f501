# Files what filterd calls spam into Junk; run before the users' own scripts.
require ["fileinto", "mailbox"];

if anyof (header :is "X-Filterd-Result" "Spam", header :is "X-Spam-Flag" "YES") {
  fileinto :create "Junk";
  stop;
}
