// A reporter for node:test that says what failed and what was skipped, and leaves the counts of a tier in a file.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

const place = (data) => {
  const file = data.file?.replace(/^file:\/\//, '');
  return file === undefined
    ? ''
    : ` (${relative(process.cwd(), file)}${data.line === undefined ? '' : `:${data.line}`})`;
};

/** The error of the test itself: node:test wraps it. */
function reason(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? String(cause);
}

const indented = (text) => text.replace(/^/gm, '    ');

/** A file that failed because a test in it failed is not counted again; one that broke outside its tests is. */
const isEcho = (data) => data.details?.error?.failureType === 'subtestsFailed';
const isSuite = (data) => data.details?.type === 'suite';
const isFile = (data) =>
  data.nesting === 0 && data.file !== undefined && (data.name === data.file || data.file.endsWith(`/${data.name}`));

export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failedFiles = new Set();
  for await (const { type, data } of source) {
    if (type === 'test:pass') {
      if (data.skip !== undefined && data.skip !== false) {
        counts.skipped += 1;
        yield `skipped: ${data.name}${place(data)}: ${data.skip === true || data.skip === '' ? 'no reason given' : data.skip}\n`;
      } else if (data.todo !== undefined && data.todo !== false) {
        counts.skipped += 1;
        yield `todo: ${data.name}${place(data)}\n`;
      } else if (!isSuite(data) && !isFile(data)) counts.passed += 1;
    } else if (type === 'test:fail') {
      if (isEcho(data) || (isFile(data) && failedFiles.has(data.file))) continue;
      counts.failed += 1;
      failedFiles.add(data.file);
      yield `FAILED: ${data.name}${place(data)}\n${indented(reason(data.details?.error))}\n`;
    } else if (type === 'test:stdout' || type === 'test:stderr') yield data.message;
  }
  if (process.env.IMS_TEST_COUNTS) writeFileSync(process.env.IMS_TEST_COUNTS, JSON.stringify(counts));
}
