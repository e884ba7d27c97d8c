/** Octets of a record that are read; longer ones fit no answer that anybody sends. */
export const recordOctetsMax = 8192;
/** Terms of one record. */
export const termsMax = 200;
/** Parts of a macro string. */
export const macroPartsMax = 400;
/** Octets of a name after macros were expanded (RFC 7208 §7.3). */
export const expandedNameMax = 253;
/** Octets of an explanation (it becomes part of a reply line). */
export const explanationMax = 400;
