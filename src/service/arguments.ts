/** Where a configuration is looked for when nothing names one. */
export const defaultConfiguration = '/etc/ims/ims.yaml';

/** The configuration file that `ims run` was told: `--config FILE`, else IMS_CONFIG, else the usual place. */
export function configurationArgument(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly problem: string } {
  let value = environment['IMS_CONFIG'] ?? defaultConfiguration;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word.startsWith('--config=')) value = word.slice('--config='.length);
    else if (word === '--config' || word === '-c') {
      i += 1;
      value = words[i] ?? '';
    } else return { ok: false, problem: `ims run: unknown argument ${word}; usage: ims run [--config FILE]` };
  }
  return value === '' ? { ok: false, problem: 'ims run: --config needs a file name' } : { ok: true, value };
}
