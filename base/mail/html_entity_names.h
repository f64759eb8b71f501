/* html_entity_names: the HTML standard's table of named character references. */
#ifndef BASE_MAIL_HTML_ENTITY_NAMES_H
#define BASE_MAIL_HTML_ENTITY_NAMES_H

/* Names with a semicolon, and how many of them are also valid without it: 2,231 in all. */
#define HTML_ENTITY_NAMES 2125
#define HTML_ENTITY_NAMES_BARE 106

/* "AElig:C6 ... nGt=226B+20D2 ...", sorted; ':' instead of '=': the semicolon is optional. */
extern const char html_entity_names[];

#endif
