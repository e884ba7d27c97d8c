/** The ports of a test's service. */
export interface TestPorts {
  readonly mx: number;
  readonly submission?: number;
  readonly submissions?: number;
  readonly lmtp?: number;
}

/** What a test's configuration says besides the usual. */
export interface TestConfiguration {
  readonly directory: string;
  readonly ports: TestPorts;
  /** Hashes of the passwords of alice and bob; without them nobody can log in. */
  readonly hashes?: { readonly alice: string; readonly bob: string };
  /** Further YAML, beginning at the left margin; sections that are not already there. */
  readonly more?: string;
  readonly workers?: number;
}

/** A configuration for the domain example.test with alice and bob, on loopback. */
export function testConfiguration({ directory, ports, hashes, more = '', workers }: TestConfiguration): string {
  const listener = (name: string, profile: string, port: number | undefined, tls: string): string =>
    port === undefined ? '' : `  ${name}: { profile: ${profile}, address: 127.0.0.1, port: ${port}, tls: ${tls} }\n`;
  const mailbox = (name: 'alice' | 'bob'): string =>
    `      ${name}: {${hashes === undefined ? '' : ` password: '${hashes[name]}' `}}\n`;
  return `server: { name: mail.example.test, data: ${directory}/data${workers === undefined ? '' : `, workers: ${workers}`} }
listeners:
${listener('mx', 'mx', ports.mx, 'starttls')}${listener('submission', 'submission', ports.submission, 'starttls')}${listener('submissions', 'submission', ports.submissions, 'implicit')}${listener('lmtp', 'lmtp', ports.lmtp, 'none')}domains:
  example.test:
    mailboxes:
${mailbox('alice')}${mailbox('bob')}    aliases:
      postmaster: alice
      everybody: [alice, bob]
${more}`;
}
