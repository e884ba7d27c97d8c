import { printProblem, type Problem } from '../../config/problem.ts';
import { defineCheck } from '../check.ts';
import { evidenceMax } from '../limits.ts';
import { healthy, row, unhealthy, unknown } from '../verdict.ts';

/** The file must load; without it nothing else of the service can be judged. */
export const configurationLoads = defineCheck({
  id: 'configuration.loads',
  number: 101,
  title: 'The configuration loads',
  why: 'The service applies a configuration whole or not at all: with one error in it nothing starts.',
  needs: ['configuration', 'host'],
  after: [],
  cost: 'host',
  look({ configuration: { path, ok, problems }, host }) {
    const evidence = problems
      .slice(0, evidenceMax)
      .map((problem) => row(problem.key === '' ? path : problem.key, 'valid', printProblem(problem)));
    if (ok) return healthy([row(path, 'valid', problems.length === 0 ? 'valid' : 'valid, with warnings'), ...evidence]);
    const errors = problems.filter(({ severity }) => severity === 'error');
    // Root and the service user may read what this user may not: that is no fault of the configuration.
    if (host.self.uid !== 0 && errors.every(({ message }) => message.includes('may not be read by this user')))
      return unknown(
        'a file that it needs may not be read by this user; run it as root or as the service user',
        evidence,
      );
    // A key that is missing is often one that was misspelt: the misspelling is the root.
    const first = errors.find(({ nearest }) => nearest !== undefined) ?? errors[0];
    const cause = first === undefined ? `${path} does not load.` : printProblem(first);
    const cure =
      filesOfTls(errors) ??
      `Mend ${first === undefined || first.line === 0 ? path : `line ${first.line} of ${path}`}, then: ims config check ${path}`;
    return unhealthy(cause, { cure, event: 4750 }, evidence);
  },
});

/** What to do where the configuration is well, and the files that it names for TLS are not. */
function filesOfTls(errors: readonly Problem[]): string | undefined {
  const [first] = errors;
  if (first === undefined || !errors.every(({ key }) => key === 'tls.certificate' || key === 'tls.key'))
    return undefined;
  const files = errors.map(({ key, value }) => `${value} (${key})`).join(' and ');
  if (!errors.every(({ message }) => message.startsWith('holds no ')))
    return `Put certificate and key in PEM form there, or correct tls.certificate and tls.key: ${files}; then: ims reload`;
  return errors.length > 1
    ? `Look whether tls.certificate and tls.key are exchanged: ${files} hold neither; then: ims reload`
    : `Put a file in PEM form there, or correct ${first.key}: ${files}; then: ims reload`;
}
