/** Verifies DKIM signatures by dkimpy, an implementation that is not ours. */
import { runProgram } from './programs.ts';

/** Debian's Python: the packages of Debian are for that one. */
const PYTHON = '/usr/bin/python3';

const VERIFY = `
import sys, json, dkim
records = json.loads(sys.argv[1])
message = sys.stdin.buffer.read()
out = []
def look(name, timeout=5):
    return records.get(name.decode().rstrip('.'), '').encode() or None
count = message.split(b'\\r\\n\\r\\n')[0].lower().count(b'dkim-signature:')
for i in range(count):
    d = dkim.DKIM(message, minkey=1024)
    try:
        out.append('pass' if d.verify(idx=i, dnsfunc=look) else 'fail')
    except Exception as e:
        out.append('error: ' + str(e))
print(json.dumps(out))
`;

/** Programs that it needs. */
export const verifierNeeds = ['dkimverify', 'python3-nacl'] as const;

/** What each signature of a message is found to be, from the top: 'pass', 'fail', or an error. `records` are TXT by name. */
export async function verifySignatures(
  message: Buffer,
  records: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { output } = await runProgram(PYTHON, ['-c', VERIFY, JSON.stringify(records)], { input: message });
  try {
    return JSON.parse(output) as string[];
  } catch {
    return [output];
  }
}
