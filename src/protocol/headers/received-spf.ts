/** The Received-SPF field of RFC 7208 §9.1. */
import type { SenderCheck } from '../../mail/sender-check.ts';
import { commentText, quotedUnless } from './comment.ts';

const COMMENT_MAX = 200;
const DOT_ATOM = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;

/** What the field says beside the check itself. */
export interface ReceivedSpfFacts {
  readonly serverName: string;
  readonly clientAddress: string;
  readonly greetingName: string;
  /** Without brackets; '' for the null reverse-path. */
  readonly sender: string;
}

/** The field of one check, with its line end. */
export function receivedSpfField(facts: ReceivedSpfFacts, check: Extract<SenderCheck, { method: 'spf' }>): string {
  const { result, identity, value, why } = check;
  const said = why === '' ? `${result} for ${value}` : `${result} for ${value}: ${why}`;
  const pairs = [
    ['client-ip', facts.clientAddress],
    ['envelope-from', facts.sender],
    ['helo', facts.greetingName],
    ['identity', identity],
    ['receiver', facts.serverName],
    ...(result === 'temperror' || result === 'permerror' ? [['problem', why.slice(0, COMMENT_MAX)]] : []),
  ].map(([key = '', text = '']) => `${key}=${quotedUnless(DOT_ATOM, text)}`);
  return `Received-SPF: ${result} (${commentText(`${facts.serverName}: ${said}`, COMMENT_MAX)})\r\n\t${pairs.join(';\r\n\t')}\r\n`;
}
