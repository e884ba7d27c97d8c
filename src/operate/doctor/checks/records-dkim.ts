import {
  fingerprint,
  isOurs,
  keyRecord,
  readKeyRecord,
  readSigningKey,
  type SigningKey,
} from '../../../protocol/dkim-signing/key.ts';
import { zoneLine } from '../../records/index.ts';
import { defineCheck, type Parts } from '../check.ts';
import { answerInWords, askPatiently, publishedDomains, textsOf, zoneFails } from '../facts/published.ts';
import { signingKeys, type ConfiguredKey } from '../facts/signing-keys.ts';
import { isForTrying } from '../facts/usage.ts';
import { askingMs } from '../limits.ts';
import { healthy, notApplicable, row, unhealthy, unknown, type Evidence, type Verdict } from '../verdict.ts';

/** What was found of one key: a fault with its cure, or what could not be seen, or nothing amiss. */
interface Looked {
  readonly evidence: readonly Evidence[];
  readonly fault?: { readonly cause: string; readonly cure: string; readonly event?: number };
  readonly unseen?: string;
}

const show = ({ algorithm, published }: { readonly algorithm: string; readonly published: string }): string =>
  `${algorithm}, ${fingerprint(published)}`;

/** The file as this user sees it, where the settings came without the key. */
async function keyAtFault({ keyFile, domain, selector, key }: ConfiguredKey, disk: Parts['disk']): Promise<Looked> {
  const read = key === undefined ? undefined : readSigningKey(key);
  let why = read?.ok === false ? read.why : 'could not be read when the settings were loaded';
  if (key === undefined) {
    const errno = await disk.readFile(keyFile).then(
      () => '',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
    );
    if (errno === 'EACCES')
      return { evidence: [], unseen: `this user may not read ${keyFile}; run it as root or as the service user` };
    if (errno !== '') why = `cannot be read (${errno})`;
  }
  return {
    evidence: [row(`key ${selector} of ${domain}`, 'a private key in PEM form', `${keyFile} ${why}`)],
    fault: {
      cause: `Mail of ${domain} leaves without the signature of ${selector}: ${keyFile} ${why}.`,
      cure: `Put the key there, or make another (ims dkim new ${domain}), then: ims reload`,
      event: 3260,
    },
  };
}

/** What is wrong with the only record at the name of a key; undefined where verifiers find our key there. */
function faultOf(name: string, text: string, key: SigningKey): string | undefined {
  const found = readKeyRecord(text);
  switch (found.kind) {
    case 'wrong':
      return `The DKIM record at ${name} is not valid: ${found.problem}. No signature of ours can be verified by it.`;
    case 'revoked':
      return `The DKIM record at ${name} says that the key is revoked (its p= is empty): no signature of ours can be verified by it.`;
    case 'key':
      if (found.algorithm !== key.algorithm)
        return `The DKIM record at ${name} is one for ${found.algorithm} keys (k=), and we sign with a key for ${key.algorithm}: signatures cannot be verified.`;
      return isOurs(key, found.published)
        ? undefined
        : `The DKIM record at ${name} publishes another key than the one that we sign with: signatures are found to be wrong.`;
  }
}

async function lookAt(configured: ConfiguredKey, parts: Pick<Parts, 'resolver' | 'clock' | 'disk'>): Promise<Looked> {
  const { domain, selector, key: pem } = configured;
  const read = pem === undefined ? undefined : readSigningKey(pem);
  if (read?.ok !== true) return keyAtFault(configured, parts.disk);
  const { key } = read;
  const name = `${selector}._domainkey.${domain}`;
  const line = zoneLine({ name, type: 'TXT', value: keyRecord(key) });
  const answer = await askPatiently(parts, name, 'TXT');
  const texts = textsOf(answer, /^/);
  const evidence = [row(`TXT of ${name}`, line, texts.join(' and ') || answerInWords(answer))];
  if (answer.kind === 'failure' && !zoneFails(answer)) return { evidence, unseen: `${name}: ${answer.reason}` };
  const fault = (cause: string, cure: string): Looked => ({ evidence, fault: { cause, cure } });
  if (answer.kind === 'failure')
    return fault(
      `The DKIM record at ${name} cannot be looked up: the name servers of its zone fail (${answer.reason}). Signatures cannot be verified.`,
      `Repair the zone (dig +trace ${name} TXT)`,
    );
  const [text] = texts;
  if (text === undefined)
    return fault(
      `Mail of ${domain} is signed with the key ${selector}, and there is no DKIM record at ${name}: nobody can verify it.`,
      `Publish: ${line}`,
    );
  if (texts.length > 1)
    return fault(
      `There are ${texts.length} TXT records at ${name}: which one a receiver takes for the DKIM key is anybody's guess (RFC 6376 §3.6.2.2).`,
      `Leave one of them in the zone: ${line}`,
    );
  const cause = faultOf(name, text, key);
  const found = readKeyRecord(text);
  if (found.kind === 'key') evidence.push(row(`key at ${name}`, show(key), show(found)));
  if (cause !== undefined) return fault(cause, `Publish in its place: ${line}`);
  if (found.kind === 'key' && found.testing)
    return {
      evidence,
      unseen: `${name} says that DKIM is only tried (t=y): receivers may do as if mail were not signed; when it works, publish it without t=y`,
    };
  return { evidence };
}

/** A signature that nobody can verify is worth nothing, and one that is found wrong is worth less. */
export const dkimFits = defineCheck({
  id: 'records.dkim',
  number: 1507,
  title: 'The DKIM records of our domains publish the keys that we sign with',
  why: 'Receivers verify our signatures (RFC 6376) with the key that the domain publishes. Without it, or with another, mail counts as unsigned or as changed on its way, and large providers refuse it.',
  needs: ['settings', 'resolver', 'clock', 'disk'],
  after: ['names.no-rewriting'],
  cost: 'network',
  deadlineMs: askingMs,
  async look(parts): Promise<Verdict> {
    const { settings, resolver } = parts;
    const all = signingKeys(settings);
    if (all.length === 0) return notApplicable('no domain signs its mail (domains.<name>.dkim)');
    if (isForTrying(settings)) return notApplicable('only this host reaches the listeners');
    const published = await publishedDomains(resolver, settings);
    const keys = all.filter(({ domain }) => published.includes(domain));
    if (keys.length === 0) return notApplicable('no domain that signs is one of the public name service');
    const looked = await Promise.all(keys.map((one) => lookAt(one, parts)));
    const evidence = looked.flatMap((one) => one.evidence);
    const fault = looked.find((one) => one.fault !== undefined)?.fault;
    if (fault !== undefined) {
      const { cause, ...cure } = fault;
      return unhealthy(cause, cure, evidence);
    }
    const unseen = looked.find((one) => one.unseen !== undefined)?.unseen;
    return unseen === undefined ? healthy(evidence) : unknown(unseen, evidence);
  },
});
