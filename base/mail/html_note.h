/* html_note: what is noticed about HTML beside its text. */
#ifndef BASE_MAIL_HTML_NOTE_H
#define BASE_MAIL_HTML_NOTE_H

enum html_note {
    HTML_NOTE_COLOUR = 1,   /* text in its background's colour, or nearly */
    HTML_NOTE_SIZE = 2,     /* letters of 2 pixels or less */
    HTML_NOTE_DISPLAY = 4,  /* display:none: newsletters' preheaders have it too */
    HTML_NOTE_INVISIBLE = 8, /* visibility, opacity, moved out of sight */
    HTML_NOTE_COMMENT = 16, /* a comment or unknown tag inside a word */
    HTML_NOTE_FORM = 32,
    HTML_NOTE_SCRIPT = 64,
    HTML_NOTE_IFRAME = 128, /* also frame, object, embed */
    HTML_NOTE_REFRESH = 256,
    HTML_NOTE_IMAGE = 512,
    HTML_NOTE_TINY_IMAGE = 1024, /* of at most 2 pixels: it tells who reads */
    HTML_NOTE_MISMATCH = 2048,   /* a link that shows another host than it leads to */
    HTML_NOTES = 12,             /* how many */
};

#endif
