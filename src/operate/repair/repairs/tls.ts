import { cureOf, nothing, person, reloadIfRunning, steps, type Repair } from '../repair.ts';

const OTHERS = 0o077;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g;
/** What certbot calls it comes first; then everything that may be a certificate. */
const WHOLE_CHAIN = 'fullchain.pem';
const MAY_BE_CHAIN = /\.(?:pem|crt|cer|bundle)$/;
const LOOKED_MAX = 100;

/** A private key that others may read. It is never opened further. */
export const closeKey: Repair = {
  id: 'tls.key-mode',
  title: 'Closes the private key to other users',
  checks: ['tls.key-mode'],
  provenBy: 'tls.key-mode',
  async plan(given) {
    const path = given.parts.settings?.tls.key;
    const link = path === undefined ? undefined : await given.parts.host?.link(path);
    const file = link?.ok === true ? undefined : path;
    const entry = file === undefined ? undefined : await given.changes.entry(file);
    if (file === undefined || entry?.ok !== true || entry.value.kind !== 'file') return person(cureOf(given));
    const { mode, uid } = entry.value;
    if ((mode & OTHERS) === 0) return nothing('nobody else may read it');
    const self = given.parts.host?.self.uid;
    if (self !== 0 && self !== uid) return person(`As root: ${cureOf(given)}`);
    // A group that may read it was meant to: ssl-cert, say.
    const closed = mode & ~(uid === 0 ? 0o037 : OTHERS);
    if (closed === mode) return person(cureOf(given));
    return steps('Other users may not read the private key any more.', {
      do: 'set-mode',
      path: file,
      from: mode,
      mode: closed,
    });
  },
};

const bodies = (pem: string): readonly string[] =>
  [...pem.matchAll(CERTIFICATE)].map(([, body = '']) => body.replace(/\s+/g, ''));

/** The leaf is configured and the whole chain lies beside it. */
export const takeWholeChain: Repair = {
  id: 'tls.whole-chain',
  title: 'Takes the file with the whole chain that lies beside the certificate',
  checks: ['tls.chain'],
  provenBy: 'tls.chain',
  async plan(given) {
    const { settings, host } = given.parts;
    const certificate = settings?.tls.certificate;
    const { path, text } = given.configuration;
    if (certificate === undefined || host === undefined || text === undefined) return person(cureOf(given));
    const leaf = await host.text(certificate);
    const own = leaf.ok ? bodies(leaf.value)[0] : undefined;
    const directory = certificate.slice(0, certificate.lastIndexOf('/'));
    const names = await host.names(directory);
    const beside = names.ok ? names.value.filter((name) => MAY_BE_CHAIN.test(name)).sort() : [];
    for (const name of [WHOLE_CHAIN, ...beside].slice(0, LOOKED_MAX)) {
      const chain = await host.text(`${directory}/${name}`);
      const found = chain.ok ? bodies(chain.value) : [];
      if (own === undefined || found.length < 2 || found[0] !== own) continue;
      const value = `${directory}/${name}`;
      return steps(
        `The service shows the chain in ${value}, which begins with the same certificate.`,
        { do: 'edit-configuration', path, changes: [{ key: ['tls', 'certificate'], value }] },
        ...(await reloadIfRunning(given)),
      );
    }
    return person(cureOf(given));
  },
};
