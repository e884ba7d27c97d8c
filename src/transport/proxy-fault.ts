import { Fault } from '../events/fault.ts';

/** How each trouble of a proxy reads after its name, by event. */
const WORDS = {
  'transport.proxy-unreachable': 'cannot be reached',
  'transport.proxy-silent': 'did not answer',
  'transport.proxy-login-refused': 'did not accept our login',
  'transport.proxy-wrong-protocol': 'is not of the configured kind',
  'transport.proxy-refused': 'refused to connect',
  'transport.proxy-hangs': 'passes nothing on',
} as const;

/** Events about a proxy that fails. */
export type ProxyTrouble = keyof typeof WORDS;

/** A fault of a proxy: it says nothing about the host that was wanted. */
export type ProxyFault = Fault<ProxyTrouble>;

/** Whether an error of a dial is the fault of a proxy. */
export function isProxyFault(error: unknown): error is ProxyFault {
  return error instanceof Fault && Object.hasOwn(WORDS, error.event);
}

/** The fault for a reply: without the address of the proxy, which is nobody's business who reads a report. */
export function proxyFaultInWords({ event, data }: ProxyFault): string {
  return `the proxy ${data.proxy} ${WORDS[event]}: ${data.why}`;
}

/** Whether it need not hold for the next host. */
export function isOfOneHost({ event }: ProxyFault): boolean {
  return event === 'transport.proxy-refused' || event === 'transport.proxy-hangs';
}
