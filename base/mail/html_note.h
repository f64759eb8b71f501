/* html_note: facts about HTML that rules and classifier use beside its text. */
#ifndef BASE_MAIL_HTML_NOTE_H
#define BASE_MAIL_HTML_NOTE_H

enum html_note {
    HTML_NOTE_COLOUR = 1,   /* text in (nearly) the colour of its background */
    HTML_NOTE_SIZE = 2,     /* letters of 2 pixels or less */
    HTML_NOTE_DISPLAY = 4,  /* display:none, common in newsletters' preheaders */
    HTML_NOTE_INVISIBLE = 8, /* hidden by visibility or opacity, or moved off the page */
    HTML_NOTE_COMMENT = 16, /* a comment or unknown tag inside a word */
    HTML_NOTE_FORM = 32,
    HTML_NOTE_SCRIPT = 64,
    HTML_NOTE_IFRAME = 128, /* also frame, object, embed */
    HTML_NOTE_REFRESH = 256,
    HTML_NOTE_IMAGE = 512,
    HTML_NOTE_TINY_IMAGE = 1024, /* at most 2 pixels: it reports who opens the mail */
    HTML_NOTE_MISMATCH = 2048,   /* a link whose text names another host than its target */
    HTML_NOTES = 12,             /* number of notes */
};

#endif
