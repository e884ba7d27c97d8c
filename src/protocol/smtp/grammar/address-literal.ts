/** Whether the text is an IPv4 address in four decimal parts (RFC 5321 §4.1.3). */
export function isIpv4(text: string): boolean {
  const parts = text.split('.', 5);
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Whether the text is an IPv6 address, also compressed or with an IPv4 address in its last part (RFC 5321 §4.1.3). */
export function isIpv6(text: string): boolean {
  if (text.length > 45) return false;
  const halves = text.split('::', 3);
  if (halves.length > 2) return false;
  const [left = '', right] = halves;
  if (right === undefined) return groups(left, true) === 8;
  // '::' stands for at least one group (RFC 4291 §2.2; RFC 5321 §4.1.3 asks for two, RFC 5952 writers give two).
  const leftGroups = left === '' ? 0 : groups(left, false);
  const rightGroups = right === '' ? 0 : groups(right, true);
  return leftGroups >= 0 && rightGroups >= 0 && leftGroups + rightGroups <= 7;
}

/** The number of 16-bit groups in the text; -1 where it is not made of groups. */
function groups(text: string, mayEndInIpv4: boolean): number {
  const parts = text.split(':', 9);
  let count = 0;
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) count += 1;
    else if (mayEndInIpv4 && i === parts.length - 1 && isIpv4(part)) count += 2;
    else return -1;
  }
  return count;
}
