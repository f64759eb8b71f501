# Run by IMAPSieve for every message that is copied, moved or uploaded. What comes into a junk folder from
# elsewhere trains spam, what leaves one trains ham, unless it goes to the trash: who throws a message away
# does not say that it was good.
#
# A junk folder has the special use \Junk (RFC 6154), or a usual name, or lies within such a folder; the same
# for the trash. Dovecot's names begin with the namespace's prefix, which is "INBOX." or "INBOX/" if any.
require ["vnd.dovecot.pipe", "copy", "imapsieve", "vnd.dovecot.imapsieve", "environment", "variables",
  "special-use"];

set "into" "other";
set "out_of" "other";

if environment :matches "imap.mailbox" "*" {
  set "folder" "${1}";
}
if string :matches "${folder}" "INBOX.*.*" {
  set "top" "INBOX.${1}";
} elsif string :matches "${folder}" "INBOX/*/*" {
  set "top" "INBOX/${1}";
} elsif string :matches "${folder}" ["*/*", "*.*"] {
  set "top" "${1}";
} else {
  set "top" "${folder}";
}
if string :matches ["${folder}", "${top}"] ["INBOX.*", "INBOX/*"] {
  set "name" "${1}";
} else {
  set "name" "${top}";
}
if anyof (specialuse_exists "${folder}" "\\Junk", specialuse_exists "${top}" "\\Junk",
    string :is "${name}" ["Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail"]) {
  set "into" "junk";
} elsif anyof (specialuse_exists "${folder}" "\\Trash", specialuse_exists "${top}" "\\Trash",
    string :is "${name}" ["Trash", "Bin", "Deleted", "Deleted Messages", "Deleted Items", "Papierkorb",
      "Corbeille", "Papelera", "Cestino", "Prullenbak", "Lixeira", "Kosz"]) {
  set "into" "trash";
}

if environment :matches "vnd.dovecot.mailbox-from" "*" {
  set "folder" "${1}";
} else {
  set "folder" "";
}
if string :matches "${folder}" "INBOX.*.*" {
  set "top" "INBOX.${1}";
} elsif string :matches "${folder}" "INBOX/*/*" {
  set "top" "INBOX/${1}";
} elsif string :matches "${folder}" ["*/*", "*.*"] {
  set "top" "${1}";
} else {
  set "top" "${folder}";
}
if string :matches ["${folder}", "${top}"] ["INBOX.*", "INBOX/*"] {
  set "name" "${1}";
} else {
  set "name" "${top}";
}
if allof (environment :is "imap.cause" "COPY", anyof (specialuse_exists "${folder}" "\\Junk",
    specialuse_exists "${top}" "\\Junk",
    string :is "${name}" ["Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail"])) {
  set "out_of" "junk";
}

if environment :matches "imap.user" "*" {
  set "user" "${1}";
}
if allof (string :is "${into}" "junk", not string :is "${out_of}" "junk") {
  pipe :copy :try "filterd-retrain" ["spam", "${user}"];
} elsif allof (string :is "${into}" "other", string :is "${out_of}" "junk") {
  pipe :copy :try "filterd-retrain" ["ham", "${user}"];
}
