import { cidrSet } from './cidr.ts';
import type { IpAddress } from './ip.ts';

/** Ranges that lead nowhere outside a network: private, shared, link-local and loopback (RFC 1918, RFC 6598, RFC 3927, RFC 4193). */
const INSIDE = cidrSet([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/127',
  'fc00::/7',
  'fe80::/10',
]);

/** Whether an address means something only inside a network: others never see mail come from it. */
export const isInside = (ip: IpAddress): boolean => INSIDE.contains(ip);
