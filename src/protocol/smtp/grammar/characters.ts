/** Character classes of RFC 5321 §4.1.2 and RFC 5322 §3.2.3 by character code; all beyond ASCII count as letters (RFC 6531 §3.3). */

/** Let-dig, with letters beyond ASCII. */
export function isLetDig(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || isDigit(code) || code >= 128;
}

/** DIGIT. */
export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Atext, with characters beyond ASCII. */
export function isAtext(code: number): boolean {
  return code > 127 || ATEXT[code] === 1;
}

/** Graphic ASCII: %d33-126. */
export function isGraphic(code: number): boolean {
  return code > 32 && code < 127;
}

const ATEXT = new Uint8Array(128);
for (let code = 33; code < 127; code++) {
  if (!'()<>@,;:\\".[]'.includes(String.fromCharCode(code))) ATEXT[code] = 1;
}
